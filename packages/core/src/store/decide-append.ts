import type { SealedEvent } from '../contract/seal.ts'
import { EventIdConflictError, type ExpectedVersion } from '../errors/store-errors.ts'
import { UsageError } from '../errors/usage-errors.ts'
import type { AppendOptions, AppendResult, StreamAppend } from './store.ts'

/**
 * Refuses what no store can append, before anything of it is looked at in the log.
 *
 * An id twice in one call is a mistake of the caller (`UsageError`), no clash with the log: nothing
 * that is stored has to do with it, and it can never be a repeat.
 *
 * @throws {UsageError} `TIDINGS_ARGUMENT_INVALID`
 */
export function checkAppends(
  appends: readonly StreamAppend[],
  options?: Pick<AppendOptions, 'command'>,
): void {
  if (appends.length === 0 && options?.command === undefined) {
    throw invalid('An append without a command names at least one stream; this one names none.')
  }
  for (const { stream, expectedVersion, events } of appends) {
    if (events.length === 0) {
      throw invalid(
        `An append brings at least one event for each stream; for '${stream}' it has none.`,
      )
    }
    checkExpectedVersion(stream, expectedVersion)
    for (const event of events) checkHome(stream, event)
  }
  if (appends.length > 1)
    refuseTwice(
      appends.map((append) => append.stream),
      'stream',
    )
  if (appends.length > 1 || appends[0]?.events.length !== 1) {
    refuseTwice(
      appends.flatMap((append) => append.events.map((event) => event.envelope.eventId)),
      'event id',
    )
  }
}

const words: ReadonlySet<ExpectedVersion> = new Set(['any', 'no-stream', 'stream-exists'])

function checkExpectedVersion(stream: string, expected: ExpectedVersion): void {
  if (words.has(expected) || (Number.isSafeInteger(expected) && (expected as number) >= 0)) return
  throw invalid(
    `The expected version of '${stream}' is a whole number from 0 up, 'any', 'no-stream' or 'stream-exists'; got ${String(expected)}.`,
  )
}

function checkHome(
  stream: string,
  { envelope: { eventId, aggregateType, aggregateId } }: SealedEvent,
): void {
  const divide = aggregateType.length
  // Compared in parts: putting the name together costs a text per event.
  if (
    divide > 0 &&
    aggregateId !== '' &&
    stream.length === divide + 1 + aggregateId.length &&
    stream.indexOf('/') === divide &&
    stream.startsWith(aggregateType) &&
    stream.endsWith(aggregateId)
  ) {
    return
  }
  throw invalid(
    `A stream is named 'aggregateType/aggregateId' after its events, and an aggregate type holds no slash; event ${eventId} of '${aggregateType}' with id '${aggregateId}' came for '${stream}'.`,
  )
}

function refuseTwice(names: readonly string[], what: string): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name))
      throw invalid(`An append names each ${what} once; '${name}' is there twice.`)
    seen.add(name)
  }
}

function invalid(problem: string): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `${problem} Nothing was stored. Correct the call.`,
  )
}

/**
 * Whether a stream is as an append expects it.
 *
 * @param actual the version of the stream's last event; 0 where it has none
 */
export function matchesExpected(expected: ExpectedVersion, actual: number): boolean {
  switch (expected) {
    case 'any':
      return true
    case 'no-stream':
      return actual === 0
    case 'stream-exists':
      return actual > 0
    default:
      return expected === actual
  }
}

/** Where an event is that was looked up by its id. */
export interface FoundEvent {
  readonly eventId: string
  readonly stream: string
  readonly version: number
  readonly position: number
  /** UTC, ISO 8601, milliseconds. */
  readonly recordedAt: string
}

/**
 * What the ids of an append say about it:
 * - `new`: none of them is in the log, so commands and versions decide (in this order);
 * - `repeat`: all of them are there, per stream with consecutive versions in the same order. It is the
 *   same append as before, whatever version it expects now. Nothing is written, its command neither;
 * - `clash`: anything else.
 */
export type IdDecision =
  | { readonly kind: 'new' }
  | { readonly kind: 'repeat'; readonly results: readonly AppendResult[] }
  | { readonly kind: 'clash'; readonly error: EventIdConflictError }

const NEW: IdDecision = Object.freeze({ kind: 'new' })

/**
 * Tells a repeated append from a new one and from a clash.
 *
 * @param find the event with an id, as the transaction that appends sees it
 */
export function decideByIds(
  appends: readonly StreamAppend[],
  find: (eventId: string) => FoundEvent | undefined,
): IdDecision {
  // The usual case, and so without a list of what is not there.
  const isNew = appends.every(({ events }) =>
    events.every(({ envelope }) => find(envelope.eventId) === undefined),
  )
  if (isNew) return NEW
  const found = appends.map(({ stream, events }) => ({
    stream,
    wanted: events.length,
    events: events
      .map(({ envelope }) => find(envelope.eventId))
      .filter((event) => event !== undefined),
  }))
  const known = found.flatMap(({ stream, events }) => events.map((event) => ({ stream, event })))
  const [first] = known
  if (first === undefined) return NEW
  const results = found.map(repeatOf).filter((result) => result !== undefined)
  if (results.length === found.length) return { kind: 'repeat', results }
  // One that is elsewhere says more than one that is merely out of order.
  const { stream, event } = known.find(({ stream, event }) => event.stream !== stream) ?? first
  const { eventId, stream: foundStream, version: foundVersion } = event
  return {
    kind: 'clash',
    error: new EventIdConflictError({ eventId, stream, foundStream, foundVersion }),
  }
}

interface FoundAppend {
  readonly stream: string
  readonly wanted: number
  /** Those that are in the log, in the order of the append. */
  readonly events: readonly FoundEvent[]
}

/** The first result of an append, if its events stand in its stream one behind the other. */
function repeatOf({ stream, wanted, events }: FoundAppend): AppendResult | undefined {
  const [first] = events
  if (first === undefined || events.length !== wanted) return undefined
  const isRun = events.every(
    (event, offset) => event.stream === stream && event.version === first.version + offset,
  )
  if (!isRun) return undefined
  return {
    stream,
    version: first.version + wanted - 1,
    positions: events.map((event) => event.position),
    recordedAt: first.recordedAt,
    repeated: true,
  }
}
