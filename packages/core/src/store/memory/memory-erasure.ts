import { parseStreamName } from '../../contract/envelope.ts'
import type { JsonObject } from '../../contract/json.ts'
import type { CommandRecord } from '../command-record.ts'
import type { OperationRecord } from '../operation-store.ts'
import type { ParkedEvent } from '../parked-store.ts'
import { ERASED_MESSAGE } from '../retention-limit.ts'
import type { ErasedCounts, ErasureRequest } from '../retention-store.ts'
import type { TimerRecord } from '../timer-store.ts'
import type { MemoryDelivery } from './memory-delivery.ts'
import type { LogRecord, MemoryLog } from './memory-log.ts'
import type { SnapshotTable } from './memory-tables.ts'

export interface RetentionTables {
  readonly log: MemoryLog
  readonly delivery: MemoryDelivery
  readonly snapshots: SnapshotTable
}

/** All that holds something of what is to be erased, and has not been emptied before. */
export interface Erasable {
  readonly events: readonly LogRecord[]
  readonly snapshots: readonly string[]
  readonly parked: readonly ParkedEvent[]
  readonly commands: readonly CommandRecord[]
  readonly timers: readonly TimerRecord[]
  readonly counts: ErasedCounts
}

export function findErasable(
  { log, delivery, snapshots }: RetentionTables,
  { streams = [], eventIds = [] }: Pick<ErasureRequest, 'streams' | 'eventIds'>,
): Erasable {
  const named = [
    ...streams.flatMap((stream) => log.streams.get(stream) ?? []),
    ...eventIds.flatMap((eventId) => log.recordOf(eventId) ?? []),
  ]
  const namedIds = new Set([...eventIds, ...named.map(idOf)])
  const tasks = log.records.filter(
    ({ sealed }) => sealed.class === 'work' && namedIds.has(sealed.envelope.causationId ?? ''),
  )
  const all = [...new Set([...named, ...tasks])]
  const ids = new Set([...eventIds, ...all.map(idOf)])
  const touched = new Set([...streams, ...all.map(({ stream }) => stream)])
  const leads = ({ causationId }: { causationId: string | undefined }): boolean =>
    causationId !== undefined && ids.has(causationId)
  const found = {
    events: all.filter(({ erased }) => erased === undefined),
    snapshots: [...touched].filter((stream) => snapshots.has(stream)),
    parked: [...delivery.parked.all()].filter(
      (event) => ids.has(event.eventId) && holdsContent(event),
    ),
    commands: [...log.commands.values()].filter(
      (command) =>
        command.result !== undefined &&
        (leads(command) ||
          streams.includes(command.stream ?? '') ||
          all.some((record) => madeBy(command, record))),
    ),
    timers: [...delivery.timers.values()].filter(
      (timer) => leads(timer) && Object.keys(timer.input).length > 0,
    ),
  }
  const { events, parked, commands, timers } = found
  return {
    ...found,
    counts: {
      events: events.length,
      snapshots: found.snapshots.length,
      parked: parked.length,
      commands: commands.length,
      timers: timers.length,
    },
  }
}

function idOf({ sealed }: LogRecord): string {
  return sealed.envelope.eventId
}

function madeBy({ firstPosition, lastPosition }: CommandRecord, { position }: LogRecord): boolean {
  return firstPosition !== undefined && firstPosition <= position && position <= lastPosition!
}

function holdsContent({ bytes, edited, attempts }: ParkedEvent): boolean {
  const said = attempts.some(({ error }) => error.message !== ERASED_MESSAGE)
  return bytes !== undefined || edited !== undefined || said
}

export function eraseFrom(
  { log, delivery, snapshots }: RetentionTables,
  found: Erasable,
): ErasedCounts {
  for (const record of found.events) log.replace(record, erasedRecord(record))
  for (const stream of found.snapshots) snapshots.delete(stream)
  for (const event of found.parked) {
    delivery.parked.put(erasedParked(event))
    for (const operation of delivery.operations.values()) eraseEdit(delivery, operation, event)
  }
  for (const command of found.commands) {
    log.commands.set(command.commandId, Object.freeze({ ...command, result: undefined }))
  }
  for (const timer of found.timers) delivery.timers.set(timer.timerId, erasedTimer(timer))
  return found.counts
}

/** A redrive that was asked for keeps the payload that somebody put in the place of another. */
function eraseEdit(
  { operations }: RetentionTables['delivery'],
  operation: OperationRecord,
  { parkedId }: ParkedEvent,
): void {
  const edits = operation.request['edits'] as JsonObject | undefined
  if (edits?.[parkedId] === undefined) return
  const request = { ...operation.request, edits: { ...edits, [parkedId]: 'null' } }
  operations.set(operation.operationId, Object.freeze({ ...operation, request }))
}

function erasedRecord(record: LogRecord): LogRecord {
  const { sealed, stream } = record
  const { foreign: _, ...metadata } = sealed.envelope.metadata
  const hasMetadata = Object.keys(metadata).length > 0
  return {
    ...record,
    erased: true,
    envelope: undefined,
    sealed: {
      ...sealed,
      payloadJson: 'null',
      metadataJson: hasMetadata ? JSON.stringify(metadata) : undefined,
      key: undefined,
      envelope: { ...sealed.envelope, ...parseStreamName(stream), payload: null, metadata },
    },
  }
}

function erasedParked(event: ParkedEvent): ParkedEvent {
  const attempts = event.attempts.map(({ error, ...attempt }) => {
    const { stack: _, ...rest } = error
    return { ...attempt, error: { ...rest, message: ERASED_MESSAGE } }
  })
  return Object.freeze({ ...event, bytes: undefined, edited: undefined, attempts })
}

function erasedTimer(timer: TimerRecord): TimerRecord {
  return Object.freeze({
    ...timer,
    input: Object.freeze({}),
    state: timer.state === 'waiting' ? 'cancelled' : timer.state,
    failure: timer.failure === undefined ? undefined : ERASED_MESSAGE,
  })
}
