import type { StatementSync } from 'node:sqlite'

import { ConcurrencyError } from '../errors/store-errors.ts'
import { toIsoTime } from '../internal/time.ts'
import { CommandIdTakenError, type CommandRecord } from '../store/command-record.ts'
import {
  decideByIds,
  matchesExpected,
  type FoundEvent,
  type IdDecision,
} from '../store/decide-append.ts'
import { PlacedEvents } from '../store/placed-events.ts'
import type { AppendResult, StreamAppend } from '../store/store.ts'
import { commandExists, insertCommand } from './command-table.ts'
import type { RowStatement } from './connection.ts'
import type { Writer } from './writer.ts'

/** What one caller wants to append. */
export interface AppendRequest {
  readonly appends: readonly StreamAppend[]
  readonly command: CommandRecord | undefined
}

const INSERT = `insert into event_log (stream, version, event_id, event_type, event_version, topic, key, tenant, class,
  correlation_id, causation_id, occurred_at, recorded_at, schema, payload, metadata)
  values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

/** The statements of an append, within a transaction that the caller holds. */
export class EventWriter {
  readonly #writer: Writer
  readonly #placed = new PlacedEvents()
  readonly #insert: StatementSync
  readonly #version: RowStatement
  readonly #removedVersion: RowStatement
  readonly #find: RowStatement

  constructor(writer: Writer) {
    this.#writer = writer
    const { connection } = writer
    this.#insert = connection.statement(INSERT)
    this.#version = connection.rows('select max(version) from event_log where stream = ?')
    this.#removedVersion = connection.rows(
      'select max(last_version) from archived_streams where stream = ?',
    )
    this.#find = connection.rows(
      'select event_id, stream, version, position, recorded_at from event_log where event_id = ?',
    )
  }

  /**
   * Appends, unless ids, command or versions speak against it.
   *
   * @returns the results; those of the first time where it is a repeat
   * @throws {TidingsError} the answer: it has no part in this transaction, which can go on
   * @throws anything else (SQLite's own errors): the transaction may hold a part of it, so it must be
   *   rolled back; `explain` then says what a constraint meant
   */
  write(request: AppendRequest): readonly AppendResult[] {
    const { appends } = request
    if (this.#mayRepeat(appends)) {
      const repeated = this.#repeated(this.#decide(appends, Number.POSITIVE_INFINITY))
      if (repeated !== undefined) return repeated
    }
    const versions: number[] = []
    for (const { stream, expectedVersion } of appends) {
      const version = this.#versionOf(stream)
      if (!matchesExpected(expectedVersion, version)) return this.#mismatch(request)
      versions.push(version)
    }
    this.#writer.step('checked')
    const results = appends.map((append, index) => this.#insertEvents(append, versions[index] ?? 0))
    if (request.command !== undefined) this.#recordCommand(request.command, results)
    this.#writer.step('inserted')
    return results
  }

  /**
   * What a broken constraint meant, found by looking the ids up.
   *
   * @param floor the end of the log before the append began: what it wrote itself does not count
   * @returns the results of a repeat; undefined when no id explains it
   * @throws {EventIdConflictError}
   * @throws {CommandIdTakenError}
   */
  explain({ appends, command }: AppendRequest, floor: number): readonly AppendResult[] | undefined {
    const repeated = this.#repeated(this.#decide(appends, floor))
    if (repeated !== undefined) return repeated
    this.#refuseTaken(command)
    return undefined
  }

  /** Exact versions need no look in advance: a repeat shows as a mismatch, or as a broken constraint. */
  #mayRepeat(appends: readonly StreamAppend[]): boolean {
    for (const { expectedVersion, events } of appends) {
      if (expectedVersion !== 'any' && expectedVersion !== 'stream-exists') continue
      const first = events[0]
      if (first !== undefined && this.#find.get(first.envelope.eventId) !== undefined) return true
    }
    return false
  }

  #versionOf(stream: string): number {
    const version = this.#version.get(stream)?.[0] ?? this.#removedVersion.get(stream)?.[0]
    return (version as number | null | undefined) ?? 0
  }

  #insertEvents({ stream, events }: StreamAppend, from: number): AppendResult {
    const { names, recordedAt, lastPosition, hasAppended } = this.#writer
    if (!hasAppended) this.#placed.begin(lastPosition)
    const positions: number[] = []
    let version = from
    for (const event of events) {
      const { envelope } = event
      const { lastInsertRowid } = this.#insert.run(
        stream,
        ++version,
        envelope.eventId,
        names.eventTypes.intern(envelope.eventType),
        envelope.eventVersion,
        event.topic === undefined ? null : names.topics.intern(event.topic),
        event.key === undefined || event.key === envelope.aggregateId ? null : event.key,
        // Of an import it may be anything; a filter asks for text.
        typeof envelope.metadata.tenant === 'string' ? envelope.metadata.tenant : null,
        event.class === 'work' ? 'w' : 'f',
        envelope.correlationId,
        envelope.causationId ?? null,
        event.timeMs,
        recordedAt,
        event.schemaHash === undefined ? null : names.schemaHashes.intern(event.schemaHash),
        event.payloadJson,
        event.metadataJson ?? null,
      )
      positions.push(lastInsertRowid as number)
    }
    const at = toIsoTime(recordedAt)
    if (this.#writer.listeners.size > 0)
      this.#placed.add({ events, from, positions, recordedAt: at })
    this.#writer.appended(positions.at(-1)!, this.#placed)
    return { stream, version, positions, recordedAt: at, repeated: false }
  }

  #recordCommand(command: CommandRecord, results: readonly AppendResult[]): void {
    const positions = results.flatMap((result) => result.positions)
    insertCommand(this.#writer, {
      ...command,
      firstPosition: positions[0] ?? command.firstPosition,
      lastPosition: positions.at(-1) ?? command.lastPosition,
    })
  }

  /** A stream is elsewhere than expected: ids come first, then the command, then versions. */
  #mismatch({ appends, command }: AppendRequest): readonly AppendResult[] {
    const repeated = this.#repeated(this.#decide(appends, Number.POSITIVE_INFINITY))
    if (repeated !== undefined) return repeated
    this.#refuseTaken(command)
    for (const { stream, expectedVersion } of appends) {
      const actual = this.#versionOf(stream)
      if (matchesExpected(expectedVersion, actual)) continue
      throw new ConcurrencyError(stream, expectedVersion, actual)
    }
    throw new Error('A stream changed within a transaction that nobody else can write in.')
  }

  #decide(appends: readonly StreamAppend[], floor: number): IdDecision {
    return decideByIds(appends, (eventId) => this.#findEvent(eventId, floor))
  }

  #repeated(decision: IdDecision): readonly AppendResult[] | undefined {
    if (decision.kind === 'clash') throw decision.error
    return decision.kind === 'repeat' ? decision.results : undefined
  }

  #refuseTaken(command: CommandRecord | undefined): void {
    if (command !== undefined && commandExists(this.#writer.connection, command.commandId)) {
      throw new CommandIdTakenError(command.commandId)
    }
  }

  #findEvent(eventId: string, floor: number): FoundEvent | undefined {
    const row = this.#find.get(eventId)
    if (row === undefined || (row[3] as number) > floor) return undefined
    return {
      eventId: row[0] as string,
      stream: row[1] as string,
      version: row[2] as number,
      position: row[3] as number,
      recordedAt: toIsoTime(row[4] as number),
    }
  }
}
