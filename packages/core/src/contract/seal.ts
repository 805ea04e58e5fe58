import { ContractError, shorten } from '../errors/contract-error.ts'
import type { Clock } from '../internal/clock.ts'
import { nameId, isUuid, type IdSource } from '../internal/ids.ts'
import { parseIsoTime, toIsoTime } from '../internal/time.ts'
import type { AnyEventDefinition, Draft } from './definition.ts'
import {
  freezeEnvelope,
  NO_METADATA,
  type Envelope,
  type EnvelopeDraft,
  type EventMetadata,
} from './envelope.ts'
import { findJsonFault, type JsonFault } from './json.ts'
import { canonicalJson, parsePayload, schemaHash, touchesSensitive } from './payload.ts'
import { currentPayload } from './read-event.ts'

/** What an event is for: a fact is kept; work may go once everyone who waits for it has passed. */
export type EventClass = 'fact' | 'work'

/**
 * An event that has passed every check and is on its way into a log. Only the functions of this file
 * make one; a store trusts it.
 */
export interface SealedEvent {
  readonly envelope: Envelope
  /** The payload as JSON, made once, when it was checked. */
  readonly payloadJson: string
  /** The metadata as JSON; undefined when there is none. */
  readonly metadataJson: string | undefined
  /** Milliseconds since the epoch of `envelope.timestamp`. */
  readonly timeMs: number
  readonly topic: string | undefined
  /** Partition key; undefined: the aggregate id. */
  readonly key: string | undefined
  readonly class: EventClass
  /** The schema under which the payload was checked; undefined: read it through the contract again. */
  readonly schemaHash: string | undefined
  readonly '~sealed': true
}

/** 900 kB: what a broker with its usual limit of 1 MiB takes, with room for headers. */
export const DEFAULT_MAX_EVENT_BYTES = 900_000

export interface SealOptions {
  /** Bytes of payload and metadata as JSON; 900,000 by default. */
  readonly maxEventBytes?: number | undefined
}

/** Where an event is made: what it belongs to, and what led to it. */
export interface Origin extends SealOptions {
  readonly aggregateType: string
  readonly aggregateId: string
  readonly correlationId: string
  readonly causationId: string | undefined
  /** Joined with the draft's own, which wins. */
  readonly metadata: EventMetadata | undefined
  readonly clock: Clock
  readonly ids: IdSource
}

/**
 * Makes an event of a draft: checked payload, id, time and cause.
 *
 * @throws {ContractError} when the payload does not fit its contract, would not survive JSON, or is
 *   too large; when an id or time of the draft is none.
 */
export function sealDraft(draft: Draft, origin: Origin): SealedEvent {
  const { definition, options } = draft
  const payload = parsePayload(definition, draft.payload)
  const nowMs = origin.clock.now()
  const timeMs =
    options.timestamp === undefined ? nowMs : requireTime(definition.type, options.timestamp)
  const eventId =
    options.eventId === undefined
      ? origin.ids.newId(nowMs)
      : requireId(definition.type, options.eventId)
  const envelope: EnvelopeDraft = {
    eventId,
    eventType: definition.type,
    eventVersion: definition.version,
    timestamp: toIsoTime(timeMs),
    aggregateType: origin.aggregateType,
    aggregateId: requireText(definition.type, origin.aggregateId),
    correlationId: origin.correlationId,
    payload,
    metadata: joinMetadata(origin.metadata, options.metadata),
  }
  if (origin.causationId !== undefined) envelope.causationId = origin.causationId
  const hash = schemaHash(definition.schema)
  if (hash === undefined) requireStable(definition, payload)
  return seal(envelope, timeMs, { definition, hash, keyPayload: payload, options: origin })
}

/**
 * A payload whose schema has no hash is parsed again at every read, so what the schema makes must come
 * out of it unchanged: one that adds a character would add one more at each reading.
 */
function requireStable(definition: AnyEventDefinition, payload: unknown): void {
  if (canonicalJson(parsePayload(definition, payload)) === canonicalJson(payload)) return
  throw new ContractError(
    'TIDINGS_PAYLOAD_INVALID',
    'the schema changes what it has made itself, so the payload would not be read as it was written.',
    {
      type: definition.type,
      issues: [
        {
          pointer: '',
          expected: 'a schema that passes its own output unchanged',
          actual: 'a transform',
        },
      ],
      nextStep:
        'Nothing was stored. Transform before the event is made, and let the schema only check.',
    },
  )
}

function joinMetadata(
  shared: EventMetadata | undefined,
  own: EventMetadata | undefined,
): EventMetadata {
  if (own === undefined) return shared ?? NO_METADATA
  return Object.freeze(shared === undefined ? { ...own } : { ...shared, ...own })
}

/**
 * Takes an envelope from elsewhere as it is: nothing in it is rewritten, and its payload is read
 * through the contract again whenever it is read. The envelope's own fields must have been checked
 * (`checkEnvelope`), its payload against the contract if there is one.
 *
 * @param definition the contract, for topic, key and class; without one the event goes nowhere
 * @throws {ContractError} when the payload would not survive JSON, or is too large.
 */
export function sealEnvelope(
  envelope: Envelope,
  definition: AnyEventDefinition | undefined,
  options: SealOptions = {},
): SealedEvent {
  const timeMs = requireTime(envelope.eventType, envelope.timestamp)
  return seal(envelope, timeMs, { definition, hash: undefined, keyPayload: undefined, options })
}

interface SealPlan {
  readonly definition: AnyEventDefinition | undefined
  readonly hash: string | undefined
  /** The payload as its contract makes it; undefined: it is still to be brought there. */
  readonly keyPayload: unknown
  readonly options: SealOptions
}

function seal(envelope: Envelope, timeMs: number, plan: SealPlan): SealedEvent {
  const { definition, hash, options } = plan
  refuseFault(envelope, definition, 'payload', findJsonFault(envelope.payload))
  const payloadJson = JSON.stringify(envelope.payload)
  const metadataJson = stringifyMetadata(envelope, definition)
  refuseTooLarge(
    envelope,
    payloadJson,
    metadataJson,
    options.maxEventBytes ?? DEFAULT_MAX_EVENT_BYTES,
  )
  return {
    envelope: freezeEnvelope(envelope),
    payloadJson,
    metadataJson,
    timeMs,
    topic: definition?.topic?.name,
    key:
      definition?.key === undefined
        ? undefined
        : partitionKey(definition, envelope, plan.keyPayload),
    class: definition?.class ?? (definition?.kind === 'task' ? 'work' : 'fact'),
    schemaHash: hash,
    '~sealed': true,
  }
}

function stringifyMetadata(
  envelope: Envelope,
  definition: AnyEventDefinition | undefined,
): string | undefined {
  if (envelope.metadata === NO_METADATA) return undefined
  refuseFault(envelope, definition, 'metadata', findJsonFault(envelope.metadata))
  const json = JSON.stringify(envelope.metadata)
  return json === '{}' ? undefined : json
}

function refuseFault(
  envelope: Envelope,
  definition: AnyEventDefinition | undefined,
  part: 'payload' | 'metadata',
  fault: JsonFault | undefined,
): void {
  if (fault === undefined) return
  const hidden = part === 'payload' && touchesSensitive(definition?.sensitive ?? [], fault.pointer)
  const actual = hidden ? '[sensitive]' : shorten(fault.actual)
  throw new ContractError(
    'TIDINGS_PAYLOAD_NOT_JSON',
    `the ${part} would not survive JSON unchanged.`,
    {
      type: envelope.eventType,
      issues: [{ pointer: fault.pointer, expected: fault.expected, actual }],
      nextStep:
        'Nothing was stored. Say it as plain JSON: ISO text for a time, digits for a big number, an array for a set.',
    },
  )
}

const utf8 = new TextEncoder()

function refuseTooLarge(
  envelope: Envelope,
  payloadJson: string,
  metadataJson: string | undefined,
  maxBytes: number,
): void {
  const characters = payloadJson.length + (metadataJson?.length ?? 0)
  // A character takes three bytes at the most in UTF-8, so most events need no counting.
  if (characters * 3 <= maxBytes) return
  const bytes = utf8.encode(payloadJson).length + utf8.encode(metadataJson ?? '').length
  if (bytes <= maxBytes) return
  throw new ContractError(
    'TIDINGS_EVENT_TOO_LARGE',
    `the event is larger than the limit of ${maxBytes} bytes.`,
    {
      type: envelope.eventType,
      issues: [
        {
          pointer: '',
          expected: `at most ${maxBytes} bytes of payload and metadata`,
          actual: `${bytes} bytes`,
        },
      ],
      nextStep:
        'Nothing was stored. Keep large content elsewhere and record where it is, or raise the limit: maxEventBytes, in an import --max-event-bytes.',
    },
  )
}

function requireTime(type: string, timestamp: string): number {
  const timeMs = parseIsoTime(timestamp)
  if (timeMs !== undefined) return timeMs
  throw badField(
    type,
    '/timestamp',
    'an ISO 8601 time with offset, for example 2026-11-21T09:30:00.000Z',
    timestamp,
  )
}

function requireText(type: string, aggregateId: string): string {
  if (aggregateId !== '' && findJsonFault(aggregateId) === undefined) return aggregateId
  throw badField(
    type,
    '/aggregate_id',
    'a text that is not empty, without U+0000 and lone surrogates',
    aggregateId,
  )
}

function requireId(type: string, eventId: string): string {
  if (isUuid(eventId)) return eventId.toLowerCase()
  throw badField(type, '/event_id', 'a UUID', eventId)
}

/** An event from elsewhere may be of an earlier version, or lack defaults; the key is told by today's contract. */
function partitionKey(
  definition: AnyEventDefinition,
  envelope: Envelope,
  keyPayload: unknown,
): string {
  const key: unknown = definition.key?.(
    (keyPayload ?? currentPayload(definition, envelope)) as never,
  )
  if (typeof key === 'string' && key !== '' && findJsonFault(key) === undefined) return key
  // Not the value: it is made of the payload, maybe of a sensitive field.
  const expected = "a text that is not empty from the contract's 'key' function"
  throw badField(envelope.eventType, '/key', expected, key === '' ? key : `(${typeof key})`)
}

function badField(type: string, pointer: string, expected: string, actual: unknown): ContractError {
  return new ContractError('TIDINGS_ENVELOPE_INVALID', 'the envelope is not complete.', {
    type,
    issues: [{ pointer, expected, actual: shorten(actual) }],
    nextStep: 'Nothing was stored.',
  })
}

/** A correlation id as the log keeps it: a UUID as it is, any other text as its UUIDv5. */
export function toCorrelationId(text: string): string {
  return isUuid(text) ? text.toLowerCase() : nameId(text)
}
