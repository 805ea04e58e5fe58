import { freezeEnvelope, toIsoTime, type StoredEnvelope } from 'tidings'
import { JsonText, NO_METADATA, parseMetadata } from 'tidings/store'

import type { Names, NameTables } from './names.ts'
import type { Cell, Row } from './session.ts'

/** A time of PostgreSQL as milliseconds; rounded by those who read it, for it is a float. */
export function msOf(column: string): string {
  return `date_part('epoch', ${column}) * 1000`
}

/** The columns of `event_log e` that an envelope is made of, in the order that {@link toEnvelope} takes. */
export const EVENT_COLUMNS: string = `e.position, e.stream, e.version, e.event_id, e.event_type, e.event_version, e.correlation_id, e.causation_id, ${msOf('e.occurred_at')}, ${msOf('e.recorded_at')}, e.schema, e.payload, e.metadata, e.topic, e.key`

/**
 * Rows of the log as envelopes. Names that came since are read first.
 *
 * @param asText their payloads stay the text that they are
 */
export async function toEnvelopes(
  rows: readonly Row[],
  names: NameTables,
  asText = false,
): Promise<readonly StoredEnvelope[]> {
  await know(rows, 4, names.eventTypes)
  await know(rows, 10, names.schemaHashes)
  await know(rows, 13, names.topics)
  return rows.map((row) => toEnvelope(row, names, asText))
}

async function know(rows: readonly Row[], column: number, names: Names): Promise<void> {
  for (const row of rows) {
    const id = row[column] as number | null
    if (id !== null && !names.has(id)) return names.refresh()
  }
}

/** The optional members are absent, not undefined, where there is none. */
function toEnvelope(row: Row, names: NameTables, asText: boolean): StoredEnvelope {
  const stream = row[1] as string
  const slash = stream.indexOf('/')
  const payload = row[11] as string | null
  const metadata = row[12] as string | null
  const envelope: Mutable<StoredEnvelope> = {
    eventId: row[3] as string,
    eventType: names.eventTypes.nameOf(row[4] as number),
    eventVersion: row[5] as number,
    timestamp: toTime(row[8]),
    aggregateType: stream.slice(0, slash),
    aggregateId: stream.slice(slash + 1),
    correlationId: row[6] as string,
    payload: payload === null ? null : asText ? new JsonText(payload) : JSON.parse(payload),
    metadata: metadata === null ? NO_METADATA : parseMetadata(metadata),
    streamVersion: row[2] as number,
    position: row[0] as number,
    recordedAt: toTime(row[9]),
  }
  // A payload that is null is kept as the JSON 'null'.
  if (payload === null) envelope.erased = true
  if (row[7] !== null) envelope.causationId = row[7] as string
  if (row[10] !== null) envelope.schemaHash = names.schemaHashes.nameOf(row[10] as number)
  if (row[13] !== null) envelope.topic = names.topics.nameOf(row[13] as number)
  if (row[14] !== null) envelope.key = row[14] as string
  return freezeEnvelope(envelope)
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

function toTime(cell: Cell | undefined): string {
  return toIsoTime(Math.round(cell as number))
}
