import type { ParkedEvent, PlannedRedrive } from 'tidings'
import { isUuid } from 'tidings/contract'
import { describeVerdict } from '../../admin/carry-out.ts'
import { letterJson, toJson } from '../../admin/json.ts'
import { readLetterEvent, type LetterEvent } from '../../admin/letter-event.ts'
import { openDesk, type Desk } from '../../admin/open-desk.ts'
import type { showSpec } from '../../arguments/dead-letters.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { VerbContext } from '../../context.ts'
import { exitCodes, type ExitCode, Failure, wrongUsage } from '../../failure.ts'
import { printFields } from '../../output/fields.ts'
import { printable } from '../../output/width.ts'
import { printTree } from '../../trace/print-tree.ts'
import { readNodes } from '../../trace/read-nodes.ts'
import { growTree } from '../../trace/tree.ts'
import { waitsFor } from './list.ts'

/** Enough for any flow that a person reads. */
const TRACE_LIMIT = 200

/** `tidings dead-letters show`: everything that is known of one. */
export async function runShow(
  context: VerbContext,
  { rest }: Arguments<typeof showSpec>,
): Promise<ExitCode> {
  const { out } = context
  await using desk = await openDesk(context)
  const letter = await requireLetter(desk, rest[0] ?? '', context)
  const event = await readLetterEvent(desk.store, letter)
  const planned = await planOf(desk, letter)
  if (out.json) {
    await out.record({ ...wholeLetterJson(letter, event), on_redrive: toJson(planned) })
    return exitCodes.done
  }
  await printLetter(letter, planned, context)
  await printEvent(event, letter, context)
  await printAttempts(letter, context)
  await printHistory(letter, context)
  const { correlationId } = letter
  const nodes = await readNodes(desk.store, correlationId, TRACE_LIMIT)
  await title('letter.trace', context)
  await printTree(growTree(nodes), correlationId, context)
  return exitCodes.done
}

/** A parked event whole: its event, each attempt that is kept, and who did what. */
export function wholeLetterJson(letter: ParkedEvent, event: LetterEvent): Record<string, unknown> {
  const { attempts, history, edited } = letter
  return {
    ...letterJson(letter),
    event: event.kind === 'event' ? event.wire : null,
    ...(event.kind === 'bytes' ? { bytes_base64: event.base64 } : {}),
    edited: edited === undefined ? null : (JSON.parse(edited) as unknown),
    attempts: toJson(attempts),
    history: toJson(history),
  }
}

async function requireLetter(desk: Desk, id: string, { t }: VerbContext): Promise<ParkedEvent> {
  if (!isUuid(id)) throw wrongUsage(t('letters.not-an-id', { value: id }), t('letters.find'))
  const letter = await desk.admin.parked.find(id.toLowerCase())
  if (letter !== undefined) return letter
  throw new Failure(
    'TIDINGS_CLI_NO_LETTER',
    t('letters.missing', { id, store: desk.store.location }),
    { hint: t('letters.find'), facts: { parked_id: id } },
  )
}

async function planOf({ admin }: Desk, letter: ParkedEvent): Promise<PlannedRedrive | undefined> {
  const { subscription, parkedId } = letter
  const { events } = await admin.planRedrive({ subscription, filter: { ids: [parkedId] } })
  return events[0]
}

async function printLetter(
  letter: ParkedEvent,
  planned: PlannedRedrive | undefined,
  { out, t }: VerbContext,
): Promise<void> {
  const { attempts } = letter
  const error = attempts.at(-1)?.error
  await printFields(out, [
    [t('letter.id'), letter.parkedId],
    [
      t('letter.subscription'),
      `${letter.subscription} (${t('letter.generation', { n: letter.generation })})`,
    ],
    [t('letter.state'), `${waitsFor(letter, t)} (${letter.state}, ${letter.reason})`],
    [t('letter.key'), letter.key],
    [t('letter.event'), `${letter.eventType} v${letter.eventVersion}  ${letter.eventId}`],
    [t('letter.position'), letter.position === undefined ? '-' : String(letter.position)],
    [t('letter.attempts'), String(letter.attemptCount)],
    [t('letter.redrives'), String(letter.redrives)],
    [t('letter.fingerprint'), letter.fingerprint ?? '-'],
    [t('letter.error'), error === undefined ? '-' : `${error.name}: ${error.message}`],
    [
      t('letter.on-redrive'),
      planned === undefined ? '-' : describeVerdict(planned.verdict, planned.behind, t),
    ],
  ])
}

async function title(
  key: 'letter.payload' | 'letter.edited' | 'letter.trace',
  context: VerbContext,
): Promise<void> {
  const { out, t } = context
  await out.line(out.paint('bold', t(key)))
}

async function printEvent(
  event: LetterEvent,
  { edited }: ParkedEvent,
  context: VerbContext,
): Promise<void> {
  await title('letter.payload', context)
  if (event.kind === 'event') await printJson(event.wire['payload'], context)
  else await context.out.line(`  ${event.kind === 'bytes' ? event.base64 : '-'}`)
  if (edited === undefined) return
  await title('letter.edited', context)
  await printJson(JSON.parse(edited), context)
}

async function printJson(value: unknown, { out }: VerbContext): Promise<void> {
  for (const line of JSON.stringify(value, undefined, 2).split('\n')) await out.line(`  ${line}`)
}

async function printAttempts({ attempts }: ParkedEvent, { out, t }: VerbContext): Promise<void> {
  for (const [index, { at, durationMs, error }] of attempts.entries()) {
    const head = t('letter.attempt', { n: index + 1, time: at, ms: Math.round(durationMs) })
    const { name, code, message, stack } = error
    await out.line(out.paint('bold', head))
    const what = `${name}${code === undefined ? '' : ` [${code}]`}: ${message}`
    await out.line(`  ${out.paint('red', printable(what))}`)
    const frames = (stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
    for (const frame of frames) await out.line(`  ${out.paint('dim', printable(frame.trim()))}`)
  }
}

async function printHistory({ history }: ParkedEvent, { out, t }: VerbContext): Promise<void> {
  await out.line(out.paint('bold', t('letter.history')))
  for (const { at, by, what, reason, operationId } of history) {
    const parts = [at, by, what, reason, operationId].filter(
      (part) => part !== undefined && part !== '',
    )
    await out.line(`  ${parts.map((part) => printable(part ?? '')).join('  ')}`)
  }
}
