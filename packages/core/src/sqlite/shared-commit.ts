import { StoreError } from '../errors/store-errors.ts'
import type { Connection } from './connection.ts'

/** Transactions that share a commit, at the most: what one failure of the disk would undo. */
const MOST = 32
/** For how long the first of them waits for others at the most, milliseconds; the last is let end. */
const SHARED_MS = 5
/** One that takes longer than this within a shared commit waits for something else, and makes others wait. */
const SLOW_MS = 20
/** For how long nobody shares after that. */
const APART_MS = 10_000

interface Ended {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Transactions that have ended and wait for a commit that is theirs together: one wait for the disk for all
 * of them rather than one each. The first of them begins the transaction of the database, each further one
 * is a savepoint in it, so that one that fails takes back its own and nothing else.
 *
 * empty → open (by `add`; the writer goes to who is next in line) → empty (by `succeed` or `fail`)
 */
export class SharedCommit {
  readonly #connection: Connection
  readonly #location: string
  #ended: Ended[] = []
  #sinceMs = 0
  /** When the one that is under way within it began; infinite where none is. */
  #begunMs = Number.POSITIVE_INFINITY
  #apartUntilMs = 0
  #schemaVersion = -1
  #hasDeferred = false

  constructor(connection: Connection, location: string) {
    this.#connection = connection
    this.#location = location
  }

  get isOpen(): boolean {
    return this.#ended.length > 0
  }

  /** Whether one more may wait in it for those behind it. */
  get takesMore(): boolean {
    if (this.#defersChecks()) return false
    if (this.isOpen) return this.#ended.length < MOST && this.isYoung
    return performance.now() >= this.#apartUntilMs
  }

  /** Whether one more may begin within it: those that fail in a row must not keep it open. */
  get isYoung(): boolean {
    return performance.now() - this.#sinceMs < SHARED_MS
  }

  /** Resolves with the commit. @throws what that fails of */
  add(): Promise<void> {
    if (!this.isOpen) this.#sinceMs = performance.now()
    return new Promise((resolve, reject) => this.#ended.push({ resolve, reject }))
  }

  begin(): void {
    this.#begunMs = performance.now()
    this.#connection.db.exec('savepoint shared')
  }

  /** The one that is under way is to be committed with the others. */
  keep(): void {
    this.#connection.db.exec('release shared')
    this.#noteSlow()
  }

  /** Takes back what the one that is under way did. @returns whether the others are there still */
  undo(): boolean {
    this.#noteSlow()
    const { db } = this.#connection
    // Some errors of SQLite, and `or rollback` of the user's, take back everything by themselves.
    if (!db.isTransaction) return false
    try {
      db.exec('rollback to shared')
      db.exec('release shared')
      return true
    } catch {
      // The disk, say: better nothing of all of them than a part of one that was refused.
      if (db.isTransaction) db.exec('rollback')
      return false
    }
  }

  succeed(): void {
    for (const { resolve } of this.#take()) resolve()
  }

  fail(error: unknown): void {
    for (const { reject } of this.#take()) reject(error)
  }

  /** One of them has taken back all. */
  undone(): void {
    this.fail(
      new StoreError(
        'TIDINGS_STORE_FAILED',
        this.#location,
        `${this.#location}: the database took back this transaction with another one that failed, since both were to be committed together. Nothing of it is stored. Try again.`,
        { retryable: true },
      ),
    )
  }

  #take(): readonly Ended[] {
    this.#noteSlow()
    const ended = this.#ended
    if (ended.length > 0) this.#ended = []
    return ended
  }

  /** Whoever waits for something else than the database within it makes those wait who have ended. */
  #noteSlow(): void {
    const nowMs = performance.now()
    if (nowMs - this.#begunMs > SLOW_MS) this.#apartUntilMs = nowMs + APART_MS
    this.#begunMs = Number.POSITIVE_INFINITY
  }

  /**
   * A foreign key that is checked at the commit would fail all of them for one. Asked for again only when
   * the tables have changed. Temporary ones are not counted by the file: they are looked for each time.
   */
  #defersChecks(): boolean {
    const version = this.#connection.rows('pragma schema_version').get()?.[0] as number
    if (version !== this.#schemaVersion) {
      this.#hasDeferred = this.#defersIn('sqlite_schema')
      this.#schemaVersion = version
    }
    return this.#hasDeferred || this.#defersIn('sqlite_temp_schema')
  }

  #defersIn(schema: string): boolean {
    const sql = `select 1 from ${schema} where sql like '%deferr%' limit 1`
    return this.#connection.rows(sql).get() !== undefined
  }
}
