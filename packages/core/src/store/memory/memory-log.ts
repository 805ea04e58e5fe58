import type { StoredEnvelope } from '../../contract/envelope.ts'
import { deepFreeze } from '../../contract/json.ts'
import type { SealedEvent } from '../../contract/seal.ts'
import { ConcurrencyError } from '../../errors/store-errors.ts'
import type { Clock } from '../../internal/clock.ts'
import { toIsoTime } from '../../internal/time.ts'
import { CommandIdTakenError, type CommandRecord } from '../command-record.ts'
import { checkAppends, decideByIds, matchesExpected, type FoundEvent } from '../decide-append.ts'
import type { VersionRange } from '../retention-store.ts'
import type { AppendOptions, AppendResult, StreamAppend } from '../store.ts'

/** An event of the log. Its envelope is made when it is first read. */
export interface LogRecord {
  readonly sealed: SealedEvent
  readonly stream: string
  readonly version: number
  readonly position: number
  readonly recordedAt: string
  readonly erased?: true
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

function readEnvelope(record: LogRecord): StoredEnvelope {
  const { sealed, version, position, recordedAt, erased } = record
  const { metadataJson, payloadJson, schemaHash, topic, key } = sealed
  const metadata = metadataJson === undefined ? NO_METADATA : parseFrozen(metadataJson)
  return Object.freeze({
    ...sealed.envelope,
    payload: parseFrozen(payloadJson),
    metadata: metadata as StoredEnvelope['metadata'],
    ...(erased ? { erased } : undefined),
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

function addVersion(ranges: readonly VersionRange[], version: number): VersionRange[] {
  const all = [...ranges, { first: version, last: version }].sort((a, b) => a.first - b.first)
  const joined: VersionRange[] = []
  for (const range of all) {
    const before = joined.at(-1)
    if (before?.last === range.first - 1) joined.splice(-1, 1, { ...before, last: range.last })
    else joined.push(range)
  }
  return joined
}

/** What is committed: events in order of position, by stream and by id; and the commands. */
export class MemoryLog implements LogView {
  readonly records: LogRecord[] = []
  readonly streams: Map<string, LogRecord[]> = new Map()
  readonly commands: Map<string, CommandRecord> = new Map()
  /** Versions that were deleted, by stream. */
  readonly removed: Map<string, VersionRange[]> = new Map()
  readonly deleted: { events: number; commands: number } = { events: 0, commands: 0 }
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
    return this.streams.get(stream)?.at(-1)?.version ?? this.removed.get(stream)?.at(-1)?.last ?? 0
  }

  /** The event of a stream with this version, unless it was deleted. */
  recordAt(stream: string, version: number): LogRecord | undefined {
    const records = this.streams.get(stream)
    const first = records?.[0]
    if (records === undefined || first === undefined) return undefined
    // Where none was deleted in between it stands at its distance from the first.
    const near = records[version - first.version]
    return near?.version === version ? near : records.find((record) => record.version === version)
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

  /** Takes away what may go; see `RetentionStore`. */
  remove(records: ReadonlySet<LogRecord>): void {
    const kept = this.records.filter((record) => !records.has(record))
    this.records.splice(0, this.records.length, ...kept)
    for (const record of records) {
      this.#byId.delete(record.sealed.envelope.eventId)
      const rest = this.streams.get(record.stream)?.filter((other) => other !== record) ?? []
      if (rest.length === 0) this.streams.delete(record.stream)
      else this.streams.set(record.stream, rest)
      const ranges = this.removed.get(record.stream) ?? []
      this.removed.set(record.stream, addVersion(ranges, record.version))
    }
    this.deleted.events += records.size
  }

  /** Puts a record in the place of another of the same position. */
  replace(before: LogRecord, after: LogRecord): void {
    this.#byId.set(after.sealed.envelope.eventId, after)
    for (const records of [this.records, this.streams.get(before.stream) ?? []]) {
      records[records.indexOf(before)] = after
    }
  }

  clear(): void {
    this.records.length = 0
    this.removed.clear()
    this.streams.clear()
    this.commands.clear()
    this.#byId.clear()
  }
}
