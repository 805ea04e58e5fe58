import type { SubscriptionOverview } from 'tidings'
import { formatSeconds } from '../output/units.ts'
import type { Translate } from '../texts/texts.ts'

/** A subscription in a line: what it does, how far it is behind, what it put aside, who runs it. */
export function describeInLine(one: SubscriptionOverview, t: Translate): string {
  return t('subscription.line', {
    state: describeState(one, t),
    events: one.lagEvents,
    time: describeLag(one.lagMs),
    parked: one.parked,
    dead: one.deadLetters,
    owner: one.owner ?? '-',
  })
}

/** Without an owner nobody keeps its state true: then that is what counts. */
export function describeState(
  { owner, state }: Pick<SubscriptionOverview, 'owner' | 'state'>,
  t: Translate,
): string {
  if (owner !== undefined) return state
  return state === 'stopped' ? t('subscription.stopped') : t('subscription.not-running', { state })
}

/** 95000 → `1:35`. */
export function describeLag(lagMs: number): string {
  return lagMs === 0 ? '-' : formatSeconds(lagMs / 1000)
}

/** Who runs it; where it has shards, each of them. */
export function describeOwner({ owner, shards }: SubscriptionOverview): string {
  const listed = shards?.map((shard) => `${shard.index}: ${shard.owner ?? '-'}`)
  return listed?.join(', ') ?? owner ?? '-'
}
