import { readAsker } from '../../admin/asker.ts'
import { carryOut } from '../../admin/carry-out.ts'
import { readChoice, readSubscription } from '../../admin/choose-letters.ts'
import { confirm } from '../../admin/confirm.ts'
import { openDesk } from '../../admin/open-desk.ts'
import type { discardSpec } from '../../arguments/dead-letters.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { VerbContext } from '../../context.ts'
import { type ExitCode, wrongUsage } from '../../failure.ts'

/** `tidings dead-letters discard`: sets parked events aside for good. */
export async function runDiscard(
  context: VerbContext,
  { options }: Arguments<typeof discardSpec>,
): Promise<ExitCode> {
  const { t } = context
  const asker = readAsker(options)
  if (asker.reason.trim() === '') throw wrongUsage(t('discard.no-reason'))
  const filter = readChoice(options, context)
  await using desk = await openDesk(context, options)
  const subscription = await readSubscription(desk.admin, options, context)
  const { generation } = await desk.admin.subscription(subscription)
  const states = ['parked'] as const
  const count = await desk.admin.parked.count({ ...filter, subscription, generation, states })
  if (count > 1) {
    await confirm(t('discard.question', { count, subscription }), context, options.yes)
  }
  const operation = await desk.admin.request({ kind: 'discard', subscription, filter, ...asker })
  return await carryOut(desk, operation, { context, carrying: options })
}
