import type { SubscriptionOverview } from 'tidings'
import { describeLag, describeState } from '../../admin/describe-subscription.ts'
import { toJsonObject } from '../../admin/json.ts'
import { openDesk } from '../../admin/open-desk.ts'
import type { VerbContext } from '../../context.ts'
import { exitCodes, type ExitCode } from '../../failure.ts'
import type { Style } from '../../output/paint.ts'
import { createTable, type Column } from '../../output/table.ts'
import { formatNumber } from '../../texts/texts.ts'

/** `tidings subscriptions list`: what each is doing, and how far it is. */
export async function runList(context: VerbContext): Promise<ExitCode> {
  const { out, t } = context
  await using desk = await openDesk(context)
  const subscriptions = await desk.admin.subscriptions()
  if (out.json) {
    for (const subscription of subscriptions) await out.record(toJsonObject(subscription))
    return exitCodes.done
  }
  await createTable(out, columnsOf(context)).add(subscriptions)
  if (subscriptions.length === 0) out.note(t('subscriptions.none'))
  return exitCodes.done
}

function columnsOf({ t }: VerbContext): readonly Column<SubscriptionOverview>[] {
  return [
    { title: t('column.subscription'), value: ({ name }) => name },
    {
      title: t('column.state'),
      value: (one) => describeState(one, t),
      style: styleOf,
    },
    {
      title: t('column.lag-events'),
      align: 'right',
      value: ({ lagEvents }) => formatNumber(lagEvents),
      plain: ({ lagEvents }) => String(lagEvents),
    },
    {
      title: t('column.lag-time'),
      align: 'right',
      value: ({ lagMs }) => describeLag(lagMs),
      plain: ({ lagMs }) => String(lagMs),
    },
    { title: t('column.parked'), align: 'right', value: ({ parked }) => String(parked) },
    { title: t('column.dead'), align: 'right', value: ({ deadLetters }) => String(deadLetters) },
    { title: t('column.position'), align: 'right', value: ({ position }) => String(position) },
    {
      title: t('column.generation'),
      align: 'right',
      value: ({ generation }) => String(generation),
    },
    { title: t('column.owner'), value: ({ owner }) => owner ?? '-' },
    { title: t('column.why'), value: ({ reason }) => (reason === '' ? '-' : reason) },
  ]
}

function styleOf({ owner, state }: SubscriptionOverview): Style {
  if (owner === undefined || state === 'failed' || state === 'outage') return 'red'
  return state === 'live' ? 'green' : 'yellow'
}
