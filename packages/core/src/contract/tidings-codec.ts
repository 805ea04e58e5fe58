import {
  addFault,
  copyMember,
  finishEnvelope,
  isObject,
  joinForeign,
  keepForeign,
  kindOf,
  readAggregateType,
  readForeignId,
  readName,
  readText,
  readTime,
  readUuid,
  readVersion,
  refuseFaults,
  streamCorrelation,
  type DecodedEvent,
  type DecodeOptions,
  type Faults,
  type Reading,
  type StoredFacts,
  type WireObject,
} from './check-envelope.ts'
import { NO_METADATA, type Envelope, type EnvelopeDraft, type EventMetadata } from './envelope.ts'
import { escapePointer, JsonText, type JsonObject, type JsonValue } from './json.ts'

/** The media type of an event in Tidings' own form. */
export const TIDINGS_CONTENT_TYPE = 'application/json'

/**
 * An envelope as JSON: snake_case members, and what the log knows of it (`stream_version`,
 * `position`, `recorded_at`) where it is stored. The hash of the schema it was written under is left
 * out: whoever reads these bytes has to check them.
 *
 * `metadata.version` repeats the event's version for readers that look there, so no metadata member
 * of that name travels; neither do `traceId` and `trace_id` apart, which are the same on the wire.
 */
export function toWire(envelope: Envelope): JsonObject {
  const { streamVersion, position, recordedAt } = envelope
  const wire: Record<string, JsonValue> = {
    event_id: envelope.eventId,
    event_type: envelope.eventType,
    event_version: envelope.eventVersion,
    timestamp: envelope.timestamp,
    aggregate_type: envelope.aggregateType,
    aggregate_id: envelope.aggregateId,
    correlation_id: envelope.correlationId,
    causation_id: envelope.causationId ?? null,
    payload: envelope.payload as JsonValue,
    metadata: wireMetadata(envelope),
  }
  // Assigned, not spread: a conditional spread costs more than the rest of the object.
  if (streamVersion !== undefined) wire['stream_version'] = streamVersion
  if (position !== undefined) wire['position'] = position
  if (recordedAt !== undefined) wire['recorded_at'] = recordedAt
  return wire
}

/** The text of {@link toWire}, put together: that costs less than to make the object and to write it. */
export function encodeWire(envelope: Envelope): string {
  const { eventId, correlationId, causationId } = envelope
  const payload = jsonOf(envelope.payload)
  const id = quoted(eventId)
  const correlation = correlationId === eventId ? id : quoted(correlationId)
  const causation = quoted(causationId ?? null)
  return inOnePiece(
    `{"event_id":${id},"event_type":${quoted(envelope.eventType)},"event_version":${numberJson(envelope.eventVersion)},"timestamp":${quoted(envelope.timestamp)},"aggregate_type":${quoted(envelope.aggregateType)},"aggregate_id":${quoted(envelope.aggregateId)},"correlation_id":${correlation},"causation_id":${causation}${payload === undefined ? '' : `,"payload":${payload}`},"metadata":${metadataJson(envelope)}${storedJson(envelope)}}`,
  )
}

/** Where the look at a text goes: V8 leaves out one whose result nobody keeps. */
const look = { last: 0 }

/**
 * The same text, in one piece. One that was put together stays a tree of its pieces until somebody looks
 * at it, and while it is kept the collector walks through all of them.
 */
function inOnePiece(text: string): string {
  look.last = text.charCodeAt(0)
  return text
}

function storedJson({ streamVersion, position, recordedAt }: Envelope): string {
  return (
    (streamVersion === undefined ? '' : `,"stream_version":${numberJson(streamVersion)}`) +
    (position === undefined ? '' : `,"position":${numberJson(position)}`) +
    (recordedAt === undefined ? '' : `,"recorded_at":${quoted(recordedAt)}`)
  )
}

function metadataJson(envelope: Envelope): string {
  if (envelope.metadata === NO_METADATA) return `{"version":${numberJson(envelope.eventVersion)}}`
  return JSON.stringify(wireMetadata(envelope))
}

/** Undefined for what JSON has no word for, as `JSON.stringify` has it. */
function jsonOf(payload: unknown): string | undefined {
  if (!(payload instanceof JsonText)) return JSON.stringify(payload)
  // Somebody wrote it by SQL: on its way it may be a line of a file.
  return payload.text.includes('\n') ? JSON.stringify(payload) : payload.text
}

/** What JSON does not take as it is: quotes, backslashes, control characters, and halves of pairs. */
const ESCAPED = /["\\\p{Cc}\p{Cs}]/u

/** Also what is no text, though its type says that it is, is JSON behind this. */
function quoted(text: string | null): string {
  if (typeof text === 'string' && !ESCAPED.test(text)) return `"${text}"`
  return jsonOf(text) ?? 'null'
}

function numberJson(number: number): string {
  return Number.isFinite(number) ? String(number) : JSON.stringify(number)
}

function wireMetadata({ eventVersion, metadata }: Envelope): JsonObject {
  if (metadata === NO_METADATA) return { version: eventVersion }
  const { traceId, version: _, ...others } = metadata
  return {
    version: eventVersion,
    ...(traceId === undefined ? undefined : { trace_id: traceId }),
    ...others,
  }
}

/**
 * The envelope that a JSON value says. Without a correlation id its stream stands for one; one that
 * is no UUID becomes its UUIDv5, and `metadata.foreign` keeps the original.
 *
 * @throws {ContractError} `TIDINGS_ENVELOPE_INVALID` with a pointer per fault
 */
export function fromWire(json: unknown, options: DecodeOptions = {}): Envelope {
  return decodeWire(json, options).envelope
}

/** As {@link fromWire}, with what the sender's log said. */
export function decodeWire(json: unknown, options: DecodeOptions = {}): DecodedEvent {
  const reading: Reading = { faults: [], foreign: undefined }
  const { faults } = reading
  if (!isObject(json)) {
    faults.push({ pointer: '', expected: 'a JSON object', actual: kindOf(json) })
    refuseFaults(faults, undefined)
  }
  const wire = json as WireObject
  const aggregateType = readAggregateType(wire['aggregate_type'], '/aggregate_type', faults)
  const aggregateId = readText(wire['aggregate_id'], '/aggregate_id', faults)
  const causationId = readForeignId(wire['causation_id'], '/causation_id', 'causationId', reading)
  if (wire['payload'] === undefined) addFault(faults, '/payload', 'a JSON value', undefined)
  const metadata = readMetadata(wire['metadata'], faults)
  const envelope: EnvelopeDraft = {
    eventId: readUuid(wire['event_id'], '/event_id', faults),
    eventType: readName(wire['event_type'], '/event_type', faults),
    eventVersion: readWireVersion(wire, faults),
    timestamp: readTime(wire['timestamp'] ?? options.defaultTime, '/timestamp', reading),
    aggregateType,
    aggregateId,
    correlationId:
      readForeignId(wire['correlation_id'], '/correlation_id', 'correlationId', reading) ??
      streamCorrelation(aggregateType, aggregateId),
    payload: wire['payload'],
    metadata: joinForeign(metadata, keepMembers(wire, reading)),
  }
  if (causationId !== undefined) envelope.causationId = causationId
  return finishEnvelope({ envelope, stored: readStored(wire, reading), format: 'tidings' }, faults)
}

/** Members that are not ours go to `metadata.foreign`: a newer sender may have meant something by them. */
function keepMembers(wire: WireObject, reading: Reading): Reading {
  for (const member in wire) {
    if (isMember(member)) continue
    const unknown = Object.entries(wire).filter(([name]) => !isMember(name))
    keepForeign(reading, 'members', Object.fromEntries(unknown))
    break
  }
  return reading
}

/** A switch: asking a set of thirteen costs ten times as much. */
function isMember(name: string): boolean {
  switch (name) {
    case 'event_id':
    case 'event_type':
    case 'event_version':
    case 'timestamp':
    case 'aggregate_type':
    case 'aggregate_id':
    case 'correlation_id':
    case 'causation_id':
    case 'payload':
    case 'metadata':
    case 'stream_version':
    case 'position':
    case 'recorded_at':
      return true
    default:
      return false
  }
}

function readWireVersion(wire: WireObject, faults: Faults): number {
  const version = wire['event_version']
  if (version !== undefined && version !== null)
    return readVersion(version, '/event_version', faults)
  const metadata = wire['metadata']
  const fallback = isObject(metadata) ? metadata['version'] : undefined
  return fallback === undefined || fallback === null
    ? readVersion(version, '/event_version', faults)
    : readVersion(fallback, '/metadata/version', faults)
}

function readMetadata(value: JsonValue | undefined, faults: Faults): EventMetadata {
  if (value === undefined || value === null) return NO_METADATA
  if (!isObject(value)) {
    addFault(faults, '/metadata', 'a JSON object', value)
    return NO_METADATA
  }
  const metadata: Record<string, JsonValue | undefined> = {}
  for (const name in value) {
    if (name === 'version') continue
    const expected = copyMember(metadata, name === 'trace_id' ? 'traceId' : name, value[name])
    if (expected !== undefined)
      addFault(faults, `/metadata/${escapePointer(name)}`, expected, value[name])
  }
  return metadata
}

const NOT_STORED: StoredFacts = Object.freeze({})

function readStored(wire: WireObject, reading: Reading): StoredFacts {
  const { stream_version: streamVersion, position, recorded_at: recordedAt } = wire
  if (streamVersion === undefined && position === undefined && recordedAt === undefined)
    return NOT_STORED
  const { faults } = reading
  return Object.freeze({
    ...(streamVersion == null
      ? undefined
      : { streamVersion: readVersion(streamVersion, '/stream_version', faults) }),
    ...(position == null ? undefined : { position: readVersion(position, '/position', faults) }),
    ...(recordedAt == null
      ? undefined
      : { recordedAt: readTime(recordedAt, '/recorded_at', { faults, foreign: undefined }) }),
  })
}
