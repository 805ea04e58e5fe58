import type { StoredEnvelope } from '../contract/envelope.ts'
import { freezeEnvelope, NO_METADATA, parseMetadata } from '../contract/envelope.ts'
import { JsonText } from '../contract/json.ts'
import { toIsoTime } from '../internal/time.ts'
import type { Cell } from './connection.ts'
import type { NameTables } from './names.ts'

/** The columns of `event_log` that an envelope is made of, in the order that {@link toEnvelope} takes. */
export const EVENT_COLUMNS =
  'e.position, e.stream, e.version, e.event_id, e.event_type, e.event_version, e.correlation_id, e.causation_id, e.occurred_at, e.recorded_at, e.schema, e.payload, e.metadata, e.topic, e.key'

/**
 * A row of the log as an envelope. The optional members are absent, not undefined, where there is none.
 *
 * @param asText its payload stays the text that it is
 */
export function toEnvelope(
  row: readonly Cell[],
  names: NameTables,
  asText = false,
): StoredEnvelope {
  const stream = row[1] as string
  const slash = stream.indexOf('/')
  const payload = row[11] as string | null
  const metadata = row[12] as string | null
  const envelope: Mutable<StoredEnvelope> = {
    eventId: row[3] as string,
    eventType: names.eventTypes.nameOf(row[4] as number),
    eventVersion: row[5] as number,
    timestamp: toIsoTime(row[8] as number),
    aggregateType: stream.slice(0, slash),
    aggregateId: stream.slice(slash + 1),
    correlationId: row[6] as string,
    payload: payload === null ? null : asText ? new JsonText(payload) : JSON.parse(payload),
    metadata: metadata === null ? NO_METADATA : parseMetadata(metadata),
    streamVersion: row[2] as number,
    position: row[0] as number,
    recordedAt: toIsoTime(row[9] as number),
  }
  // A payload that is null is kept as the text 'null'.
  if (payload === null) envelope.erased = true
  if (row[7] !== null) envelope.causationId = row[7] as string
  if (row[10] !== null) envelope.schemaHash = names.schemaHashes.nameOf(row[10] as number)
  if (row[13] !== null) envelope.topic = names.topics.nameOf(row[13] as number)
  if (row[14] !== null) envelope.key = row[14] as string
  return freezeEnvelope(envelope)
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }
