import { describeLag, describeOwner, describeState } from '../../admin/describe-subscription.ts'
import { toJsonObject } from '../../admin/json.ts'
import { openDesk } from '../../admin/open-desk.ts'
import type { Arguments } from '../../arguments/spec.ts'
import type { showSpec } from '../../arguments/subscriptions.ts'
import type { VerbContext } from '../../context.ts'
import { exitCodes, type ExitCode } from '../../failure.ts'
import { printFields } from '../../output/fields.ts'
import { formatNumber } from '../../texts/texts.ts'

/** `tidings subscriptions show`: one, whole. */
export async function runShow(
  context: VerbContext,
  { rest }: Arguments<typeof showSpec>,
): Promise<ExitCode> {
  const { out, t } = context
  await using desk = await openDesk(context)
  const one = await desk.admin.subscription(rest[0] ?? '')
  const states = ['requested', 'running'] as const
  const open = await desk.admin.operations.list({ subscription: one.name, states })
  if (out.json) {
    await out.record({
      ...toJsonObject(one),
      open_operations: open.map(({ operationId }) => operationId),
    })
    return exitCodes.done
  }
  await printFields(out, [
    [t('letter.subscription'), one.name],
    [t('letter.state'), describeState(one, t)],
    [t('subscription.why'), one.reason === '' ? '-' : one.reason],
    [t('subscription.since'), one.stateSince],
    [t('subscription.owner'), describeOwner(one)],
    [t('subscription.last-owner'), one.lastOwner],
    [t('subscription.lease'), one.leaseUntil ?? '-'],
    [t('letter.position'), String(one.position)],
    [t('subscription.generation'), String(one.generation)],
    [t('subscription.lag-events'), formatNumber(one.lagEvents)],
    [t('subscription.lag-time'), describeLag(one.lagMs)],
    [t('subscription.ahead'), String(one.ahead)],
    [t('subscription.parked'), String(one.parked)],
    [t('subscription.dead'), String(one.deadLetters)],
    [
      t('subscription.open'),
      open.map(({ kind, operationId }) => `${kind} ${operationId}`).join(', ') || '-',
    ],
  ])
  return exitCodes.done
}
