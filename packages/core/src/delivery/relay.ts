import type { StoredEnvelope } from '../contract/envelope.ts'
import { toRecord } from '../transport/outgoing.ts'
import type { Publisher, PublishResult } from '../transport/publisher.ts'
import { defineSubscription, type AnySubscription } from './define-subscription.ts'
import { PartialFailure } from './partial-failure.ts'
import type { RetryPolicy } from './retry-policy.ts'

/** The name that a relay's progress is kept under; the view `event_outbox` goes by it. */
export const RELAY = 'relay'

/** One transaction for the mark of so many: at half of it, the commits took a sixth of a relay's time. */
const BATCH = 1000

export interface RelayOptions {
  /** Records handed over at a time; 1,000 by default. */
  readonly batchSize?: number
  /** Five attempts, 200 ms to 10 s apart, by default; then the event is parked, and its key waits. */
  readonly retry?: RetryPolicy
}

/**
 * The relay: a subscription to everything that has a topic, whose handler sends it there, and whose
 * progress is all its state. At least once, in order per key; what was never committed is never sent.
 *
 * One batch is in flight. Events go out as they were stored, whether this process knows their
 * contracts or not.
 */
export function makeRelay(publisher: Publisher, options: RelayOptions = {}): AnySubscription {
  const { batchSize = BATCH } = options
  const subscription = defineSubscription(RELAY, {
    events: '**',
    retry: { attempts: 5, ...options.retry },
    batch: { size: batchSize, age: 0 },
    buffer: 2 * batchSize,
    handleBatch: (events, { signal }) => send(publisher, events as StoredEnvelope[], signal),
  })
  return {
    ...subscription,
    plan: {
      ...subscription.plan,
      readsRaw: true,
      filter: (event) => (event as StoredEnvelope).topic !== undefined,
    },
  }
}

async function send(
  publisher: Publisher,
  events: readonly StoredEnvelope[],
  signal: AbortSignal,
): Promise<void> {
  const records = events.map((event) => toRecord(event, event.topic!, event.key))
  const results = await publisher.publish(records, { signal })
  if (events.every((_, index) => results[index]?.ok === true)) return
  throw new PartialFailure(events.flatMap((event, index) => failureOf(event, results[index])))
}

function failureOf(
  event: StoredEnvelope,
  result: PublishResult | undefined,
): PartialFailure['failures'] {
  if (result?.ok === true) return []
  return [{ event, error: result?.error ?? new Error('The publisher gave no result for it.') }]
}
