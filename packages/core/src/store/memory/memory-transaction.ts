import { UsageError } from '../../errors/usage-errors.ts'
import type { Mutex } from '../../internal/mutex.ts'
import type { OperationRecord } from '../operation-store.ts'
import type { ParkedEvent } from '../parked-store.ts'
import type {
  AppendOptions,
  AppendResult,
  EventReader,
  ReadStreamOptions,
  StoreTransaction,
  StreamAppend,
} from '../store.ts'
import type { ProgressChange } from '../subscription-store.ts'
import type { Fired, TimerRecord } from '../timer-store.ts'
import { StagedDelivery, type MemoryDelivery } from './memory-delivery.ts'
import { planAppend, type LogRecord, type MemoryLog } from './memory-log.ts'
import { readStreamRecords } from './memory-reading.ts'
import { StagedLog } from './staged-log.ts'

/** What a transaction of a store in memory works on. */
export interface TransactionParts {
  readonly log: MemoryLog
  readonly delivery: MemoryDelivery
  readonly lock: Mutex
  readonly now: () => number
}

/**
 * open → entered (by its first statement, which waits for the lock) → closed (by commit or rollback).
 * A statement that fails leaves it failed: then it can only be rolled back.
 */
export class MemoryTransaction implements StoreTransaction {
  readonly #log: MemoryLog
  readonly #lock: Mutex
  readonly #staged: StagedLog
  readonly #delivery: StagedDelivery
  #open = true
  #entered: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor({ log, delivery, lock, now }: TransactionParts) {
    this.#log = log
    this.#lock = lock
    this.#staged = new StagedLog(log)
    this.#delivery = new StagedDelivery(delivery, now)
  }

  append(
    appends: readonly StreamAppend[],
    options?: Pick<AppendOptions, 'command'>,
  ): Promise<readonly AppendResult[]> {
    return this.#run(() => {
      const planned = planAppend(this.#staged, appends, {
        command: options?.command,
        recordedAt: () => this.#log.recordedAt(),
      })
      this.#staged.stage(planned.records, planned.command)
      return planned.results
    })
  }

  readStream(stream: string, options?: ReadStreamOptions): EventReader {
    const source = {
      enter: () => this.#enter(),
      length: () => this.#staged.versionOf(stream),
      at: (version: number) => this.#staged.recordAt(stream, version),
    }
    return readStreamRecords(source, options)
  }

  progress(change: ProgressChange): Promise<void> {
    return this.#run(() => this.#delivery.progress(change))
  }

  park(events: readonly ParkedEvent[]): Promise<void> {
    return this.#run(() => this.#delivery.park(events))
  }

  putOperations(operations: readonly OperationRecord[]): Promise<void> {
    return this.#run(() => this.#delivery.putOperations(operations))
  }

  setTimers(timers: readonly TimerRecord[]): Promise<void> {
    return this.#run(() => this.#delivery.setTimers(timers))
  }

  cancelTimer(timerId: string): Promise<boolean> {
    return this.#run(() => this.#delivery.cancelTimer(timerId))
  }

  fireTimer(timerId: string, fired: Fired): Promise<boolean> {
    return this.#run(() => this.#delivery.fireTimer(timerId, fired))
  }

  once(consumer: string, messageId: string): Promise<boolean> {
    return this.#run(() => this.#delivery.once(consumer, messageId))
  }

  /**
   * Commits. From here on the transaction is closed.
   *
   * @returns what it added to the log
   * @throws the error of a statement that failed before
   */
  async commit(signal: AbortSignal | undefined): Promise<readonly LogRecord[]> {
    this.#open = false
    await this.#entered
    if (this.#failure !== undefined) throw this.#failure.error
    signal?.throwIfAborted()
    this.#log.commit(this.#staged.records, [...this.#staged.commands.values()])
    this.#delivery.commit()
    return this.#staged.records
  }

  /** Gives the lock back, if the transaction ever waited for it. What was not committed is gone. */
  async release(): Promise<void> {
    this.#open = false
    if (this.#entered === undefined) return
    await this.#entered
    this.#lock.release()
  }

  async #run<Result>(work: () => Result): Promise<Result> {
    await this.#enter()
    try {
      return work()
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }

  async #enter(): Promise<void> {
    this.#requireOpen()
    this.#entered ??= this.#lock.acquire()
    await this.#entered
    // It may have ended while this statement, which nobody awaited, stood in the queue.
    this.#requireOpen()
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
