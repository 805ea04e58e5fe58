import { UsageError } from '../errors/usage-errors.ts'
import { checkAppends } from '../store/decide-append.ts'
import type { OperationRecord } from '../store/operation-store.ts'
import type { ParkedEvent } from '../store/parked-store.ts'
import type {
  AppendOptions,
  AppendResult,
  EventReader,
  ReadStreamOptions,
  SqlRow,
  SqlTransaction,
  SqlValue,
  StreamAppend,
  CommitOptions,
} from '../store/store.ts'
import type { ProgressChange } from '../store/subscription-store.ts'
import type { Fired, TimerRecord } from '../store/timer-store.ts'
import type { Connection } from './connection.ts'
import type { AppendRequest, EventWriter } from './event-writer.ts'
import { seeOnce } from './inbox-table.ts'
import { putOperations } from './operation-table.ts'
import { parkEvents } from './parked-table.ts'
import { writeProgress } from './progress.ts'
import { makeTransactionReader } from './reader.ts'
import { isConstraint, toStoreError } from './store-failure.ts'
import { readStreamPages } from './stream-reader.ts'
import { cancelTimer, fireTimer, setTimers } from './timer-table.ts'
import type { UserSql } from './user-sql.ts'
import type { Writer } from './writer.ts'

export interface TransactionParts {
  readonly writer: Writer
  readonly events: EventWriter
  readonly userSql: UserSql
}

/**
 * open → begun (by its first statement, which waits for the writer) → closed (by commit or rollback).
 * A statement of the store's own that fails leaves it failed: then it can only be rolled back.
 */
export class SqliteTransaction implements SqlTransaction {
  readonly #parts: TransactionParts
  readonly #signal: AbortSignal | undefined
  readonly #sharesCommit: boolean
  /** It is a part of a transaction that others have ended in. */
  #isWithin = false
  #open = true
  #begun: Promise<void> | undefined
  #held = false
  #failure: { readonly error: unknown } | undefined

  constructor(parts: TransactionParts, { signal, sharesCommit = false }: CommitOptions) {
    this.#parts = parts
    this.#signal = signal
    this.#sharesCommit = sharesCommit
  }

  async append(
    appends: readonly StreamAppend[],
    options: Pick<AppendOptions, 'command'> = {},
  ): Promise<readonly AppendResult[]> {
    try {
      checkAppends(appends, options)
      await this.#enter()
      return this.#write({ appends, command: options.command })
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }

  readStream(stream: string, options?: ReadStreamOptions): EventReader {
    const { connection, names, settings } = this.#parts.writer
    const side = makeTransactionReader(connection, names, settings)
    return readStreamPages(
      async () => {
        await this.#enter()
        return side
      },
      stream,
      options,
    )
  }

  progress(change: ProgressChange): Promise<void> {
    return this.#run((connection) => writeProgress(connection, change))
  }

  park(events: readonly ParkedEvent[]): Promise<void> {
    return this.#run((connection) => parkEvents(connection, events))
  }

  putOperations(operations: readonly OperationRecord[]): Promise<void> {
    return this.#run((connection) => putOperations(connection, operations))
  }

  setTimers(timers: readonly TimerRecord[]): Promise<void> {
    return this.#run((connection) => setTimers(connection, timers))
  }

  cancelTimer(timerId: string): Promise<boolean> {
    return this.#run((connection) => cancelTimer(connection, timerId))
  }

  fireTimer(timerId: string, fired: Fired): Promise<boolean> {
    return this.#run((connection) => fireTimer(connection, timerId, fired))
  }

  once(consumer: string, messageId: string): Promise<boolean> {
    const nowMs = Math.floor(this.#parts.writer.settings.clock.now())
    return this.#run((connection) => seeOnce(connection, { consumer, messageId, nowMs }))
  }

  sql<Row extends object = SqlRow>(
    strings: TemplateStringsArray,
    ...values: readonly SqlValue[]
  ): Promise<Row[]> {
    // No turn of the queue for a statement that waits for nothing.
    if (this.#held) return this.#runUser<Row>(strings, values)
    return this.#enter().then(() => this.#runUser<Row>(strings, values))
  }

  /** No async function: most handlers wait for one statement only, which has run when this returns. */
  #runUser<Row>(strings: TemplateStringsArray, values: readonly SqlValue[]): Promise<Row[]> {
    try {
      return Promise.resolve(this.#runStatement(strings, values) as Row[])
    } catch (error) {
      const { promise, reject } = Promise.withResolvers<never>()
      reject(error)
      return promise
    }
  }

  #runStatement(strings: TemplateStringsArray, values: readonly SqlValue[]): object[] {
    this.#requireOpen()
    try {
      return this.#parts.userSql.run(strings, values)
    } catch (error) {
      // A full disk, for example, makes SQLite roll back by itself.
      if (!this.#parts.writer.connection.db.isTransaction) this.#failure ??= { error }
      throw error
    }
  }

  /**
   * Commits what was begun. From here on the transaction is closed.
   *
   * @throws the error of an append that failed before
   */
  async commit(): Promise<void> {
    this.#open = false
    if (!this.#held) await this.#begun
    if (this.#failure !== undefined) throw this.#failure.error
    this.#signal?.throwIfAborted()
    if (!this.#held) return
    const { writer } = this.#parts
    if (this.#sharesCommit && writer.mayCommitLater) {
      const committed = writer.commitLater(this.#isWithin)
      this.#held = false
      await committed
    } else {
      this.#isWithin = false
      writer.commit()
    }
    writer.step('acknowledged')
  }

  /** Rolls back what is not committed and gives the writer back. */
  async release(): Promise<void> {
    this.#open = false
    // Whoever began it got its error.
    if (!this.#held) await this.#begun?.catch(() => undefined)
    if (!this.#held) return
    this.#held = false
    try {
      if (this.#isWithin) this.#parts.writer.rollbackWithin()
      else this.#parts.writer.rollback()
    } finally {
      this.#parts.writer.release()
    }
  }

  async #run<Result>(work: (connection: Connection) => Result): Promise<Result> {
    if (this.#held) this.#requireOpen()
    else await this.#enter()
    const { connection, settings } = this.#parts.writer
    try {
      return work(connection)
    } catch (error) {
      const named = toStoreError(error, settings.location)
      this.#failure ??= { error: named }
      throw named
    }
  }

  async #enter(): Promise<void> {
    this.#requireOpen()
    this.#begun ??= this.#begin()
    await this.#begun
    // It may have ended while this statement, which nobody awaited, stood in the queue.
    this.#requireOpen()
  }

  async #begin(): Promise<void> {
    const { writer } = this.#parts
    this.#signal?.throwIfAborted()
    await writer.acquire()
    try {
      this.#signal?.throwIfAborted()
      this.#isWithin = this.#sharesCommit && writer.beginWithin()
      if (!this.#isWithin && !writer.beginNow()) await writer.begin(this.#signal)
      this.#held = true
    } catch (error) {
      writer.release()
      throw error
    }
  }

  #write(request: AppendRequest): readonly AppendResult[] {
    const { writer, events } = this.#parts
    const floor = writer.lastPosition
    try {
      return events.write(request)
    } catch (error) {
      const results = isConstraint(error) ? events.explain(request, floor) : undefined
      if (results !== undefined) return results
      throw toStoreError(error, writer.settings.location)
    }
  }

  #requireOpen(): void {
    if (this.#open && this.#failure === undefined) return
    const why = this.#open ? 'failed before, and can only be rolled back' : 'has ended'
    throw new UsageError(
      'TIDINGS_TRANSACTION_CLOSED',
      `This transaction ${why}. Nothing was done. Await every statement inside the function that was given to transaction(), and let its errors through.`,
      this.#failure === undefined ? {} : { cause: this.#failure.error },
    )
  }
}
