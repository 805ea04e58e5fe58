import type { Connections } from './connections.ts'
import type { LogListener } from './log-listener.ts'
import type { PostgresSettings } from './options.ts'

interface Waiter {
  readonly position: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const BUSY_MS = 5
const IDLE_MS = 250
/** While another process would say so itself, the question is only a safety net. */
const LISTENING_MS = 1000
/** Other processes are told at most this often: NOTIFY takes a lock of the whole cluster at each commit. */
const NOTIFY_MS = 10
/** Where the server is so busy that it takes long, a fifth of the time goes into telling, at the most. */
const NOTIFY_SHARE = 4
/** Made once: an abort without a reason makes an error with a stack. */
const OVER = new Error('The pause is over')

/**
 * Wakes those who wait for the log to go on: at once for what this process commits; for others' commits
 * by NOTIFY, and by asking for the end of the log, every 5 ms while it goes on and up to every 250 ms
 * while it does not (every second where NOTIFY works). With nobody waiting there is neither. Whoever
 * watches also sees what was deferred and has nobody who appends it.
 *
 * still ⇄ watching (somebody waits, or did a pause ago) → ended
 */
export class LogWatch {
  readonly #settings: PostgresSettings
  readonly #connections: Connections
  readonly #listener: LogListener | undefined
  readonly #onDeferred: () => void
  readonly #waiters = new Set<Waiter>()
  #head = 0
  #isWatching = false
  /** Whether this process has appended since somebody last began to wait: the end of the log is known. */
  #isFresh = false
  #endPause: (() => void) | undefined
  #telling: Promise<void> | undefined
  #told = 0
  readonly #ending = new AbortController()

  constructor(
    settings: PostgresSettings,
    connections: Connections,
    listener: LogListener | undefined,
    onDeferred: () => void,
  ) {
    this.#settings = settings
    this.#connections = connections
    this.#listener = listener
    this.#onDeferred = onDeferred
  }

  /** The end of the log as far as it is known here; it may have gone on. */
  get head(): number {
    return this.#head
  }

  /** Resolves when the log is beyond a position. @throws the signal's reason */
  async wait(position: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#head > position) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { position, resolve, reject }
    const onAbort = (): void => reject(signal?.reason)
    // What it would find at once, the answer of an append has just said.
    const looks = this.#waiters.size === 0 && !this.#isFresh
    this.#isFresh = false
    this.#waiters.add(waiter)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (looks) this.#endPause?.()
    this.#watch()
    try {
      await promise
    } finally {
      this.#waiters.delete(waiter)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** This process has committed up to here. */
  appended(position: number): void {
    this.#advance(position)
    this.#isFresh = true
    if (!this.#settings.listen || this.#ending.signal.aborted) return
    this.#telling ??= this.#tell()
  }

  async readHead(): Promise<number> {
    const sql = `select ${this.#headSql()}`
    const rows = await this.#connections.read((session) => session.rows(sql))
    const head = rows[0]?.[0] as number
    this.#advance(head)
    return head
  }

  /** As `readHead`, and whether a transaction of another library left something to be appended. */
  async #look(): Promise<number> {
    const deferred = `select from ${this.#settings.quoted}.deferred_appends where refused is null`
    const sql = `select ${this.#headSql()}, exists (${deferred})`
    const rows = await this.#connections.read((session) => session.rows(sql))
    const [head, hasDeferred] = rows[0] as readonly [number, boolean]
    this.#advance(head)
    if (hasDeferred) this.#onDeferred()
    return head
  }

  #headSql(): string {
    return `(select coalesce(max(position), 0) from ${this.#settings.quoted}.event_log)`
  }

  /** Lets go of those who wait, and ends what was begun for them. */
  async end(error: Error): Promise<void> {
    this.#ending.abort()
    for (const waiter of this.#waiters) waiter.reject(error)
    await this.#telling
    await this.#listener?.close()
  }

  #advance(head: number): void {
    if (head <= this.#head) return
    this.#head = head
    for (const waiter of this.#waiters) if (head > waiter.position) waiter.resolve()
  }

  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    void this.#poll().then(
      () => {
        this.#isWatching = false
        // Some may have come since the last look.
        if (this.#waiters.size > 0 && !this.#ending.signal.aborted) this.#watch()
      },
      (error: unknown) => {
        this.#isWatching = false
        for (const waiter of this.#waiters) waiter.reject(error)
      },
    )
  }

  /**
   * Looks while somebody waits. Whoever comes right after an append of this process joins the pause: those who
   * handle what it appends wait anew after each event, and would each begin with a look.
   */
  async #poll(): Promise<void> {
    const { signal } = this.#ending
    let seen = this.#head
    for (let delayMs = BUSY_MS; this.#waiters.size > 0;) {
      signal.throwIfAborted()
      // First to hear, then to look: what is appended in between is heard.
      const listening = (await this.#listener?.ready()) ?? false
      if (this.#waiters.size === 0) return
      await this.#look()
      delayMs = this.#head > seen ? BUSY_MS : Math.min(IDLE_MS, delayMs * 1.5)
      seen = this.#head
      await this.#pause(listening ? LISTENING_MS : delayMs, signal)
    }
  }

  /** For a while, or until another process says that it has appended. */
  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const either = AbortSignal.any([over.signal, signal])
    // Ends by itself or with the signal, which the caller looks at.
    const sleeping = this.#settings.clock.sleep(delayMs, { signal: either }).catch(() => undefined)
    const ways: Promise<unknown>[] = [sleeping]
    if (delayMs === LISTENING_MS && this.#listener !== undefined) {
      // What this process says itself comes back to it, and is known.
      ways.push(this.#listener.heard(() => this.#head, either))
    }
    ways.push(new Promise<void>((resolve) => (this.#endPause = resolve)))
    await Promise.race(ways)
    this.#endPause = undefined
    over.abort(OVER)
  }

  /** What could not be told is found by asking: a failure costs others some milliseconds, and nothing else. */
  async #tell(): Promise<void> {
    const { clock, schema } = this.#settings
    try {
      while (this.#told < this.#head) {
        this.#told = this.#head
        const startMs = clock.now()
        await this.#connections.write((session) =>
          session.rows('select pg_notify($1, $2)', [schema, String(this.#told)]),
        )
        // At the end at once: what came last would else be heard of a second later.
        const tookMs = clock.now() - startMs
        const pauseMs = Math.min(IDLE_MS, Math.max(NOTIFY_MS, tookMs * NOTIFY_SHARE))
        await clock.sleep(pauseMs, { signal: this.#ending.signal }).catch(() => undefined)
      }
    } catch {
      // See above.
    } finally {
      this.#telling = undefined
    }
  }
}
