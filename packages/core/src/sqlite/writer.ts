import type { FairTurns } from '../internal/fair-turns.ts'
import { Mutex } from '../internal/mutex.ts'
import type { CommitListener } from '../store/commits.ts'
import type { PlacedEvents } from '../store/placed-events.ts'
import type { Connection } from './connection.ts'
import type { FileWatch } from './file-watch.ts'
import { openNames, type Names, type NameTables } from './names.ts'
import type { AppendStep, SqliteSettings } from './options.ts'
import { retryBusy } from './retry-busy.ts'
import type { SharedCommit } from './shared-commit.ts'
import { isBusy, toStoreError } from './store-failure.ts'

export interface WriterParts {
  readonly connection: Connection
  readonly settings: SqliteSettings
  readonly file: FileWatch
  readonly turns: FairTurns
  /** Who hears of commits: what they are told is gathered only where there are some. */
  readonly listeners: ReadonlySet<CommitListener>
  /** Told after each commit that appended events, and after those who hear of commits. */
  readonly onAppended: (head: number) => void
}

/**
 * The one connection of this process that writes. Whoever writes holds it from the first statement to
 * the end of the transaction; the others wait in order.
 *
 * free → held (`acquire`) ⇄ in a transaction (`begin`; `commit` or `rollback`) → free (`release`)
 *
 * Where transactions share a commit the writer goes from one to the next within the transaction of the
 * database: `begin` or `beginWithin`, then `commitLater` or `rollbackWithin`.
 */
export class Writer {
  readonly connection: Connection
  readonly settings: SqliteSettings
  readonly names: NameTables
  readonly #file: FileWatch
  readonly #turns: FairTurns
  readonly listeners: ReadonlySet<CommitListener>
  #placed: PlacedEvents | undefined
  readonly #onAppended: (head: number) => void
  readonly #mutex = new Mutex()
  #shared: SharedCommit | undefined
  readonly #ownNames: readonly Names[]
  #lastPosition = 0
  #lastRecordedAt = -1
  #appended = false

  constructor({ connection, settings, file, turns, listeners, onAppended }: WriterParts) {
    this.connection = connection
    this.settings = settings
    this.names = openNames(connection)
    this.#ownNames = Object.values(this.names) as Names[]
    this.#file = file
    this.#turns = turns
    this.listeners = listeners
    this.#onAppended = onAppended
  }

  /** From here on transactions may share their commits. */
  shareCommits(shared: SharedCommit): void {
    this.#shared = shared
  }

  /** The caller must release it, whatever happens. */
  acquire(): Promise<void> {
    return this.#turns.next()?.then(() => this.#mutex.acquire()) ?? this.#mutex.acquire()
  }

  release(): void {
    if (!this.#mutex.isWanted) this.#commitShared()
    this.#mutex.release()
  }

  /** Begins, unless another process is in the way. @throws {StoreError} the database cannot begin */
  beginNow(): boolean {
    this.#commitShared()
    try {
      this.connection.db.exec('begin immediate')
    } catch (error) {
      if (isBusy(error)) return false
      throw toStoreError(error, this.settings.location)
    }
    this.#begun(() => this.rollback())
    return true
  }

  /** @throws {StoreError} busy for too long, or the database cannot begin */
  async begin(signal?: AbortSignal): Promise<void> {
    this.#commitShared()
    const { db } = this.connection
    await retryBusy(() => db.exec('begin immediate'), this.settings, signal)
    this.#begun(() => this.rollback())
  }

  /** Begins within a commit that others wait for. @returns false: nobody does */
  beginWithin(): boolean {
    if (this.#shared?.isOpen !== true || !this.#shared.isYoung) return false
    this.#shared.begin()
    this.#begun(() => this.rollbackWithin())
    return true
  }

  #begun(undo: () => void): void {
    this.#lastRecordedAt = -1
    this.#appended = false
    try {
      this.step('begin')
    } catch (error) {
      undo()
      throw error
    }
  }

  /**
   * Commits, with those who share it, and comes back only when it is there to stay. After a throw nothing is
   * under way.
   *
   * @throws {StoreError} when it could not, or when the file is not there any more
   */
  commit(): void {
    try {
      this.#commit()
      this.#shared?.succeed()
    } catch (error) {
      this.#shared?.fail(error)
      throw error
    }
  }

  /** Whether a transaction that ends now may leave its commit to those behind it. */
  get mayCommitLater(): boolean {
    // Who reads the log, and the names that it made, go by commits: an append is committed at once.
    return (
      this.#mutex.isWanted &&
      !this.#appended &&
      this.connection.db.isTransaction &&
      !this.#ownNames.some((names) => names.hasAdded) &&
      this.#shared?.takesMore === true
    )
  }

  /**
   * Gives the writer to the next in line, and resolves when what was done is committed with theirs.
   *
   * @param isWithin whether it was begun by `beginWithin`
   * @throws {StoreError} it is not
   */
  commitLater(isWithin: boolean): Promise<void> {
    const shared = this.#shared!
    if (isWithin) shared.keep()
    const committed = shared.add()
    this.release()
    return committed
  }

  /** Some errors of SQLite have rolled back already; then there is nothing to do. */
  rollback(): void {
    for (const names of this.#ownNames) names.rolledBack()
    if (this.connection.db.isTransaction) this.connection.db.exec('rollback')
  }

  /** Of one that was begun by `beginWithin`. */
  rollbackWithin(): void {
    for (const names of this.#ownNames) names.rolledBack()
    // What was read and appended within it is gone; those who wait have appended nothing.
    this.#lastRecordedAt = -1
    this.#appended = false
    if (this.#shared?.undo() === false) this.#shared.undone()
  }

  #commit(): void {
    try {
      this.step('before-commit')
      this.connection.db.exec('commit')
    } catch (error) {
      this.rollback()
      throw toStoreError(error, this.settings.location)
    }
    for (const names of this.#ownNames) names.committed()
    this.step('after-commit')
    this.#file.check()
    if (this.#appended) this.#tellAppended()
  }

  /** Those who wait for it are told how it went, and nobody else. */
  #commitShared(): void {
    if (this.#shared?.isOpen !== true) return
    try {
      this.commit()
    } catch {
      // They have it.
    }
  }

  /** Runs a piece of work in a transaction of its own. */
  async transact<Result>(work: () => Result): Promise<Result> {
    await this.acquire()
    try {
      await this.begin()
      let result: Result
      try {
        result = work()
      } catch (error) {
        this.rollback()
        throw toStoreError(error, this.settings.location)
      }
      this.commit()
      return result
    } finally {
      this.release()
    }
  }

  /** The end of the log as this transaction sees it. */
  get lastPosition(): number {
    this.#readTail()
    return this.#lastPosition
  }

  /** The time to record: the clock, or the last event's time where the clock has stepped back. */
  get recordedAt(): number {
    this.#readTail()
    return this.#lastRecordedAt
  }

  appended(position: number, placed: PlacedEvents): void {
    this.#lastPosition = position
    this.#appended = true
    this.#placed = placed
  }

  /** Whether this transaction has appended something. */
  get hasAppended(): boolean {
    return this.#appended
  }

  step(step: AppendStep): void {
    this.settings.onStep?.(step)
  }

  #tellAppended(): void {
    const committed = this.#placed?.committed()
    if (committed !== undefined) for (const listener of this.listeners) listener(committed)
    this.#onAppended(this.#lastPosition)
  }

  #readTail(): void {
    if (this.#lastRecordedAt !== -1) return
    const row = this.connection
      .rows('select position, recorded_at from event_log order by position desc limit 1')
      .get()
    this.#lastPosition = (row?.[0] as number | undefined) ?? 0
    this.#lastRecordedAt = Math.max(
      Math.floor(this.settings.clock.now()),
      (row?.[1] as number | undefined) ?? 0,
    )
  }
}
