import type { ParkedEvent } from 'tidings'
import { toIsoTime } from 'tidings/contract'
import { letterJson } from '../../admin/json.ts'
import { explainNoLetters, pagesOf, readFilter } from '../../admin/choose-letters.ts'
import { openDesk } from '../../admin/open-desk.ts'
import type { listSpec } from '../../arguments/dead-letters.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { VerbContext } from '../../context.ts'
import { exitCodes, type ExitCode } from '../../failure.ts'
import type { Style } from '../../output/paint.ts'
import { createTable, type Column } from '../../output/table.ts'
import { shortTime } from '../../output/units.ts'

/** `tidings dead-letters list`: what is put aside, in order of subscription and position. */
export async function runList(
  context: VerbContext,
  { options }: Arguments<typeof listSpec>,
): Promise<ExitCode> {
  const { out, signal } = context
  await using desk = await openDesk(context)
  const filter = readFilter(options, context)
  const table = createTable(out, columnsOf(context))
  let seen = 0
  for await (const page of pagesOf(desk.admin, filter, { limit: options.limit, signal })) {
    seen += page.length
    if (out.json) for (const letter of page) await out.record(letterJson(letter))
    else await table.add(page)
  }
  if (seen === 0) await explainNoLetters(desk.admin, options, context)
  return exitCodes.done
}

function columnsOf({ t }: VerbContext): readonly Column<ParkedEvent>[] {
  return [
    { title: t('column.letter-id'), value: ({ parkedId }) => parkedId },
    { title: t('column.subscription'), value: ({ subscription }) => subscription },
    { title: t('column.key'), value: ({ key }) => key },
    {
      title: t('column.waits-for'),
      value: (letter) => waitsFor(letter, t),
      style: styleOf,
    },
    { title: t('column.type'), value: ({ eventType }) => eventType },
    {
      title: t('column.parked-at'),
      value: ({ parkedAt }) => shortTime(parkedAt),
      plain: ({ parkedAt }) => parkedAt,
    },
    {
      title: t('column.attempts'),
      align: 'right',
      value: ({ attemptCount }) => String(attemptCount),
    },
    { title: t('column.fingerprint'), value: ({ fingerprint }) => fingerprint ?? '-' },
    { title: t('column.error'), value: ({ attempts }) => attempts.at(-1)?.error.message ?? '-' },
  ]
}

/** What has to come before it is handled: a person, a time, or the letter before it. */
export function waitsFor(
  { state, reason, dueAt }: Pick<ParkedEvent, 'state' | 'reason' | 'dueAt'>,
  t: VerbContext['t'],
): string {
  if (state === 'redriving') return t('letter.redriving')
  if (state === 'resolved') return t('letter.resolved')
  if (state === 'discarded') return t('letter.discarded')
  if (dueAt !== undefined) return t('letter.due', { time: shortTime(toIsoTime(dueAt)) })
  return reason === 'behind' ? t('letter.behind') : t('letter.dead')
}

function styleOf({ state, reason, dueAt }: ParkedEvent): Style {
  if (state === 'resolved') return 'green'
  if (state !== 'parked') return 'cyan'
  return dueAt !== undefined || reason === 'behind' ? 'yellow' : 'red'
}
