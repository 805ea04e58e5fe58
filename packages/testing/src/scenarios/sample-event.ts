import {
  defineEvent,
  defineTask,
  defineTopic,
  sealEnvelope,
  streamName,
  type AnyEventDefinition,
  type Envelope,
  type EventMetadata,
  type ExpectedVersion,
  type IdSource,
  type SealedEvent,
  type StreamAppend,
} from 'tidings'

/** A Standard Schema by hand, so that this package needs no library of schemas. */
export interface SampleSchema<Payload> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: '@tidings/testing'
    readonly validate: (
      value: unknown,
    ) =>
      | { readonly value: Payload; readonly issues?: undefined }
      | { readonly issues: readonly { readonly message: string }[] }
    readonly types?: { readonly input: Payload; readonly output: Payload }
  }
}

/** A schema of objects that have one field, or of anything. */
export function sampleSchema<Payload>(needed?: keyof Payload & string): SampleSchema<Payload> {
  const fits = (value: unknown): boolean =>
    needed === undefined || (typeof value === 'object' && value !== null && needed in value)
  return {
    '~standard': {
      version: 1,
      vendor: '@tidings/testing',
      validate: (value) =>
        fits(value)
          ? { value: value as Payload }
          : { issues: [{ message: `an object with ${needed}` }] },
    },
  }
}

const anyPayload = sampleSchema<{ readonly [field: string]: string | number }>()

const facts = defineTopic('sample-facts', { carries: 'facts' })
const tasks = defineTopic('sample-tasks', { carries: 'tasks' })
const finished = defineEvent('Sample.Work.Finished', { payload: anyPayload })

/** Contracts for events that have a topic, or are work: what filters by these can find. */
export const sampleFact: AnyEventDefinition = defineEvent('Sample.Parcel.Sent', {
  payload: anyPayload,
  topic: facts,
})
export const sampleTask: AnyEventDefinition = defineTask('Sample.Work.Requested', {
  payload: anyPayload,
  topic: tasks,
  results: [finished],
})

/** What a sample event is; all of it has a default. */
export interface SampleEvent {
  readonly eventId?: string
  readonly eventType?: string
  readonly eventVersion?: number
  /** ISO 8601; 2026-11-21T09:00:00.000Z by default. */
  readonly timestamp?: string
  /** `aggregateType/aggregateId`; `Sample.Counter/1` by default. */
  readonly stream?: string
  readonly correlationId?: string
  readonly causationId?: string
  readonly payload?: unknown
  readonly metadata?: EventMetadata
  /** For topic, key and class, and the type where none is given. */
  readonly definition?: AnyEventDefinition
}

export const SAMPLE_TYPE = 'Sample.Counter.Increased'
export const SAMPLE_STREAM = 'Sample.Counter/1'
const SAMPLE_TIME_MS = Date.UTC(2026, 10, 21, 9)

/**
 * An event, ready to be appended.
 *
 * @throws {ContractError} where the sample would not survive JSON, or is too large
 */
export function sampleEvent(ids: IdSource, sample: SampleEvent = {}): SealedEvent {
  const stream = sample.stream ?? SAMPLE_STREAM
  const slash = stream.indexOf('/')
  const eventId = sample.eventId ?? ids.newId(SAMPLE_TIME_MS)
  const envelope: Envelope = {
    eventId,
    eventType: sample.eventType ?? sample.definition?.type ?? SAMPLE_TYPE,
    eventVersion: sample.eventVersion ?? 1,
    timestamp: sample.timestamp ?? new Date(SAMPLE_TIME_MS).toISOString(),
    aggregateType: stream.slice(0, slash),
    aggregateId: stream.slice(slash + 1),
    correlationId: sample.correlationId ?? eventId,
    ...(sample.causationId === undefined ? undefined : { causationId: sample.causationId }),
    payload: 'payload' in sample ? sample.payload : { by: 1 },
    metadata: sample.metadata ?? {},
  }
  return sealEnvelope(envelope, sample.definition)
}

/** So many events for one stream; their payloads count from 1. */
export function sampleEvents(ids: IdSource, stream: string, count: number): SealedEvent[] {
  return Array.from({ length: count }, (_, index) =>
    sampleEvent(ids, { stream, payload: { n: index + 1 } }),
  )
}

/** An append of events that are all for the same stream. */
export function appendOf(
  expectedVersion: ExpectedVersion,
  ...events: readonly [SealedEvent, ...SealedEvent[]] | readonly SealedEvent[]
): StreamAppend {
  const home = events[0]?.envelope
  if (home === undefined) throw new RangeError('An append needs an event')
  return { stream: streamName(home.aggregateType, home.aggregateId), expectedVersion, events }
}
