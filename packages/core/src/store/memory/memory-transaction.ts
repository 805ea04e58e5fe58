import { UsageError } from '../../errors/usage-errors.ts'
import type { Mutex } from '../../internal/mutex.ts'
import type { CommandRecord } from '../command-record.ts'
import type {
  AppendOptions,
  AppendResult,
  EventReader,
  ReadStreamOptions,
  StoreTransaction,
  StreamAppend,
} from '../store.ts'
import { planAppend, type LogRecord, type LogView, type MemoryLog } from './memory-log.ts'
import { readStreamRecords } from './memory-reading.ts'

/** The log with the transaction's own events on top. */
class StagedLog implements LogView {
  readonly records: LogRecord[] = []
  readonly commands: Map<string, CommandRecord> = new Map()
  readonly #log: MemoryLog
  readonly #byId = new Map<string, LogRecord>()
  readonly #streams = new Map<string, LogRecord[]>()

  constructor(log: MemoryLog) {
    this.#log = log
  }

  get head(): number {
    return this.records.at(-1)?.position ?? this.#log.head
  }

  recordOf(eventId: string): LogRecord | undefined {
    return this.#byId.get(eventId) ?? this.#log.recordOf(eventId)
  }

  versionOf(stream: string): number {
    return this.#log.versionOf(stream) + (this.#streams.get(stream)?.length ?? 0)
  }

  hasCommand(commandId: string): boolean {
    return this.commands.has(commandId) || this.#log.hasCommand(commandId)
  }

  /** The event of a stream with this version. */
  recordAt(stream: string, version: number): LogRecord | undefined {
    const committed = this.#log.streams.get(stream) ?? []
    return committed[version - 1] ?? this.#streams.get(stream)?.[version - 1 - committed.length]
  }

  stage(records: readonly LogRecord[], command: CommandRecord | undefined): void {
    for (const record of records) {
      this.records.push(record)
      this.#byId.set(record.sealed.envelope.eventId, record)
      const stream = this.#streams.get(record.stream)
      if (stream === undefined) this.#streams.set(record.stream, [record])
      else stream.push(record)
    }
    if (command !== undefined) this.commands.set(command.commandId, command)
  }
}

/**
 * open → entered (by its first statement, which waits for the lock) → closed (by commit or rollback).
 * A statement that fails leaves it failed: then it can only be rolled back.
 */
export class MemoryTransaction implements StoreTransaction {
  readonly #log: MemoryLog
  readonly #lock: Mutex
  readonly #staged: StagedLog
  #open = true
  #entered: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(log: MemoryLog, lock: Mutex) {
    this.#log = log
    this.#lock = lock
    this.#staged = new StagedLog(log)
  }

  async append(
    appends: readonly StreamAppend[],
    options?: Pick<AppendOptions, 'command'>,
  ): Promise<readonly AppendResult[]> {
    await this.#enter()
    try {
      const planned = planAppend(this.#staged, appends, {
        command: options?.command,
        recordedAt: () => this.#log.recordedAt(),
      })
      this.#staged.stage(planned.records, planned.command)
      return planned.results
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }

  readStream(stream: string, options?: ReadStreamOptions): EventReader {
    const source = {
      enter: () => this.#enter(),
      length: () => this.#staged.versionOf(stream),
      at: (version: number) => this.#staged.recordAt(stream, version),
    }
    return readStreamRecords(source, options)
  }

  /**
   * Commits. From here on the transaction is closed.
   *
   * @throws the error of a statement that failed before
   */
  async commit(signal: AbortSignal | undefined): Promise<void> {
    this.#open = false
    await this.#entered
    if (this.#failure !== undefined) throw this.#failure.error
    signal?.throwIfAborted()
    this.#log.commit(this.#staged.records, [...this.#staged.commands.values()])
  }

  /** Gives the lock back, if the transaction ever waited for it. What was not committed is gone. */
  async release(): Promise<void> {
    this.#open = false
    if (this.#entered === undefined) return
    await this.#entered
    this.#lock.release()
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
