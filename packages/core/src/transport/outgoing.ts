import { encodeEvent } from '../contract/codec.ts'
import type { Envelope } from '../contract/envelope.ts'
import type { OutgoingRecord } from './publisher.ts'

/** An event as a record: seed 2's JSON, and in the headers what a reader wants to know before it parses. */
export function toRecord(event: Envelope, topic: string, key?: string): OutgoingRecord {
  const headers: Record<string, string> = {
    event_id: event.eventId,
    event_type: event.eventType,
    event_version: String(event.eventVersion),
    correlation_id: event.correlationId,
    'content-type': 'application/json',
  }
  if (event.causationId !== undefined) headers['causation_id'] = event.causationId
  if (event.metadata.traceparent !== undefined) headers['traceparent'] = event.metadata.traceparent
  if (event.position !== undefined) headers['position'] = String(event.position)
  return { topic, key: key ?? event.aggregateId, value: encodeEvent(event), headers }
}
