import type { StoredEnvelope } from '../../contract/envelope.ts'
import { UsageError } from '../../errors/usage-errors.ts'
import { systemClock, type Clock } from '../../internal/clock.ts'
import { isInTransactionOf, markTransaction, runInTransaction } from '../../internal/flow.ts'
import { Mutex } from '../../internal/mutex.ts'
import type { CommitListener } from '../commits.ts'
import type { LeaseStore } from '../lease-store.ts'
import type { OperationStore } from '../operation-store.ts'
import type { ParkedStore } from '../parked-store.ts'
import type { RetentionStore } from '../retention-store.ts'
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
  Store,
  StoreTransaction,
  CommitOptions,
  StreamAppend,
} from '../store.ts'
import type { SubscriptionStore } from '../subscription-store.ts'
import type { TimerStore } from '../timer-store.ts'
import type { Access } from './access.ts'
import { memoryCatalog } from './memory-catalog.ts'
import { MemoryDelivery } from './memory-delivery.ts'
import { memoryInbox } from './memory-inbox.ts'
import { memoryLeases } from './memory-leases.ts'
import { envelopeOf, MemoryLog, planAppend, type LogRecord } from './memory-log.ts'
import { memoryOperations } from './memory-operations.ts'
import { memoryParked } from './memory-parked.ts'
import { compileFilter, readRecords, readStreamRecords } from './memory-reading.ts'
import { memorySubscriptions } from './memory-subscriptions.ts'
import { memoryRetention } from './memory-retention.ts'
import {
  memoryCommands,
  memoryContracts,
  memorySnapshots,
  type SnapshotTable,
} from './memory-tables.ts'
import { memoryTimers } from './memory-timers.ts'
import { MemoryTransaction } from './memory-transaction.ts'

export interface MemoryStoreOptions {
  /** For `recordedAt`, leases and all other times; the process's own by default. */
  readonly clock?: Clock
}

/**
 * A log in the memory of this process, for tests and for trying things out. It keeps every promise of
 * {@link Store} except the one that only a disk can keep: with the process it is gone. Its
 * transactions have no `sql`.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options.clock ?? systemClock)
}

interface Waiter {
  readonly position: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** open → closing (new calls are refused, those under way end) → closed. */
class MemoryStore implements Store {
  readonly location = 'memory:'
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
  readonly #log: MemoryLog
  readonly #delivery = new MemoryDelivery()
  readonly #now: () => number
  readonly #lock = new Mutex()
  readonly #listeners = new Set<CommitListener>()
  readonly #waiters = new Set<Waiter>()
  readonly #underWay = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  constructor(clock: Clock) {
    this.#log = new MemoryLog(clock)
    this.#now = () => Math.floor(clock.now())
    const access: Access = {
      read: () => this.#requireOpen(),
      write: (work) => this.#write(undefined, work),
      now: this.#now,
    }
    const snapshots: SnapshotTable = new Map()
    this.commands = memoryCommands(this.#log, this.#delivery, access)
    this.snapshots = memorySnapshots(snapshots, access)
    this.contracts = memoryContracts(access)
    this.catalog = memoryCatalog(this.#log, () => access.read())
    const { subscriptions, leases, parked, operations, timers, inbox } = this.#delivery
    this.subscriptions = memorySubscriptions(subscriptions, access)
    this.leases = memoryLeases(leases, access)
    this.parked = memoryParked(parked, access)
    this.operations = memoryOperations(operations, access)
    this.timers = memoryTimers(timers, access)
    this.inbox = memoryInbox(inbox, access)
    this.retention = memoryRetention(
      { log: this.#log, delivery: this.#delivery, snapshots },
      access,
    )
  }

  append(
    appends: readonly StreamAppend[],
    options: AppendOptions = {},
  ): Promise<readonly AppendResult[]> {
    return this.#write(options.signal, () => {
      const planned = planAppend(this.#log, appends, {
        command: options.command,
        recordedAt: () => this.#log.recordedAt(),
      })
      this.#log.commit(planned.records, planned.command === undefined ? [] : [planned.command])
      this.#committed(planned.records)
      return planned.results
    })
  }

  async transaction<Result>(
    work: (tx: StoreTransaction) => Promise<Result>,
    { signal }: CommitOptions = {},
  ): Promise<Result> {
    this.#requireWritable()
    signal?.throwIfAborted()
    return this.#track(this.#runTransaction(work, signal))
  }

  async #runTransaction<Result>(
    work: (tx: StoreTransaction) => Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const tx = new MemoryTransaction({
      log: this.#log,
      delivery: this.#delivery,
      lock: this.#lock,
      now: this.#now,
    })
    const mark = markTransaction(this)
    try {
      const result = await runInTransaction(mark, () => work(tx))
      this.#committed(await tx.commit(signal))
      return result
    } finally {
      mark.open = false
      await tx.release()
    }
  }

  readStream(stream: string, options?: ReadStreamOptions): EventReader {
    const source = {
      enter: async () => this.#requireOpen(),
      length: () => this.#log.versionOf(stream),
      at: (version: number) => this.#log.recordAt(stream, version),
    }
    return readStreamRecords(source, options)
  }

  readAll(options?: LogReadOptions): EventReader {
    const source = { enter: () => this.#requireOpen(), records: () => this.#log.records }
    return readRecords(source, undefined, options)
  }

  query(filter: EventFilter, options?: ReadOptions): EventReader {
    const { stream } = filter
    const records = () =>
      stream === undefined ? this.#log.records : (this.#log.streams.get(stream) ?? [])
    return readRecords(
      { enter: () => this.#requireOpen(), records },
      compileFilter(filter),
      options,
    )
  }

  async findEvent(eventId: string): Promise<StoredEnvelope | undefined> {
    this.#requireOpen()
    const record = this.#log.recordOf(eventId)
    return record && envelopeOf(record)
  }

  async head(): Promise<number> {
    this.#requireOpen()
    return this.#log.head
  }

  async waitBeyond(
    position: number,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#requireOpen()
    signal?.throwIfAborted()
    if (this.#log.head > position) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { position, resolve, reject }
    const onAbort = (): void => reject(signal?.reason)
    this.#waiters.add(waiter)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      this.#waiters.delete(waiter)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  onCommitted(listener: CommitListener): () => void {
    this.#requireOpen()
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): Promise<void> {
    if (this.#insideTransaction()) return Promise.reject(nested())
    this.#closed ??= this.#finish()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #finish(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    for (const waiter of this.#waiters) waiter.reject(closed())
    this.#log.clear()
    this.#delivery.clear()
  }

  /** Runs `work` when no transaction does: at once, or in turn. */
  async #write<Result>(signal: AbortSignal | undefined, work: () => Result): Promise<Result> {
    this.#requireWritable()
    signal?.throwIfAborted()
    if (!this.#lock.held) return work()
    return this.#track(
      this.#lock.run(() => {
        signal?.throwIfAborted()
        return work()
      }),
    )
  }

  async #track<Result>(operation: Promise<Result>): Promise<Result> {
    this.#underWay.add(operation)
    try {
      return await operation
    } finally {
      this.#underWay.delete(operation)
    }
  }

  /** Told and woken in the turn of the commit: nothing can have come between. */
  #committed(records: readonly LogRecord[]): void {
    const [first] = records
    if (first === undefined) return
    for (const listener of this.#listeners) {
      listener({
        // Its positions have no holes.
        after: first.position - 1,
        upTo: records.at(-1)!.position,
        count: records.length,
        events: () => records.map(envelopeOf),
      })
    }
    for (const waiter of this.#waiters) {
      if (this.#log.head > waiter.position) waiter.resolve()
    }
  }

  #insideTransaction(): boolean {
    return isInTransactionOf(this)
  }

  #requireWritable(): void {
    this.#requireOpen()
    if (this.#insideTransaction()) throw nested()
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw closed()
  }
}

function closed(): UsageError {
  return new UsageError(
    'TIDINGS_CLOSED',
    "The store 'memory:' is closed. Nothing was done. Close it after the last use.",
  )
}

function nested(): UsageError {
  return new UsageError(
    'TIDINGS_TRANSACTION_NESTED',
    "The store 'memory:' was called inside one of its own transactions, and would wait for it for ever. Nothing was done. Use the transaction that was handed in.",
  )
}
