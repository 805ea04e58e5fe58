import type { DeclaredContract } from '../contract/declared.ts'
import type { EventClass, SealedEvent } from '../contract/seal.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import type { ExpectedVersion } from '../errors/store-errors.ts'
import type { CommandRecord } from './command-record.ts'
import type { CommitListener } from './commits.ts'
import type { LeaseStore } from './lease-store.ts'
import type { OperationRecord, OperationStore } from './operation-store.ts'
import type { ParkedEvent, ParkedStore } from './parked-store.ts'
import type { RetentionStore } from './retention-store.ts'
import type { Snapshot } from './snapshot.ts'
import type { ProgressChange, SubscriptionStore } from './subscription-store.ts'
import type { Fired, TimerRecord, TimerStore } from './timer-store.ts'

export type { ExpectedVersion }

/** Events for one stream, and what that stream is expected to be. */
export interface StreamAppend {
  /** `aggregateType/aggregateId`; the same as in each event's envelope. */
  readonly stream: string
  readonly expectedVersion: ExpectedVersion
  /** At least one. */
  readonly events: readonly SealedEvent[]
}

/** Where the events of one `StreamAppend` are now. */
export interface AppendResult {
  readonly stream: string
  /** The version of the last event. The events have consecutive versions. */
  readonly version: number
  /** A position per event, rising. */
  readonly positions: readonly number[]
  /** When the store took them: UTC, ISO 8601, milliseconds. */
  readonly recordedAt: string
  /** The same append was in the log already: this is its first result, nothing was written now. */
  readonly repeated: boolean
}

export interface CommitOptions {
  /** Aborted before the commit, the transaction is rolled back. */
  readonly signal?: AbortSignal
  /**
   * It may be committed together with others of this process that say so and wait behind it: one wait for the
   * disk for all of them. Each is rolled back by itself where its work fails, and answered when it is stored.
   * Those behind see what it wrote, and it waits for those that come into the same commit; so it is for work
   * that waits for nothing but the database. For stores whose transactions run one after the other.
   */
  readonly sharesCommit?: boolean
}

export interface AppendOptions {
  /** The command that led to these events, recorded in the same transaction. */
  readonly command?: CommandRecord | undefined
  readonly signal?: AbortSignal | undefined
}

/** Which events of the log are meant. All conditions hold together; none means every event. */
export interface EventFilter {
  /**
   * Names or globs (`*` one segment, `**` any number of them), matched against the type as it is
   * stored. Aliases are the caller's to expand. An empty list matches nothing.
   */
  readonly types?: readonly string[] | undefined
  readonly stream?: string | undefined
  readonly aggregateType?: string | undefined
  readonly correlationId?: string | undefined
  readonly tenant?: string | undefined
  readonly eventVersion?: number | undefined
  readonly class?: EventClass | undefined
  readonly topic?: string | undefined
  /** Event time from this one on: ISO 8601. */
  readonly since?: string | undefined
  /** Event time before this one: ISO 8601. */
  readonly until?: string | undefined
}

export interface ReadOptions {
  /** Only positions after this one; with `reverse` only positions before it. */
  readonly after?: number | undefined
  readonly limit?: number | undefined
  /** From the end of the log backwards. */
  readonly reverse?: boolean | undefined
  /** Events fetched at once, 1000 by default: what a reader holds in memory. */
  readonly pageSize?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** How the whole log is read. */
export interface LogReadOptions extends ReadOptions {
  /**
   * Payloads may be `JsonText`, for whoever passes events on and does not look into them. A store
   * is free to give them parsed all the same.
   */
  readonly payloadsAsText?: boolean | undefined
}

export interface ReadStreamOptions {
  /** First version, inclusive, from 1. */
  readonly from?: number | undefined
  /** Last version, inclusive. */
  readonly to?: number | undefined
  readonly limit?: number | undefined
  /** From `to` (or the end) backwards. */
  readonly reverse?: boolean | undefined
  readonly pageSize?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Events to come, in order. Reads page by page, only as fast as they are taken, and can be iterated
 * once. Leaving the loop or aborting the signal ends the reading.
 */
export interface EventReader extends AsyncIterable<StoredEnvelope> {
  /** The same events, a page at a time: cheaper where a million are read. */
  pages(): AsyncIterable<readonly StoredEnvelope[]>
  /** All of them at once. For what is known to be small. */
  toArray(): Promise<StoredEnvelope[]>
}

/**
 * One database transaction: everything through it is committed together, or nothing of it is. It ends
 * with the function that it was given to; used later it throws `TIDINGS_TRANSACTION_CLOSED`.
 */
export interface StoreTransaction {
  /**
   * Appends within the transaction, with the promises of {@link Store.append}. A throw must not be
   * swallowed: after one the transaction can only be rolled back. `appends` may be empty where a
   * command is given: then it is recorded, and commits with the rest.
   */
  append(
    appends: readonly StreamAppend[],
    options?: Pick<AppendOptions, 'command'>,
  ): Promise<readonly AppendResult[]>
  /** The events of a stream as this transaction sees them, its own included. */
  readStream(stream: string, options?: ReadStreamOptions): EventReader
  /**
   * Moves a subscription on, or with neither mark nor positions makes sure that it is still the
   * caller's: whatever else this transaction did is then committed under that.
   *
   * @throws {FencedError} somebody else has taken over; the transaction can only be rolled back
   */
  progress(change: ProgressChange): Promise<void>
  /** Writes parked events, new ones and changed ones, each whole. Guard it by `progress`. */
  park(events: readonly ParkedEvent[]): Promise<void>
  /**
   * Writes state, times, progress, result and error of operations. Guard it by `progress`.
   * Who asked for what, and who cancelled it, is left as it is.
   */
  putOperations(operations: readonly OperationRecord[]): Promise<void>
  /** Sets timers. One whose id is there already is left as it is. */
  setTimers(timers: readonly TimerRecord[]): Promise<void>
  /** @returns whether it was still waiting */
  cancelTimer(timerId: string): Promise<boolean>
  /** Notes that a timer fired. @returns whether it was still waiting */
  fireTimer(timerId: string, fired: Fired): Promise<boolean>
  /**
   * Notes that a consumer has seen a message from elsewhere.
   *
   * @returns true the first time; false when it was noted before, also in this transaction
   */
  once(consumer: string, messageId: string): Promise<boolean>
}

/** A row of a query: column name → value. */
export type SqlRow = Record<string, string | number | bigint | null | Uint8Array>

/** The transaction of a store that is a SQL database: the user's own rows commit with the events. */
export interface SqlTransaction extends StoreTransaction {
  /**
   * Runs one statement; interpolated values become parameters, never text of the statement.
   *
   * @returns the rows, an empty array for a statement that has none
   */
  sql<Row extends object = SqlRow>(
    strings: TemplateStringsArray,
    ...values: readonly SqlValue[]
  ): Promise<Row[]>
}

export type SqlValue = string | number | bigint | boolean | null | Uint8Array

/**
 * The log. Every adapter keeps all of these promises; `@tidings/testing` holds the scenarios that
 * prove it.
 *
 * - **Atomic**: an append, over however many streams, is in the log whole or not at all, and is
 *   acknowledged only when it is there to stay.
 * - **Exact**: of N writers with the same expected version one wins; the others get a
 *   `ConcurrencyError` with stream, expected and actual, and nothing of theirs is stored.
 * - **Idempotent**: ids are looked at before versions. All ids there, in the same stream and order:
 *   the first result again. Some, or elsewhere: `EventIdConflictError`.
 * - **Ordered**: positions rise in commit order and never come back; a reader that has seen position
 *   p will never find a new event at or before p. Holes are allowed.
 * - **Immutable**: payload and metadata come back as they were stored, unless they were erased.
 * - **Kept**: nothing is deleted that nobody asked to delete, see {@link RetentionStore}.
 */
export interface Store<Tx extends StoreTransaction = StoreTransaction> extends AsyncDisposable {
  /** `sqlite:app.db`, `memory:`, …; without secrets, for messages. */
  readonly location: string

  /**
   * Appends to one or several streams, each at most once a call (none only where a command is given:
   * it is recorded). Calls of one process that come
   * together share a database transaction; each gets its own answer, and a bad one never spoils its
   * neighbours.
   *
   * @throws {ConcurrencyError} a stream is not at its expected version
   * @throws {EventIdConflictError} an id is there already and this is no repeat
   * @throws {CommandIdTakenError} `options.command` is recorded already
   * @throws {StoreError} the database cannot do it: full, read-only, damaged, gone, busy for too long
   * @throws {UsageError} no events, a stream twice, or called inside a transaction of this store
   */
  append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]>

  /**
   * Runs `work` in one transaction and commits when it resolves; rolls back when it rejects, and
   * rejects with the same error. On a store with one writer (memory, SQLite) transactions of a process run
   * one after the other from their first statement on; on a server beside each other, until they append.
   */
  transaction<Result>(work: (tx: Tx) => Promise<Result>, options?: CommitOptions): Promise<Result>

  /** The events of a stream that are kept; where the first ones were deleted it begins behind them. */
  readStream(stream: string, options?: ReadStreamOptions): EventReader
  /** The whole log in order of position, from the first event that is kept. */
  readAll(options?: LogReadOptions): EventReader
  /** The events that match, in order of position, each exactly once. */
  query(filter: EventFilter, options?: ReadOptions): EventReader
  /** @returns the event with this id, wherever it is */
  findEvent(eventId: string): Promise<StoredEnvelope | undefined>
  /** The position of the last event; 0 for an empty log. */
  head(): Promise<number>
  /**
   * Resolves when the log goes beyond a position: at once for appends of this process, soon (5 to
   * 250 ms) for those of others.
   */
  waitBeyond(position: number, options?: { readonly signal?: AbortSignal }): Promise<void>
  /**
   * Tells of commits of this process that added events: at once when they are there to stay, before
   * anybody else hears of them, in order of position. Whoever has everything up to `after` need not
   * read. Only told is what nothing can lie before but `after`: where the store cannot know that (large
   * commits, another process in between, a server), it says nothing, and the events are read.
   *
   * @param listener called in the midst of the commit: it must be quick, and must not throw
   * @returns ends it
   */
  onCommitted(listener: CommitListener): () => void

  readonly commands: CommandStore
  readonly snapshots: SnapshotStore
  readonly contracts: ContractStore
  readonly catalog: LogCatalog
  readonly subscriptions: SubscriptionStore
  readonly leases: LeaseStore
  readonly parked: ParkedStore
  readonly operations: OperationStore
  readonly timers: TimerStore
  readonly inbox: InboxStore
  readonly retention: RetentionStore

  /** Waits for what is under way, then lets go of everything. Later calls throw `TIDINGS_CLOSED`. */
  close(): Promise<void>
}

export interface CommandStore {
  find(commandId: string): Promise<CommandRecord | undefined>
  byCorrelation(correlationId: string): Promise<readonly CommandRecord[]>
  /**
   * Records the outcome of a command that stored no events.
   *
   * @throws {CommandIdTakenError} this id is recorded already
   */
  record(command: CommandRecord): Promise<void>
  /**
   * Forgets the outcomes of commands that were handled before a time (ISO 8601): one that is sent again
   * after that is handled again. Those that a parked, unfinished event led to are kept: its redrive
   * sends them again.
   *
   * @param limit at the most so many; all by default
   * @returns how many
   */
  sweep(before: string, limit?: number): Promise<number>
}

/** Messages from elsewhere that were seen; noted through {@link StoreTransaction.once}. */
export interface InboxStore {
  /** Who has seen something, in order of name. */
  consumers(): Promise<readonly string[]>
  /**
   * Forgets what a consumer saw before a time (ISO 8601).
   *
   * @param limit at the most so many; all by default
   * @returns how many
   */
  sweep(consumer: string, before: string, limit?: number): Promise<number>
}

export interface SnapshotStore {
  load(stream: string): Promise<Snapshot | undefined>
  /** Keeps the newer of the one that is there and this one. */
  save(snapshot: Snapshot): Promise<void>
}

/** What applications declared, so that tools need none of their code. */
export interface ContractStore {
  /** Replaces what was declared before of the same type and version. */
  declare(contracts: readonly DeclaredContract[]): Promise<void>
  list(): Promise<readonly DeclaredContract[]>
}

export interface TypeSummary {
  readonly eventType: string
  readonly count: number
  /** Event times, ISO 8601. */
  readonly firstSeen: string
  readonly lastSeen: string
  readonly versions: readonly number[]
}

export interface StreamSummary {
  readonly stream: string
  readonly version: number
  /** Event time of the first and last event, ISO 8601. */
  readonly firstSeen: string
  readonly lastSeen: string
}

export interface LogStats {
  /** Those that are there. */
  readonly events: number
  /** Those that ever had an event, also where all of theirs were deleted. */
  readonly streams: number
  readonly types: number
  readonly commands: number
  readonly head: number
  readonly firstRecordedAt: string | undefined
  readonly lastRecordedAt: string | undefined
  /** Bytes on disk; undefined in memory. */
  readonly bytes: number | undefined
}

/** Something that is wrong with the log itself, whatever its contracts say. */
export interface LogFault {
  readonly code:
    | 'database'
    | 'position-order'
    | 'version-gap'
    | 'duplicate-id'
    | 'recorded-order'
    | 'unreadable'
    | 'index'
  readonly message: string
  readonly position: number | undefined
  readonly stream: string | undefined
}

/** What is in the log, for people and tools. */
export interface LogCatalog {
  types(): Promise<readonly TypeSummary[]>
  /** In order of name, after `after`. */
  streams(options?: {
    readonly after?: string | undefined
    readonly prefix?: string | undefined
    readonly limit?: number | undefined
  }): Promise<readonly StreamSummary[]>
  stats(): Promise<LogStats>
  /** Checks what the store itself promises: the database's own check, positions, versions, ids, times. */
  verify(options?: { readonly signal?: AbortSignal }): AsyncIterable<LogFault>
}

export type { CommandRecord, DeclaredContract, OperationRecord, ParkedEvent, Snapshot, TimerRecord }
