import type { Store, SubscriptionOverview } from 'tidings'

/** All subscriptions of a log, in order of name. */
export async function readSubscriptions(store: Store): Promise<readonly SubscriptionOverview[]> {
  // Where none ever ran, the rest of the library need not be loaded: that takes longer than all else.
  if ((await store.subscriptions.list()).length === 0) return []
  const { createAdmin } = await import('tidings')
  return createAdmin(store).subscriptions()
}
