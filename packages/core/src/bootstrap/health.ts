import type { Bus } from '../bus/bus.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { SubscriptionState } from '../store/subscription-store.ts'
import type { Health } from './app.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { StoreHealth } from './store-health.ts'

export interface HealthParts {
  readonly state: Lifecycle['state']
  readonly bus: Pick<Bus, 'queueFull' | 'queueSize'>
  readonly storeHealth: StoreHealth
  readonly delivery: Pick<Delivery, 'subscriptions'>
}

const HELD: ReadonlySet<SubscriptionState> = new Set<SubscriptionState>([
  'failed',
  'paused',
  'outage',
  'waiting',
])

/** How an application is, from what is known without asking anybody. */
export function describeHealth({ state, bus, storeHealth, delivery }: HealthParts): Health {
  const reasons = [
    state === 'open' ? undefined : `the application is ${state}`,
    bus.queueFull ? `the queue of the bus is full: ${bus.queueSize} events wait` : undefined,
    state === 'closed' ? undefined : storeHealth.reason(),
  ].filter((reason) => reason !== undefined)
  return {
    live: state !== 'closed',
    ready: reasons.length === 0,
    reasons,
    subscriptions: delivery.subscriptions
      .filter((subscription) => HELD.has(subscription.state))
      .map(({ name, state: held, reason }) => ({ name, state: held, reason })),
  }
}
