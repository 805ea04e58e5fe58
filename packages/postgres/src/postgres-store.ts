import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  isUuid,
  toIsoTime,
  UsageError,
  type AppendOptions,
  type AppendResult,
  type CommandStore,
  type CommitListener,
  type ContractStore,
  type EventFilter,
  type EventReader,
  type InboxStore,
  type LeaseStore,
  type LogCatalog,
  type OperationStore,
  type ParkedStore,
  type LogReadOptions,
  type ReadOptions,
  type ReadStreamOptions,
  type RetentionStore,
  type SnapshotStore,
  type Store,
  type StoredEnvelope,
  type StreamAppend,
  type SubscriptionStore,
  type TimerStore,
  type CommitOptions,
} from 'tidings'
import {
  checkAppends,
  isInTransactionOf,
  markTransaction,
  requireLimit,
  requireTime,
  runInTransaction,
} from 'tidings/store'

import { makeCatalog } from './catalog.ts'
import { commandsOf, findCommand, sweepCommands } from './command-table.ts'
import { CommitTeller } from './commit-teller.ts'
import type { WaitsFor } from './connections.ts'
import { contractTable } from './contract-table.ts'
import { EVENT_COLUMNS, toEnvelopes } from './event-row.ts'
import {
  checkForeign,
  insertForeign,
  type AppendInOptions,
  type ForeignTransaction,
} from './foreign-append.ts'
import { inboxTable } from './inbox-table.ts'
import { leaseTable } from './lease-table.ts'
import { queryPages } from './log-query.ts'
import { openLog, type OpenLog } from './open-log.ts'
import { operationTable } from './operation-table.ts'
import { readOptions, type PostgresOptions, type PostgresSettings } from './options.ts'
import { parkedTable } from './parked-table.ts'
import type { ReadSide } from './reader.ts'
import { retentionTable } from './retention-table.ts'
import { snapshotTable } from './snapshot-table.ts'
import { readStreamPages } from './stream-reader.ts'
import { subscriptionTable } from './subscription-table.ts'
import type { TableAccess } from './table-access.ts'
import { timerTable } from './timer-table.ts'
import { OwnTransaction, type PostgresTransaction } from './transaction.ts'

/** A log in PostgreSQL, with `tx.sql` and `tx.client` for the user's own tables beside it. */
export interface PostgresStore extends Store<PostgresTransaction> {
  /**
   * Connects now, and brings the schema up to date. Without it the first call does: errors come there then.
   *
   * @throws {StoreError} the server cannot be reached or refuses, or the log cannot be read by this version
   */
  open(): Promise<void>

  /**
   * Has events appended by a transaction that is not this store's, with its own rows or not at all. They
   * are appended at its COMMIT, where they get their positions and the versions are looked at: until then
   * nothing waits for it. A refusal fails the COMMIT; {@link explainCommit} says what it means.
   *
   * With `deferred` they are appended soon after the COMMIT, by a process that has the log open: for
   * appends that expect nothing. Such a COMMIT waits for nobody.
   *
   * @param transaction a client of `pg` on which a transaction has begun, or a template tag that runs a
   *   statement in one: `(strings, ...values) => tx.execute(sql(strings, ...values))`
   * @param appends of {@link AppStore.seal}
   * @throws {UsageError} no events, a stream twice, no transaction, `deferred` with an expected version
   */
  appendIn(
    transaction: ForeignTransaction,
    appends: readonly StreamAppend[],
    options?: AppendInOptions,
  ): Promise<void>
}

/**
 * A log in a PostgreSQL database, 15 or later, for any number of processes. Nothing is connected before
 * the first call.
 *
 * @param options `postgres://user:password@host:port/database`, or the same and more
 * @throws {UsageError} an option that cannot be
 */
export function postgres(options: string | PostgresOptions): PostgresStore {
  return new PostgresLogStore(readOptions(options))
}

/** fresh → opening (by the first call) → open → closing (what is under way ends) → closed. */
class PostgresLogStore implements PostgresStore {
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
  readonly #settings: PostgresSettings
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #teller = new CommitTeller()
  #opening: Promise<OpenLog> | undefined
  #log: OpenLog | undefined
  #closed: Promise<void> | undefined

  constructor(settings: PostgresSettings) {
    this.location = settings.location
    this.#settings = settings
    const access = this.#tableAccess('rows')
    this.commands = this.#makeCommands(access)
    this.snapshots = snapshotTable(access)
    this.contracts = contractTable(access)
    this.catalog = makeCatalog(() => this.#side())
    this.subscriptions = subscriptionTable(access)
    this.leases = leaseTable(this.#tableAccess('nothing'))
    this.parked = parkedTable(access)
    this.operations = operationTable(access)
    this.timers = timerTable(access)
    this.inbox = inboxTable(access)
    this.retention = retentionTable(access, async () => (await this.#side()).names)
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
    const { group } = this.#log ?? (await this.#ready())
    return group.append({ appends, command: options.command }, options.signal)
  }

  async appendIn(
    transaction: ForeignTransaction,
    appends: readonly StreamAppend[],
    options: AppendInOptions = {},
  ): Promise<void> {
    this.#requireOpen()
    checkForeign(transaction, appends, options)
    const { parts, deferred } = await this.#ready()
    await this.#track(insertForeign(parts, transaction, { appends, ...options }))
    if (options.deferred === true) deferred.expect()
  }

  async transaction<Result>(
    work: (tx: PostgresTransaction) => Promise<Result>,
    { signal }: CommitOptions = {},
  ): Promise<Result> {
    this.#requireWritable()
    signal?.throwIfAborted()
    const { parts } = await this.#ready()
    return this.#track(this.#transact(new OwnTransaction(parts, signal), work))
  }

  async #transact<Result>(
    tx: OwnTransaction,
    work: (tx: PostgresTransaction) => Promise<Result>,
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
    return readStreamPages(() => this.#side(), stream, options)
  }

  readAll(options?: LogReadOptions): EventReader {
    return this.query({}, options)
  }

  query(filter: EventFilter, options?: ReadOptions): EventReader {
    return queryPages(() => this.#side(), filter, options)
  }

  async findEvent(eventId: string): Promise<StoredEnvelope | undefined> {
    const { schema, names, rows } = await this.#side()
    if (!isUuid(eventId)) return undefined
    const sql = `select ${EVENT_COLUMNS} from ${schema}.event_log e where e.event_id = $1`
    const [event] = await toEnvelopes(await rows(sql, [eventId]), names)
    return event
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
    const { listeners } = this.#teller
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  close(): Promise<void> {
    if (isInTransactionOf(this)) return Promise.reject(this.#nested())
    this.#closed ??= this.#finish()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #makeCommands({ write, schema }: TableAccess): CommandStore {
    return {
      find: async (commandId) => findCommand(await this.#side(), commandId),
      byCorrelation: async (correlationId) => commandsOf(await this.#side(), correlationId),
      record: async (command) => {
        await this.append([], { command })
      },
      sweep: async (before, limit) => {
        requireLimit(limit)
        requireTime('before', before)
        return write((session) => sweepCommands({ schema, session }, before, limit))
      },
    }
  }

  #tableAccess(waitsFor: WaitsFor): TableAccess {
    const { now, quoted } = this.#settings
    return {
      schema: quoted,
      rows: async (sql, values = []) => (await this.#side()).rows(sql, values),
      write: async (work) => {
        this.#requireWritable()
        const { parts } = await this.#ready()
        return this.#track(parts.connections.write(work, waitsFor))
      },
      transact: async (work) => {
        this.#requireWritable()
        const { parts } = await this.#ready()
        return this.#track(parts.connections.transact(work, waitsFor))
      },
      now: () => (now === undefined ? null : toIsoTime(now())),
    }
  }

  async #finish(): Promise<void> {
    // One that could not be opened has told its caller so, and there is nothing to close.
    const log = await this.#opening?.catch(() => undefined)
    if (log === undefined) return
    // Calls that were let in just before are on their way to where they are waited for.
    await nextTurn()
    await log.group.settled()
    await Promise.allSettled(this.#underWay)
    await log.deferred.end()
    await log.watch.end(this.#closedError())
    await log.parts.connections.close()
  }

  async #ready(): Promise<OpenLog> {
    this.#requireOpen()
    if (this.#log !== undefined) return this.#log
    this.#opening ??= openLog(this.#settings, this.#teller)
    const opening = this.#opening
    try {
      this.#log = await opening
    } catch (error) {
      // The next call may find the server started, or the database made.
      if (this.#opening === opening) this.#opening = undefined
      throw error
    }
    this.#requireOpen()
    return this.#log
  }

  async #side(): Promise<ReadSide> {
    return (await this.#ready()).parts.side
  }

  async #track<Result>(operation: Promise<Result>): Promise<Result> {
    this.#underWay.add(operation)
    try {
      return await operation
    } finally {
      this.#underWay.delete(operation)
    }
  }

  #requireWritable(): void {
    this.#requireOpen()
    if (isInTransactionOf(this)) throw this.#nested()
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
