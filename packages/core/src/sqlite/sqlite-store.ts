import { setImmediate as nextTurn } from 'node:timers/promises'

import type { StoredEnvelope } from '../contract/envelope.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { isInTransactionOf, markTransaction, runInTransaction } from '../internal/flow.ts'
import { requireLimit, requireTime } from '../store/check-arguments.ts'
import { checkAppends } from '../store/decide-append.ts'
import type { CommitListener } from '../store/commits.ts'
import type { LeaseStore } from '../store/lease-store.ts'
import type { OperationStore } from '../store/operation-store.ts'
import type { ParkedStore } from '../store/parked-store.ts'
import type { RetentionStore } from '../store/retention-store.ts'
import type {
  AppendOptions,
  AppendResult,
  CommandStore,
  ContractStore,
  EventFilter,
  EventReader,
  InboxStore,
  LogCatalog,
  LogReadOptions,
  ReadOptions,
  ReadStreamOptions,
  SnapshotStore,
  SqlTransaction,
  Store,
  StreamAppend,
  CommitOptions,
} from '../store/store.ts'
import type { SubscriptionStore } from '../store/subscription-store.ts'
import type { TimerStore } from '../store/timer-store.ts'
import { makeCatalog } from './catalog.ts'
import { commandsOf, findCommand } from './command-table.ts'
import { declareContracts, listContracts } from './contract-table.ts'
import { lateTables } from './late-tables.ts'
import { EVENT_COLUMNS, toEnvelope } from './event-row.ts'
import { queryPages } from './log-query.ts'
import { closeLog, openLog, type OpenLog } from './open-log.ts'
import { readOptions, type SqliteOptions, type SqliteSettings } from './options.ts'
import { loadSnapshot, saveSnapshot } from './snapshot-table.ts'
import { readStreamPages } from './stream-reader.ts'
import type { TableAccess } from './table-access.ts'
import type { SqliteTransaction } from './transaction.ts'
import type { WriteSide } from './write-side.ts'

/** A log in a SQLite file, with `tx.sql` for the user's own tables beside it. */
export interface SqliteStore extends Store<SqlTransaction> {
  /**
   * Opens the file now. Without it the first call does: errors of the file come there then.
   *
   * @throws {StoreError} the file cannot be opened, made, or read by this version
   */
  open(): Promise<void>
  /**
   * Writes a copy of the whole file as it is at one moment, while others go on writing. The copy is
   * there whole or not at all, and is opened like any other.
   *
   * @throws {StoreError} it could not be written; `TIDINGS_STORE_FAILED` too when it is there already
   */
  backup(file: string): Promise<void>
}

/**
 * A log in a SQLite file, through Node's own `node:sqlite`. The file is opened, and made where it is
 * missing, by the first call. Other processes may work on it at the same time, on the same machine.
 *
 * @param options the file, or the file and more
 * @throws {UsageError} an option that cannot be
 */
export function sqlite(options: string | SqliteOptions): SqliteStore {
  return new SqliteLogStore(readOptions(options))
}

/** fresh → opening (by the first call) → open → closing (what is under way ends) → closed. */
class SqliteLogStore implements SqliteStore {
  readonly location: string
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
  readonly #settings: SqliteSettings
  readonly #listeners = new Set<CommitListener>()
  readonly #underWay = new Set<Promise<unknown>>()
  #opening: Promise<OpenLog> | undefined
  #log: OpenLog | undefined
  #loadingWrites: Promise<WriteSide> | undefined
  #writes: WriteSide | undefined
  #closed: Promise<void> | undefined

  constructor(settings: SqliteSettings) {
    this.location = settings.location
    this.#settings = settings
    this.commands = this.#makeCommands()
    this.snapshots = {
      load: (stream) => this.#read(({ side }) => loadSnapshot(side.connection, stream)),
      save: (snapshot) => this.#write(({ writer }) => saveSnapshot(writer.connection, snapshot)),
    }
    this.contracts = {
      declare: (contracts) =>
        this.#write(({ writer }) => declareContracts(writer.connection, contracts)),
      list: () => this.#read(({ side }) => listContracts(side.connection)),
    }
    this.catalog = makeCatalog(async () => (await this.#ready()).side, this.#settings)
    const access: TableAccess = {
      read: (work) => this.#read(({ side }) => work(side.connection)),
      write: (work) => this.#write(({ writer }) => work(writer.connection)),
      now: () => Math.floor(settings.clock.now()),
    }
    const tables = lateTables(access, async () => (await this.#ready()).side.names)
    this.subscriptions = tables.subscriptions
    this.leases = tables.leases
    this.parked = tables.parked
    this.operations = tables.operations
    this.timers = tables.timers
    this.inbox = tables.inbox
    this.retention = tables.retention
  }

  async open(): Promise<void> {
    await this.#ready()
  }

  async append(
    appends: readonly StreamAppend[],
    options: AppendOptions = {},
  ): Promise<readonly AppendResult[]> {
    this.#requireWritable()
    options.signal?.throwIfAborted()
    checkAppends(appends, options)
    const { group } = this.#writes ?? (await this.#readyToWrite())
    return group.append({ appends, command: options.command }, options.signal)
  }

  async transaction<Result>(
    work: (tx: SqlTransaction) => Promise<Result>,
    options: CommitOptions = {},
  ): Promise<Result> {
    this.#requireWritable()
    options.signal?.throwIfAborted()
    const writes = this.#openWrites() ?? (await this.#readyToWrite())
    return this.#track(this.#transact(writes.makeTransaction(options), work))
  }

  async #transact<Result>(
    tx: SqliteTransaction,
    work: (tx: SqlTransaction) => Promise<Result>,
  ): Promise<Result> {
    const mark = markTransaction(this)
    try {
      const result = await runInTransaction(mark, () => work(tx))
      await tx.commit()
      return result
    } finally {
      mark.open = false
      await tx.release()
    }
  }

  readStream(stream: string, options?: ReadStreamOptions): EventReader {
    return readStreamPages(async () => (await this.#ready()).side, stream, options)
  }

  readAll(options?: LogReadOptions): EventReader {
    return this.query({}, options)
  }

  query(filter: EventFilter, options?: ReadOptions): EventReader {
    return queryPages(async () => (await this.#ready()).side, filter, options)
  }

  findEvent(eventId: string): Promise<StoredEnvelope | undefined> {
    return this.#read(({ side: { connection, names } }) => {
      const sql = `select ${EVENT_COLUMNS} from event_log e where e.event_id = ?`
      const row = connection.rows(sql).get(eventId)
      return row && toEnvelope(row, names)
    })
  }

  async head(): Promise<number> {
    return (await this.#ready()).watch.readHead()
  }

  async waitBeyond(
    position: number,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { watch } = await this.#ready()
    return watch.wait(position, options.signal)
  }

  onCommitted(listener: CommitListener): () => void {
    this.#requireOpen()
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async backup(file: string): Promise<void> {
    await this.#ready()
    await this.#track(import('./backup.ts').then(({ backupTo }) => backupTo(file, this.#settings)))
  }

  close(): Promise<void> {
    if (this.#insideTransaction()) return Promise.reject(this.#nested())
    this.#closed ??= this.#finish()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #makeCommands(): CommandStore {
    return {
      find: (commandId) =>
        this.#read(({ side }) => findCommand(side.connection, side.names, commandId)),
      byCorrelation: (correlationId) =>
        this.#read(({ side }) => commandsOf(side.connection, side.names, correlationId)),
      record: async (command) => {
        await this.append([], { command })
      },
      sweep: async (before, limit) => {
        requireLimit(limit)
        const beforeMs = requireTime('before', before)
        const { sweepCommands } = await import('./retention-table.ts')
        return this.#write(({ writer }) => sweepCommands(writer.connection, beforeMs, limit))
      },
    }
  }

  async #finish(): Promise<void> {
    // A file that could not be opened has told its caller so, and there is nothing to close.
    const log = await this.#opening?.catch(() => undefined)
    if (log === undefined) return
    // Calls that were let in just before are on their way to where they are waited for, the first
    // write by way of its code.
    await nextTurn()
    await this.#loadingWrites?.catch(() => undefined)
    await nextTurn()
    await this.#writes?.group.settled()
    await Promise.allSettled(this.#underWay)
    await log.filler.finish()
    log.watch.end(this.#closedError())
    closeLog(log)
  }

  async #ready(): Promise<OpenLog> {
    this.#requireOpen()
    if (this.#log !== undefined) return this.#log
    this.#opening ??= openLog(this.#settings, this.#listeners)
    const opening = this.#opening
    try {
      this.#log = await opening
    } catch (error) {
      // The next call may find the folder made, or the other process gone.
      if (this.#opening === opening) this.#opening = undefined
      throw error
    }
    this.#requireOpen()
    return this.#log
  }

  /** The code that writes is loaded by the first write: without it a log opens in half the time. */
  async #readyToWrite(): Promise<WriteSide> {
    const { writer } = await this.#ready()
    this.#loadingWrites ??= import('./write-side.ts').then(({ makeWriteSide }) =>
      makeWriteSide(writer),
    )
    this.#writes = await this.#loadingWrites
    return this.#writes
  }

  /** What writes, where it is loaded: for whoever would rather not wait a turn. @throws {ClosedError} */
  #openWrites(): WriteSide | undefined {
    this.#requireOpen()
    return this.#writes
  }

  async #read<Result>(work: (log: OpenLog) => Result): Promise<Result> {
    const log = await this.#ready()
    return log.side.read(() => work(log))
  }

  async #write<Result>(work: (log: OpenLog) => Result): Promise<Result> {
    this.#requireWritable()
    const log = await this.#ready()
    return this.#track(log.writer.transact(() => work(log)))
  }

  #track<Result>(operation: Promise<Result>): Promise<Result> {
    this.#underWay.add(operation)
    const over = (): void => void this.#underWay.delete(operation)
    operation.then(over, over)
    return operation
  }

  #insideTransaction(): boolean {
    return isInTransactionOf(this)
  }

  #requireWritable(): void {
    this.#requireOpen()
    if (this.#insideTransaction()) throw this.#nested()
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw this.#closedError()
  }

  #closedError(): UsageError {
    return new UsageError(
      'TIDINGS_CLOSED',
      `The store '${this.location}' is closed. Nothing was done. Close it after the last use.`,
    )
  }

  #nested(): UsageError {
    return new UsageError(
      'TIDINGS_TRANSACTION_NESTED',
      `The store '${this.location}' was called inside one of its own transactions, and would wait for it for ever. Nothing was done. Use the transaction that was handed in.`,
    )
  }
}
