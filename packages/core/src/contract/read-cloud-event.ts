import { parseIsoTime } from '../internal/time.ts'
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
  readVersion,
  refuseFaults,
  streamCorrelation,
  type DecodedEvent,
  type DecodeOptions,
  type Reading,
  type StoredFacts,
  type WireObject,
} from './check-envelope.ts'
import {
  isBase64,
  isJsonType,
  isTextType,
  METADATA_ATTRIBUTE,
  OWN_ATTRIBUTES,
  readCloudEventId,
  sourceAggregateType,
  UNNAMED_SOURCE,
} from './cloud-events.ts'
import type { EnvelopeDraft, EventMetadata } from './envelope.ts'
import { parseJson, readUtf8 } from './json-bytes.ts'
import { escapePointer, type JsonValue } from './json.ts'

/**
 * The envelope that a CloudEvent stands for. Without `aggregatetype` its source is the aggregate
 * type; without a subject its id is the aggregate id; without `correlationid` its stream stands for
 * one; without data its payload is null. Extensions become members of metadata.
 *
 * @throws {ContractError} `TIDINGS_ENVELOPE_INVALID` with a pointer per fault
 */
export function fromCloudEvent(json: unknown, options: DecodeOptions = {}): DecodedEvent {
  const reading: Reading = { faults: [], foreign: undefined }
  if (!isObject(json)) {
    reading.faults.push({ pointer: '', expected: 'a JSON object', actual: kindOf(json) })
    refuseFaults(reading.faults, undefined)
  }
  const { data, data_base64: base64, ...attributes } = json as WireObject
  return readEvent(attributes, reading, { ...options, payload: readData(data, base64, reading) })
}

/** Headers of a message; a value of bytes is text in UTF-8. */
export type MessageHeaders = Readonly<Record<string, string | Uint8Array | undefined>>

/** Whether headers are those of a CloudEvent in binary mode. */
export function isBinaryCloudEvent(headers: MessageHeaders): boolean {
  return ['ce_specversion', 'ce_id', 'ce_source', 'ce_type'].every(
    (name) => headers[name] !== undefined,
  )
}

/**
 * The envelope that a CloudEvent in binary mode stands for, as {@link fromCloudEvent}. Data that is
 * neither JSON nor text becomes base64.
 *
 * @param value null where the message has none, which is a payload of null
 * @throws {ContractError} `TIDINGS_ENVELOPE_INVALID`, `TIDINGS_EVENT_UNREADABLE`
 */
export function fromBinaryCloudEvent(
  headers: MessageHeaders,
  value: Uint8Array | null,
  options: DecodeOptions = {},
): DecodedEvent {
  const reading: Reading = { faults: [], foreign: undefined }
  const attributes: Record<string, JsonValue> = {}
  for (const [name, bytes] of Object.entries(headers)) {
    if (bytes === undefined || !(name.startsWith('ce_') || name === 'content-type')) continue
    const attribute = name === 'content-type' ? 'datacontenttype' : name.slice(3)
    const text = typeof bytes === 'string' ? bytes : readUtf8(bytes)
    Object.defineProperty(attributes, attribute, { value: text, enumerable: true })
  }
  return readEvent(attributes, reading, {
    ...options,
    payload: readValue(value, attributes, reading),
  })
}

function readData(
  data: JsonValue | undefined,
  base64: JsonValue | undefined,
  reading: Reading,
): JsonValue {
  if (base64 === undefined || base64 === null) return data ?? null
  if (data !== undefined)
    addFault(reading.faults, '/data_base64', 'data or data_base64, not both', base64)
  if (!isBase64(base64)) addFault(reading.faults, '/data_base64', 'base64', base64)
  keepForeign(reading, 'payloadEncoding', 'base64')
  return base64
}

function readValue(value: Uint8Array | null, attributes: WireObject, reading: Reading): JsonValue {
  if (value === null) return null
  const named = attributes['datacontenttype']
  const type = typeof named === 'string' ? named : 'application/json'
  if (parseRest(attributes, reading).foreign?.payloadEncoding !== 'base64') {
    if (isJsonType(type)) return value.length === 0 ? null : parseJson(readUtf8(value))
    if (isTextType(type)) return readUtf8(value)
  }
  keepForeign(reading, 'payloadEncoding', 'base64')
  return toBase64(value)
}

const CHUNK = 0x8000

function toBase64(bytes: Uint8Array): string {
  const chunks: string[] = []
  // In pieces: a call takes some 100,000 arguments at the most.
  for (let at = 0; at < bytes.length; at += CHUNK)
    chunks.push(String.fromCharCode(...bytes.subarray(at, at + CHUNK)))
  return btoa(chunks.join(''))
}

function readEvent(
  attributes: WireObject,
  reading: Reading,
  { payload, defaultTime }: DecodeOptions & { readonly payload: JsonValue },
): DecodedEvent {
  const { faults } = reading
  if (attributes['specversion'] !== '1.0')
    addFault(faults, '/specversion', '"1.0"', attributes['specversion'])
  const id = readText(attributes['id'], '/id', faults)
  const source = readName(attributes['source'], '/source', faults)
  const time = attributes['time'] ?? undefined
  const aggregateType = readType(attributes, source, reading)
  const aggregateId =
    attributes['subject'] == null ? id : readText(attributes['subject'], '/subject', faults)
  const causationId = readForeignId(
    attributes['causationid'],
    '/causationid',
    'causationId',
    reading,
  )
  const envelope: EnvelopeDraft = {
    eventId: readCloudEventId(
      id,
      source,
      typeof time === 'string' ? parseIsoTime(time) : undefined,
      reading,
    ),
    eventType: readName(attributes['type'], '/type', faults),
    eventVersion: readVersion(attributes['eventversion'] ?? 1, '/eventversion', faults),
    timestamp: readTime(time ?? defaultTime, '/time', reading),
    aggregateType,
    aggregateId,
    correlationId:
      readForeignId(attributes['correlationid'], '/correlationid', 'correlationId', reading) ??
      streamCorrelation(aggregateType, aggregateId),
    payload,
    metadata: readMembers(attributes, source, reading),
  }
  if (causationId !== undefined) envelope.causationId = causationId
  return finishEnvelope(
    { envelope, stored: readStored(attributes, reading), format: 'cloudevents' },
    faults,
  )
}

function readType(attributes: WireObject, source: string, { faults }: Reading): string {
  const own = attributes['aggregatetype']
  if (own !== undefined && own !== null) return readAggregateType(own, '/aggregatetype', faults)
  const type = sourceAggregateType(source)
  if (type === '' && source !== '')
    addFault(faults, '/source', "a source that names something besides '/'", source)
  return type
}

function readMembers(attributes: WireObject, source: string, reading: Reading): EventMetadata {
  const metadata: Record<string, JsonValue | undefined> = {}
  if (source !== UNNAMED_SOURCE) metadata['source'] = source
  const stored = isStored(attributes)
  const copy = (name: string, value: JsonValue | undefined, pointer: string): void => {
    const expected = copyMember(metadata, name, value)
    if (expected !== undefined) addFault(reading.faults, pointer, expected, value)
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null) continue
    if (name === 'version') keepForeign(reading, 'members', { version: value })
    if (name === 'traceid') copy('traceId', value, '/traceid')
    if (name === 'datacontenttype' && value !== 'application/json') copy(name, value, `/${name}`)
    if (OWN_ATTRIBUTES.has(name) || (stored && STORED.has(name))) continue
    copy(name, value, `/${escapePointer(name)}`)
  }
  for (const [name, value] of Object.entries(parseRest(attributes, reading))) {
    copy(name, value, `/${METADATA_ATTRIBUTE}`)
  }
  return joinForeign(metadata, reading)
}

function parseRest(attributes: WireObject, { faults }: Reading): EventMetadata {
  const text = attributes[METADATA_ATTRIBUTE]
  if (text === undefined || text === null) return {}
  try {
    const rest: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
    if (isObject(rest)) return rest
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  addFault(faults, `/${METADATA_ATTRIBUTE}`, 'a JSON object as text', text)
  return {}
}

const STORED: ReadonlySet<string> = new Set(['sequence', 'recordedtime'])

/** `sequence` and `recordedtime` are official words; only beside our own one are they our log's. */
function isStored(attributes: WireObject): boolean {
  return attributes['logposition'] !== undefined
}

const NOT_STORED: StoredFacts = Object.freeze({})

function readStored(attributes: WireObject, { faults }: Reading): StoredFacts {
  if (!isStored(attributes)) return NOT_STORED
  const { logposition, sequence, recordedtime } = attributes
  return Object.freeze({
    position: readVersion(wholeNumber(logposition), '/logposition', faults),
    ...(sequence === undefined
      ? undefined
      : { streamVersion: readVersion(wholeNumber(sequence), '/sequence', faults) }),
    ...(recordedtime === undefined
      ? undefined
      : { recordedAt: readTime(recordedtime, '/recordedtime', { faults, foreign: undefined }) }),
  })
}

function wholeNumber(text: JsonValue | undefined): JsonValue | undefined {
  return typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : text
}
