import type { ParkedEvent, ParkedState, ParkReason } from 'tidings'

import { optionalNumber, optionalText, timeOf, toJson, toText } from './cells.ts'
import { msOf } from './event-row.ts'
import type { Row } from './session.ts'

/** The columns of `parked`, in the order of {@link toParkedRow} and {@link toParked}. */
export const parkedColumns: readonly string[] = [
  'parked_id',
  'subscription',
  'generation',
  'key',
  'sequence',
  'position',
  'event_id',
  'event_type',
  'event_version',
  'correlation_id',
  'causation_id',
  'reason',
  'state',
  'due_at',
  'attempts',
  'attempt_count',
  'later_count',
  'fingerprint',
  'bytes',
  'edited',
  'redrives',
  'operation_id',
  'history',
  'parked_at',
  'changed_at',
]

/** The same as they are read. */
export const PARKED_COLUMNS: string = parkedColumns
  .map((column) => (column === 'parked_at' || column === 'changed_at' ? msOf(column) : column))
  .join(', ')

export function toParkedRow(event: ParkedEvent): unknown[] {
  return [
    event.parkedId,
    event.subscription,
    event.generation,
    event.key,
    event.sequence,
    event.position ?? null,
    event.eventId,
    event.eventType,
    event.eventVersion,
    event.correlationId,
    event.causationId ?? null,
    event.reason,
    event.state,
    event.dueAt ?? null,
    toJson(event.attempts),
    event.attemptCount,
    event.laterCount,
    event.fingerprint ?? null,
    event.bytes ?? null,
    toText(event.edited),
    event.redrives,
    event.operationId ?? null,
    toJson(event.history),
    event.parkedAt,
    event.changedAt,
  ]
}

export function toParked(row: Row): ParkedEvent {
  return {
    parkedId: row[0] as string,
    subscription: row[1] as string,
    generation: row[2] as number,
    key: row[3] as string,
    sequence: row[4] as number,
    position: optionalNumber(row[5]),
    eventId: row[6] as string,
    eventType: row[7] as string,
    eventVersion: row[8] as number,
    correlationId: row[9] as string,
    causationId: optionalText(row[10]),
    reason: row[11] as ParkReason,
    state: row[12] as ParkedState,
    dueAt: optionalNumber(row[13]),
    attempts: JSON.parse(row[14] as string) as ParkedEvent['attempts'],
    attemptCount: row[15] as number,
    laterCount: row[16] as number,
    fingerprint: optionalText(row[17]),
    // A Buffer is a view of memory that others share.
    bytes: row[18] === null ? undefined : new Uint8Array(row[18] as Uint8Array),
    edited: optionalText(row[19]),
    redrives: row[20] as number,
    operationId: optionalText(row[21]),
    history: JSON.parse(row[22] as string) as ParkedEvent['history'],
    parkedAt: timeOf(row[23]),
    changedAt: timeOf(row[24]),
  }
}
