import assert from 'node:assert/strict'
import type {
  ClaimedProgress,
  Fence,
  IdSource,
  OperationRecord,
  ParkedEvent,
  ProgressChange,
  Store,
  SubscriptionRecord,
  TimerRecord,
} from 'tidings'
import { refusal } from './expectations.ts'

const SAMPLE_TIME_MS = Date.UTC(2026, 10, 21, 9)

/** The subscription of most scenarios. */
export const SUBSCRIPTION = 'sample-mail'

/** A time some minutes after that of the samples, ISO 8601. */
export function minutesLater(minutes: number): string {
  return new Date(SAMPLE_TIME_MS + minutes * 60_000).toISOString()
}

/** Takes a subscription over; it begins before the first event where it was never there. */
export function claimAs(
  store: Store,
  token: number,
  facts: { readonly name?: string; readonly owner?: string; readonly startAt?: number } = {},
): Promise<ClaimedProgress> {
  const { name = SUBSCRIPTION, owner = `owner-${token}`, startAt = 0 } = facts
  return store.subscriptions.claim({ name, token, owner, startAt })
}

export function fenceOf({ name, generation, token }: SubscriptionRecord): Fence {
  return { subscription: name, generation, token }
}

/** One step of a subscription, in a transaction of its own. */
export function step(
  store: Store,
  fence: Fence,
  change: Pick<ProgressChange, 'mark' | 'ahead'> = {},
): Promise<void> {
  return store.transaction((tx) => tx.progress({ ...fence, ...change }))
}

/** Fails unless the promise is refused because somebody else owns the subscription. */
export async function fenced(promise: Promise<unknown>, fence: Fence, what: string): Promise<void> {
  const error = await refusal(promise, 'TIDINGS_FENCED', what)
  const { subscription, token } = error as unknown as Fence
  assert.deepEqual(
    { subscription, token },
    { subscription: fence.subscription, token: fence.token },
    `${what}: the facts`,
  )
  assert.equal(error.retryable, false, 'who has lost it does not try again')
}

/** The mark as everybody sees it. */
export async function markOf(store: Store, name: string = SUBSCRIPTION): Promise<number> {
  const record = await store.subscriptions.find(name)
  return record?.position ?? Number.NaN
}

/** An event that failed at its first attempt, and waits for a person. */
export function sampleParked(ids: IdSource, facts: Partial<ParkedEvent> = {}): ParkedEvent {
  const eventId = ids.newId(SAMPLE_TIME_MS)
  const error = { name: 'Error', code: 'E_SAMPLE', message: 'no 😀', stack: 'Error\n  at sample' }
  return {
    parkedId: ids.newId(SAMPLE_TIME_MS),
    subscription: SUBSCRIPTION,
    generation: 1,
    key: 'k1',
    sequence: 7,
    position: 7,
    eventId,
    eventType: 'Sample.Counter.Increased',
    eventVersion: 1,
    correlationId: eventId,
    causationId: undefined,
    reason: 'failed',
    state: 'parked',
    dueAt: undefined,
    attempts: [{ at: minutesLater(0), durationMs: 12.5, error }],
    attemptCount: 1,
    laterCount: 0,
    fingerprint: 'f1',
    bytes: new Uint8Array([0, 1, 254, 255]),
    edited: undefined,
    redrives: 0,
    operationId: undefined,
    history: [{ at: minutesLater(0), by: 'runtime', what: 'parked' }],
    parkedAt: minutesLater(0),
    changedAt: minutesLater(0),
    ...facts,
  }
}

export function sampleOperation(
  ids: IdSource,
  facts: Partial<OperationRecord> = {},
): OperationRecord {
  return {
    operationId: ids.newId(SAMPLE_TIME_MS),
    kind: 'redrive',
    subscription: SUBSCRIPTION,
    request: { filter: { states: ['parked'] }, rate: 2.5 },
    requestedBy: 'ann',
    reason: 'mended',
    requestedAt: minutesLater(0),
    state: 'requested',
    startedAt: undefined,
    finishedAt: undefined,
    progress: {},
    result: undefined,
    error: undefined,
    cancelledBy: undefined,
    cancelReason: undefined,
    ...facts,
  }
}

export function sampleTimer(ids: IdSource, facts: Partial<TimerRecord> = {}): TimerRecord {
  const timerId = ids.newId(SAMPLE_TIME_MS)
  return {
    timerId,
    dueAt: SAMPLE_TIME_MS,
    commandType: 'Sample.Counter.Remind',
    input: { counterId: '1', words: ['soon', '再见'] },
    correlationId: timerId,
    causationId: undefined,
    metadata: undefined,
    setAt: minutesLater(0),
    state: 'waiting',
    firedAt: undefined,
    lateMs: undefined,
    failure: undefined,
    ...facts,
  }
}

/** Ids of parked events, in order. */
export function parkedIds(events: readonly Pick<ParkedEvent, 'parkedId'>[]): string[] {
  return events.map(({ parkedId }) => parkedId)
}
