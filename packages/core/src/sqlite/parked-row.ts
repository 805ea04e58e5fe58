import { toIsoTime } from '../internal/time.ts'
import type { ParkedEvent, ParkedState, ParkReason } from '../store/parked-store.ts'
import { optionalNumber, optionalText, toMs } from './cells.ts'
import type { Cell } from './connection.ts'

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

export function toParkedRow(event: ParkedEvent): Cell[] {
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
    JSON.stringify(event.attempts),
    event.attemptCount,
    event.laterCount,
    event.fingerprint ?? null,
    event.bytes ?? null,
    event.edited ?? null,
    event.redrives,
    event.operationId ?? null,
    JSON.stringify(event.history),
    toMs(event.parkedAt),
    toMs(event.changedAt),
  ]
}

export function toParked(row: readonly Cell[]): ParkedEvent {
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
    bytes: (row[18] as Uint8Array | null) ?? undefined,
    edited: optionalText(row[19]),
    redrives: row[20] as number,
    operationId: optionalText(row[21]),
    history: JSON.parse(row[22] as string) as ParkedEvent['history'],
    parkedAt: toIsoTime(row[23] as number),
    changedAt: toIsoTime(row[24] as number),
  }
}
