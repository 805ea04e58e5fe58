/** What is read of a durable subscription, whoever runs it: `app.admin.subscriptions()` answers with it. */
export interface SubscriptionReading {
  readonly name: string
  readonly state: string
  readonly reason: string
  /** Who runs it; undefined: nobody now. */
  readonly owner: string | undefined
  /** What it has still to look at, in positions and in milliseconds. */
  readonly lagEvents: number
  readonly lagMs: number
  /** Put aside and unfinished. */
  readonly parked: number
  /** Those of them that wait for a person. */
  readonly deadLetters: number
}

/** Reads all subscriptions of a log. */
export type ReadSubscriptions = () => Promise<readonly SubscriptionReading[]>

/** Every state that a subscription can be in. */
export const SUBSCRIPTION_STATES: readonly string[] = [
  'starting',
  'catching-up',
  'live',
  'waiting',
  'outage',
  'paused',
  'failed',
  'stopped',
]
