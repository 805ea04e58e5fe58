import {
  isObject,
  kindOf,
  refuseFaults,
  type DecodedEvent,
  type DecodeOptions,
  type EventFormat,
  type Faults,
} from './check-envelope.ts'
import { CLOUD_EVENTS_CONTENT_TYPE, toCloudEvent } from './cloud-events.ts'
import type { Envelope } from './envelope.ts'
import type { JsonObject } from './json.ts'
import { parseJson, readUtf8 } from './json-bytes.ts'
import { fromCloudEvent } from './read-cloud-event.ts'
import { decodeWire, encodeWire, TIDINGS_CONTENT_TYPE, toWire } from './tidings-codec.ts'

/** One way to say an event as a JSON object and to read it again. */
export interface EventCodec {
  readonly format: EventFormat
  readonly contentType: string
  toJson(envelope: Envelope): JsonObject
  /** @throws {ContractError} `TIDINGS_ENVELOPE_INVALID` with a pointer per fault */
  fromJson(json: unknown, options?: DecodeOptions): DecodedEvent
}

/** Envelopes as they are: snake_case members. */
export const tidingsCodec: EventCodec = {
  format: 'tidings',
  contentType: TIDINGS_CONTENT_TYPE,
  toJson: toWire,
  fromJson: decodeWire,
}

/** CloudEvents 1.0 in structured mode. */
export const cloudEventsCodec: EventCodec = {
  format: 'cloudevents',
  contentType: CLOUD_EVENTS_CONTENT_TYPE,
  toJson: toCloudEvent,
  fromJson: fromCloudEvent,
}

/** An envelope as JSON text of a format. */
export function encodeEvent(envelope: Envelope, format: EventFormat = 'tidings'): string {
  return format === 'tidings' ? encodeWire(envelope) : JSON.stringify(toCloudEvent(envelope))
}

/**
 * An event from bytes, text or a parsed JSON value: a CloudEvent if it says `specversion`, else an
 * envelope. Its own fields are checked; its payload is not, since only a contract knows it
 * (`checkPayload`), nor is it looked at for what no store can keep (`sealEnvelope`).
 *
 * @throws {ContractError} `TIDINGS_EVENT_UNREADABLE` for what is no JSON in UTF-8;
 *   `TIDINGS_ENVELOPE_INVALID` with a pointer per fault
 */
export function decodeEvent(source: unknown, options: DecodeOptions = {}): DecodedEvent {
  const json =
    typeof source === 'string'
      ? parseJson(source)
      : source instanceof Uint8Array
        ? parseJson(readUtf8(source))
        : source
  return recognise(json).fromJson(json, options)
}

function recognise(json: unknown): EventCodec {
  if (isObject(json)) {
    if (json['specversion'] !== undefined) return cloudEventsCodec
    if (json['event_id'] !== undefined || json['event_type'] !== undefined) return tidingsCodec
  }
  const faults: Faults = []
  faults.push({
    pointer: '',
    expected: 'an object with event_id (an envelope) or specversion (a CloudEvent)',
    actual: kindOf(json),
  })
  refuseFaults(faults, undefined)
  return tidingsCodec
}
