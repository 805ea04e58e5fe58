import type { Store, SubscriptionOverview } from 'tidings'
import type { Translate } from '../texts/texts.ts'
import { describeLag, describeState } from '../verbs/subscriptions/list.ts'

/** All subscriptions of a log, in order of name. */
export async function readSubscriptions(store: Store): Promise<readonly SubscriptionOverview[]> {
  // Where none ever ran, the rest of the library need not be loaded: that takes longer than all else.
  if ((await store.subscriptions.list()).length === 0) return []
  const { createAdmin } = await import('tidings')
  return createAdmin(store).subscriptions()
}

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
