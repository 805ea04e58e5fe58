import { deriveId, isUuid } from '../internal/ids.ts'
import { keepForeign, readForeignId, readTime, type Reading } from './check-envelope.ts'
import type { Envelope, ForeignFacts } from './envelope.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** The media type of a CloudEvent that is one JSON object. */
export const CLOUD_EVENTS_CONTENT_TYPE = 'application/cloudevents+json; charset=UTF-8'

/** Metadata that no attribute can say, as JSON text. */
export const METADATA_ATTRIBUTE = 'tidingsmetadata'

/** The source of an event whose metadata names none: a CloudEvent must have one. */
export const UNNAMED_SOURCE = 'urn:tidings:unnamed'

/** Attributes that are never a member of metadata, and the other way round. */
export const OWN_ATTRIBUTES: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'data',
  'datacontenttype',
  'eventversion',
  'aggregatetype',
  'correlationid',
  'causationid',
  'traceid',
  'logposition',
  METADATA_ATTRIBUTE,
  // The wire's own word in metadata; an extension of this name is kept apart (`foreign.members`).
  'version',
])

/**
 * The aggregate type that a source stands for: slashes at the ends dropped, inner ones dots
 * (`/permits/receipt` → `permits.receipt`).
 */
export function sourceAggregateType(source: string): string {
  let start = 0
  let end = source.length
  while (source[start] === '/') start++
  while (end > start && source[end - 1] === '/') end--
  return source.slice(start, end).replaceAll('/', '.')
}

/**
 * The event id of a CloudEvent, which is known by source and id together. A UUID is kept; anything
 * else becomes a derived id, the same wherever it is met. Without a time of its own the time 0 is
 * taken: it must not be another event because it was read at another time.
 */
export function readCloudEventId(
  id: string,
  source: string,
  timeMs: number | undefined,
  reading: Reading,
): string {
  const eventId = isUuid(id) ? id.toLowerCase() : deriveId(timeMs ?? 0, source, id)
  if (eventId !== id) keepForeign(reading, 'eventId', id)
  return eventId
}

/**
 * A CloudEvent (1.0) of an envelope, as one JSON object.
 *
 * What CloudEvents and their official extensions have a word for goes there: `subject` is the
 * aggregate id, `correlationid`, `causationid`, `traceparent`, and of a stored event `sequence` and
 * `recordedtime`. Ours are `eventversion`, `aggregatetype` (where the source does not say it),
 * `traceid`, `logposition`, and `tidingsmetadata` for whatever no attribute can hold. The originals
 * of an event that came as a CloudEvent are given back. A schema hash is left out, as on every wire.
 */
export function toCloudEvent(envelope: Envelope): JsonObject {
  const { attributes, rest, base64 } = describe(envelope, () => true)
  return {
    ...attributes,
    ...restAttribute(rest),
    [base64 ? 'data_base64' : 'data']: envelope.payload as JsonValue,
  }
}

/** A CloudEvent in binary mode: attributes as headers `ce_…`, the payload as the value. */
export interface BinaryCloudEvent {
  readonly headers: Readonly<Record<string, string>>
  readonly value: Uint8Array
}

const utf8 = new TextEncoder()

/**
 * A CloudEvent of an envelope in binary mode, as the Kafka binding has it. A header is text, so
 * numbers and truth values stand in `ce_tidingsmetadata` too, where they keep their kind.
 */
export function toBinaryCloudEvent(envelope: Envelope): BinaryCloudEvent {
  // As bytes, a payload is known for text by its media type alone.
  const { attributes, rest, base64 } = describe(envelope, isTextType)
  const { datacontenttype, ...others } = attributes
  const exact: Record<string, JsonValue | undefined> = { ...rest }
  const headers: Record<string, string> = { 'content-type': String(datacontenttype) }
  for (const [name, value] of Object.entries(others)) {
    headers[`ce_${name}`] = String(value)
    if (typeof value !== 'string' && !OWN_ATTRIBUTES.has(name)) exact[name] = value
  }
  if (base64)
    exact['foreign'] = {
      ...(exact['foreign'] as JsonObject | undefined),
      payloadEncoding: 'base64',
    }
  for (const [name, text] of Object.entries(restAttribute(exact))) headers[`ce_${name}`] = text
  return { headers, value: encodeData(envelope.payload, String(datacontenttype), base64) }
}

function encodeData(payload: unknown, contentType: string, base64: boolean): Uint8Array {
  if (base64)
    return Uint8Array.from(atob(payload as string), (character) => character.charCodeAt(0))
  return utf8.encode(isJsonType(contentType) ? JSON.stringify(payload) : (payload as string))
}

/** Whether data of this media type is JSON. */
export function isJsonType(contentType: string): boolean {
  return /^[^;]*[/+]json\s*(?:;|$)/i.test(contentType)
}

/** Whether data of this media type is read as text. */
export function isTextType(contentType: string): boolean {
  return /^text\/|[/+]xml\s*(?:;|$)/i.test(contentType)
}

/** Whether a text is base64 as an encoder writes it, so that its bytes say the same text again. */
export function isBase64(text: unknown): text is string {
  if (typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
    return false
  return btoa(atob(text)) === text
}

function restAttribute(rest: Record<string, JsonValue | undefined>): Record<string, string> {
  return Object.keys(rest).length === 0 ? {} : { [METADATA_ATTRIBUTE]: JSON.stringify(rest) }
}

type Scalar = string | number | boolean
type Attributes = Record<string, Scalar>

interface Description {
  readonly attributes: Attributes
  /** What of the metadata no attribute says. */
  readonly rest: Record<string, JsonValue | undefined>
  readonly base64: boolean
}

function describe(envelope: Envelope, saysText: (contentType: string) => boolean): Description {
  const { source: named, traceId, foreign: kept, ...members } = envelope.metadata
  const source = isUriReference(named) ? named : UNNAMED_SOURCE
  const foreign = { ...kept }
  const attributes: Attributes = {
    specversion: '1.0',
    id: envelope.eventId,
    source,
    type: envelope.eventType,
    time: envelope.timestamp,
    eventversion: envelope.eventVersion,
    correlationid: envelope.correlationId,
    ...(envelope.causationId === undefined ? undefined : { causationid: envelope.causationId }),
  }
  restoreOriginals(envelope, attributes, foreign)
  if (sourceAggregateType(source) !== envelope.aggregateType)
    attributes['aggregatetype'] = envelope.aggregateType
  if (attributes['id'] !== envelope.aggregateId) attributes['subject'] = envelope.aggregateId
  describeStored(envelope, attributes)
  const rest: Record<string, JsonValue | undefined> = {}
  if (named !== undefined && (named !== source || named === UNNAMED_SOURCE)) rest['source'] = named
  if (isPlainText(traceId)) attributes['traceid'] = traceId
  else if (traceId !== undefined) rest['traceId'] = traceId
  describeMembers(members, attributes, rest)
  const base64 = foreign.payloadEncoding === 'base64' && isBase64(envelope.payload)
  if (base64) delete foreign.payloadEncoding
  describeContentType({ members, payload: envelope.payload, base64, saysText }, attributes, rest)
  if (Object.keys(foreign).length > 0) rest['foreign'] = foreign
  return { attributes, rest, base64 }
}

type ForeignDraft = { -readonly [Fact in keyof ForeignFacts]: ForeignFacts[Fact] }

/** Gives an original back wherever reading it again makes the envelope that we have. */
function restoreOriginals(envelope: Envelope, attributes: Attributes, foreign: ForeignDraft): void {
  const restore = (
    fact: 'eventId' | 'correlationId' | 'causationId' | 'timestamp',
    attribute: string,
    read: (text: string, reading: Reading) => string | undefined,
  ): void => {
    const text = foreign[fact]
    if (text === undefined) return
    const reading: Reading = { faults: [], foreign: undefined }
    if (read(text, reading) !== envelope[fact] || reading.foreign?.[fact] !== text) return
    attributes[attribute] = text
    delete foreign[fact]
  }
  restore('timestamp', 'time', (text, reading) => readTime(text, '', reading))
  restore('correlationId', 'correlationid', (text, reading) =>
    readForeignId(text, '', 'correlationId', reading),
  )
  restore('causationId', 'causationid', (text, reading) =>
    readForeignId(text, '', 'causationId', reading),
  )
  const timeMs = Date.parse(envelope.timestamp)
  restore('eventId', 'id', (text, reading) =>
    readCloudEventId(text, String(attributes['source']), timeMs, reading),
  )
  const { version, ...members } = foreign.members ?? {}
  if (!isAttribute('extension', version)) return
  attributes['version'] = version
  if (Object.keys(members).length === 0) delete foreign.members
  else foreign.members = members
}

function describeStored(
  { streamVersion, position, recordedAt }: Envelope,
  attributes: Attributes,
): void {
  if (position === undefined) return
  attributes['logposition'] = String(position)
  if (recordedAt !== undefined) attributes['recordedtime'] = recordedAt
  // Its order is that of text, and 16 digits hold every whole number that a number can be sure of.
  if (streamVersion !== undefined) attributes['sequence'] = String(streamVersion).padStart(16, '0')
}

function describeMembers(
  members: JsonObject,
  attributes: Attributes,
  rest: Record<string, JsonValue | undefined>,
): void {
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined || name === 'datacontenttype') continue
    const free = !OWN_ATTRIBUTES.has(name) && !Object.hasOwn(attributes, name)
    if (free && isAttribute(name, value)) attributes[name] = value
    else Object.defineProperty(rest, name, { value, enumerable: true })
  }
}

/** Data that is no JSON keeps its media type; a type that does not fit the payload is only remembered. */
function describeContentType(
  event: {
    readonly members: JsonObject
    readonly payload: unknown
    readonly base64: boolean
    readonly saysText: (contentType: string) => boolean
  },
  attributes: Attributes,
  rest: Record<string, JsonValue | undefined>,
): void {
  const { datacontenttype: type } = event.members
  const fits =
    isPlainText(type) &&
    (isJsonType(type) ||
      event.base64 ||
      (typeof event.payload === 'string' && event.saysText(type)))
  attributes['datacontenttype'] = fits ? type : 'application/json'
  if (type !== undefined && (!fits || type === 'application/json')) rest['datacontenttype'] = type
}

/** Names are lower-case letters and digits; values are text without control characters, 32-bit numbers, truth values. */
function isAttribute(name: string, value: JsonValue | undefined): value is Scalar {
  if (!/^[a-z0-9]{1,20}$/.test(name)) return false
  if (typeof value === 'number') return Object.is(value | 0, value)
  return typeof value === 'boolean' || isPlainText(value)
}

/** CloudEvents forbid control characters in a text. */
function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed() && !/\p{Cc}/u.test(value)
}

function isUriReference(text: unknown): text is string {
  return typeof text === 'string' && /^[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/.test(text)
}
