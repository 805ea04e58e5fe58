import type { PlannedRedrive, RedriveQuestion } from 'tidings'
import { readAsker } from '../../admin/asker.ts'
import { carryOut, describeVerdict } from '../../admin/carry-out.ts'
import { readChoice, readSubscription } from '../../admin/choose-letters.ts'
import { toJsonObject } from '../../admin/json.ts'
import { openDesk, type Desk } from '../../admin/open-desk.ts'
import { readEdits } from '../../admin/read-edits.ts'
import type { redriveSpec } from '../../arguments/dead-letters.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { VerbContext } from '../../context.ts'
import { exitCodes, type ExitCode } from '../../failure.ts'
import { createTable } from '../../output/table.ts'

/** `tidings dead-letters redrive`: has parked events handled again. */
export async function runRedrive(
  context: VerbContext,
  { options }: Arguments<typeof redriveSpec>,
): Promise<ExitCode> {
  const edits = readEdits(options, context)
  const filter = readChoice(options, context)
  await using desk = await openDesk(context, options)
  const subscription = await readSubscription(desk.admin, options, context)
  const { force, rate } = options
  if (options['dry-run']) {
    return await printPlan(desk, { subscription, filter, force, edits }, context)
  }
  const operation = await desk.admin.request({
    kind: 'redrive',
    subscription,
    filter,
    rate,
    edits,
    force,
    ...readAsker(options),
  })
  return await carryOut(desk, operation, { context, carrying: options })
}

async function printPlan(
  { admin }: Desk,
  question: RedriveQuestion,
  context: VerbContext,
): Promise<ExitCode> {
  const { out, t } = context
  const { events, counts, subscription, generation } = await admin.planRedrive(question)
  if (out.json) {
    await out.record({ subscription, generation, counts, events: events.map(toJsonObject) })
    return exitCodes.done
  }
  await createTable<PlannedRedrive>(out, [
    { title: t('column.letter-id'), value: ({ parkedId }) => parkedId },
    { title: t('column.key'), value: ({ key }) => key },
    {
      title: t('column.verdict'),
      value: ({ verdict, behind }) => describeVerdict(verdict, behind, t),
    },
    { title: t('column.type'), value: ({ eventType }) => eventType },
  ]).add(events)
  out.note(
    t('plan.counts', {
      runs: counts.runs + counts['runs-after'] + counts.follows,
      waits: counts.waits,
      refused: counts.refused,
      other: counts['under-way'] + counts.finished + counts.earlier,
    }),
  )
  return exitCodes.done
}
