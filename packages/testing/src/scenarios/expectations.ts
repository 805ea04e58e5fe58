import assert from 'node:assert/strict'
import {
  isTidingsError,
  type ErrorCode,
  type ExpectedVersion,
  type Store,
  type StoredEnvelope,
  type TidingsError,
} from 'tidings'
import type { Need, Scenario, ScenarioGroup, StoreHarness } from './scenario.ts'

interface ScenarioOptions {
  readonly needs?: readonly Need[]
  readonly timeoutMs?: number
}

/** A scenario; its group is the first letter of its id. */
export function scenario(
  id: `${ScenarioGroup}${string}`,
  title: string,
  run: (harness: StoreHarness) => Promise<void>,
  options: ScenarioOptions = {},
): Scenario {
  const group = id.charAt(0) as ScenarioGroup
  return Object.freeze({ id, group, title, needs: [], run, ...options })
}

/** What a promise is rejected with; fails when it is not. */
export async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail(`${what} was accepted, but must be refused`)
}

/** The error that a promise is rejected with; fails when it has another code, or is none of ours. */
export async function refusal(
  promise: Promise<unknown>,
  code: ErrorCode,
  what: string,
): Promise<TidingsError> {
  const error = await rejection(promise, what)
  if (!isTidingsError(error))
    return assert.fail(`${what} must fail with ${code}, got ${String(error)}`)
  assert.equal(
    error.code,
    code,
    `${what} must fail with ${code}, got ${error.code}: ${error.message}`,
  )
  return error
}

/** Fails unless the promise is rejected by a `ConcurrencyError` with exactly these facts. */
export async function conflict(
  promise: Promise<unknown>,
  facts: { stream: string; expected: ExpectedVersion; actual: number },
): Promise<void> {
  const what = `an append to '${facts.stream}' that expects ${facts.expected}`
  const error = await refusal(promise, 'TIDINGS_CONCURRENCY_CONFLICT', what)
  const { stream, expected, actual } = error as unknown as typeof facts
  assert.deepEqual({ stream, expected, actual }, facts, 'the facts of the conflict')
  assert.equal(error.retryable, true, 'a conflict can be tried again')
}

/** Ids of events, of whatever shape. */
export function idsOf(
  events: readonly (StoredEnvelope | { readonly envelope: { readonly eventId: string } })[],
): string[] {
  return events.map((event) => ('envelope' in event ? event.envelope.eventId : event.eventId))
}

/** Ids of the whole log, in order. */
export async function logIds(store: Store): Promise<string[]> {
  return idsOf(await store.readAll().toArray())
}

/** Ids of a stream, in order. */
export async function streamIds(store: Store, stream: string): Promise<string[]> {
  return idsOf(await store.readStream(stream).toArray())
}

/** Fails unless every number is greater than the one before. */
export function assertRising(numbers: readonly number[], what: string): void {
  for (const [index, number] of numbers.entries()) {
    const before = numbers[index - 1]
    if (before === undefined || before < number) continue
    assert.fail(`${what} must rise, but ${number} comes after ${before}`)
  }
}

/** Fails unless the log is one that a store may have: versions without holes, positions rising, times not falling. */
export async function assertSound(store: Store): Promise<void> {
  const events = await store.readAll().toArray()
  assertRising(
    events.map((event) => event.position),
    'positions',
  )
  const versions = new Map<string, number>()
  let recordedAt = ''
  for (const event of events) {
    const stream = `${event.aggregateType}/${event.aggregateId}`
    let version = (versions.get(stream) ?? 0) + 1
    if (event.streamVersion > version) version = await behindRemoved(store, stream, version)
    assert.equal(event.streamVersion, version, `versions of '${stream}' in the order of the log`)
    versions.set(stream, version)
    assert.ok(event.recordedAt >= recordedAt, `recordedAt fell at position ${event.position}`)
    recordedAt = event.recordedAt
  }
  const faults = await Array.fromAsync(store.catalog.verify())
  assert.deepEqual(faults, [], 'verify finds nothing')
}

/** The first version of a stream from this one on that was not deleted. */
async function behindRemoved(store: Store, stream: string, version: number): Promise<number> {
  let next = version
  for (const { first, last } of await store.retention.removed(stream)) {
    if (first <= next && next <= last) next = last + 1
  }
  return next
}

/** A gate that a scenario opens: whoever passes through waits for it. */
export interface Gate {
  readonly passed: Promise<void>
  open(): void
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { passed: promise, open: resolve }
}

/** Lets the event loop turn, so that whatever can go on without waiting for the caller does. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}
