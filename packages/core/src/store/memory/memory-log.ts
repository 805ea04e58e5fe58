import type { StoredEnvelope } from '../../contract/envelope.ts'
import { deepFreeze } from '../../contract/json.ts'
import type { SealedEvent } from '../../contract/seal.ts'
import { ConcurrencyError } from '../../errors/store-errors.ts'
import type { Clock } from '../../internal/clock.ts'
import { toIsoTime } from '../../internal/time.ts'
import { CommandIdTakenError, type CommandRecord } from '../command-record.ts'
import { checkAppends, decideByIds, matchesExpected, type FoundEvent } from '../decide-append.ts'
import type { AppendOptions, AppendResult, StreamAppend } from '../store.ts'

/** An event of the log. Its envelope is made when it is first read. */
export interface LogRecord {
  readonly sealed: SealedEvent
  readonly stream: string
  readonly version: number
  readonly position: number
  readonly recordedAt: string
  envelope: StoredEnvelope | undefined
}

/** What an append is decided on: the log alone, or the log as a transaction sees it. */
export interface LogView {
  readonly head: number
  recordOf(eventId: string): LogRecord | undefined
  versionOf(stream: string): number
  hasCommand(commandId: string): boolean
}

/** What an append comes to. An empty `records` with results is a repeat. */
export interface PlannedAppend {
  readonly results: readonly AppendResult[]
  readonly records: readonly LogRecord[]
  readonly command: CommandRecord | undefined
}

const NOTHING: readonly LogRecord[] = Object.freeze([])

/**
 * Decides an append on a view of the log, and writes nothing.
 *
 * @throws {UsageError | EventIdConflictError | CommandIdTakenError | ConcurrencyError}
 */
export function planAppend(
  view: LogView,
  appends: readonly StreamAppend[],
  { command, recordedAt }: Pick<AppendOptions, 'command'> & { readonly recordedAt: () => string },
): PlannedAppend {
  checkAppends(appends, { command })
  const decision = decideByIds(appends, (eventId) => toFound(view.recordOf(eventId)))
  if (decision.kind === 'clash') throw decision.error
  if (decision.kind === 'repeat') {
    return { results: decision.results, records: NOTHING, command: undefined }
  }
  if (command !== undefined && view.hasCommand(command.commandId)) {
    throw new CommandIdTakenError(command.commandId)
  }
  for (const { stream, expectedVersion } of appends) {
    const actual = view.versionOf(stream)
    if (!matchesExpected(expectedVersion, actual)) {
      throw new ConcurrencyError(stream, expectedVersion, actual)
    }
  }
  return placeEvents(view, appends, { command, recordedAt: recordedAt() })
}

function toFound(record: LogRecord | undefined): FoundEvent | undefined {
  if (record === undefined) return undefined
  const { stream, version, position, recordedAt } = record
  return { eventId: record.sealed.envelope.eventId, stream, version, position, recordedAt }
}

function placeEvents(
  view: LogView,
  appends: readonly StreamAppend[],
  { command, recordedAt }: { command: CommandRecord | undefined; recordedAt: string },
): PlannedAppend {
  const records: LogRecord[] = []
  const results: AppendResult[] = []
  let position = view.head
  for (const { stream, events } of appends) {
    let version = view.versionOf(stream)
    const positions: number[] = []
    for (const sealed of events) {
      version++
      position++
      positions.push(position)
      records.push({ sealed, stream, version, position, recordedAt, envelope: undefined })
    }
    results.push({ stream, version, positions, recordedAt, repeated: false })
  }
  return { results, records, command: command && withPositions(command, records) }
}

function withPositions(command: CommandRecord, records: readonly LogRecord[]): CommandRecord {
  const firstPosition = records[0]?.position
  return Object.freeze({ ...command, firstPosition, lastPosition: records.at(-1)?.position })
}

const NO_METADATA = Object.freeze({})

/**
 * The envelope of a record. Made from its JSON, as every other store does: what a caller changes
 * later in the object that it appended changes nothing here.
 */
export function envelopeOf(record: LogRecord): StoredEnvelope {
  record.envelope ??= readEnvelope(record)
  return record.envelope
}

function readEnvelope({ sealed, version, position, recordedAt }: LogRecord): StoredEnvelope {
  const { metadataJson, payloadJson, schemaHash, topic, key } = sealed
  const metadata = metadataJson === undefined ? NO_METADATA : parseFrozen(metadataJson)
  return Object.freeze({
    ...sealed.envelope,
    payload: parseFrozen(payloadJson),
    metadata: metadata as StoredEnvelope['metadata'],
    streamVersion: version,
    position,
    recordedAt,
    ...(schemaHash === undefined ? undefined : { schemaHash }),
    ...(topic === undefined ? undefined : { topic }),
    ...(key === undefined ? undefined : { key }),
  })
}

function parseFrozen(json: string): unknown {
  return deepFreeze(JSON.parse(json) as unknown)
}

/** What is committed: events in order of position, by stream and by id; and the commands. */
export class MemoryLog implements LogView {
  readonly records: LogRecord[] = []
  readonly streams: Map<string, LogRecord[]> = new Map()
  readonly commands: Map<string, CommandRecord> = new Map()
  readonly #byId = new Map<string, LogRecord>()
  readonly #clock: Clock
  #recordedMs = Number.NEGATIVE_INFINITY
  #recordedAt = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get head(): number {
    return this.records.at(-1)?.position ?? 0
  }

  recordOf(eventId: string): LogRecord | undefined {
    return this.#byId.get(eventId)
  }

  versionOf(stream: string): number {
    return this.streams.get(stream)?.length ?? 0
  }

  hasCommand(commandId: string): boolean {
    return this.commands.has(commandId)
  }

  /** Now, or the last time this said if the clock has stepped back since. */
  recordedAt(): string {
    const nowMs = this.#clock.now()
    if (nowMs > this.#recordedMs) {
      this.#recordedMs = nowMs
      this.#recordedAt = toIsoTime(nowMs)
    }
    return this.#recordedAt
  }

  /** Takes what was planned on the state as it is now. Cannot fail, so it is whole. */
  commit(records: readonly LogRecord[], commands: readonly CommandRecord[]): void {
    for (const record of records) {
      this.records.push(record)
      this.#byId.set(record.sealed.envelope.eventId, record)
      const stream = this.streams.get(record.stream)
      if (stream === undefined) this.streams.set(record.stream, [record])
      else stream.push(record)
    }
    for (const command of commands) this.commands.set(command.commandId, command)
  }

  clear(): void {
    this.records.length = 0
    this.streams.clear()
    this.commands.clear()
    this.#byId.clear()
  }
}
