import type { Clock } from '../internal/clock.ts'
import type { ReadSide } from './reader.ts'

interface Waiter {
  readonly position: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const BUSY_MS = 5
const IDLE_MS = 250
/** Made once: an abort without a reason makes a DOMException with a stack, 20 µs for each event that comes singly. */
const NOBODY_WAITS = new Error('Nobody waits for the log to go on')
const BUSY_AGAIN = new Error('Somebody waits for the log to go on again')

/**
 * Wakes those who wait for the log to go on: at once for what this process commits; for others'
 * commits it asks SQLite whether the file has changed (2 µs), every 5 ms while there are any and up to
 * every 250 ms while there are none. With nobody waiting there is no timer.
 *
 * still ⇄ watching (somebody waits) → ended
 */
export class LogWatch {
  readonly #side: ReadSide
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()
  #watching: AbortController | undefined
  #fileVersion = -1
  #delayMs = BUSY_MS
  #isResting = false
  /** The end of the log when it was last heard of; others may have moved it since. */
  #told = 0

  constructor(side: ReadSide, clock: Clock) {
    this.#side = side
    this.#clock = clock
  }

  /** Resolves when the log is beyond a position. @throws the signal's reason */
  async wait(position: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#told > position) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { position, resolve, reject }
    const onAbort = (): void => reject(signal?.reason)
    this.#waiters.add(waiter)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#watch()
    try {
      await promise
    } finally {
      this.#waiters.delete(waiter)
      signal?.removeEventListener('abort', onAbort)
      if (this.#waiters.size === 0) this.#rest()
    }
  }

  /** The log has gone on to this position. */
  advanced(head: number): void {
    this.#told = Math.max(this.#told, head)
    for (const waiter of this.#waiters) if (head > waiter.position) waiter.resolve()
  }

  readHead(): Promise<number> {
    return this.#side.read(() => readHead(this.#side))
  }

  end(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#watching?.abort(NOBODY_WAITS)
  }

  /**
   * Looks no more where nobody waits at the end of the turn. Whoever follows the log waits again before
   * that, after each event that comes singly: a new watch for each cost more than its reading.
   */
  #rest(): void {
    if (this.#isResting) return
    this.#isResting = true
    setImmediate(() => {
      this.#isResting = false
      if (this.#waiters.size === 0) this.#watching?.abort(NOBODY_WAITS)
    })
  }

  #watch(): void {
    if (this.#watching !== undefined) {
      // Something happens again: it begins anew, and looks often.
      if (this.#delayMs > 2 * BUSY_MS) this.#watching.abort(BUSY_AGAIN)
      return
    }
    const watching = new AbortController()
    this.#watching = watching
    // Looked at from the beginning: nobody did while nobody waited.
    this.#fileVersion = -1
    void this.#poll(watching.signal).catch((error: unknown) => {
      this.#watching = undefined
      if (watching.signal.aborted) {
        if (this.#waiters.size > 0) this.#watch()
      } else {
        for (const waiter of this.#waiters) waiter.reject(error)
      }
    })
  }

  async #poll(signal: AbortSignal): Promise<never> {
    this.#delayMs = BUSY_MS
    for (;;) {
      signal.throwIfAborted()
      if (await this.#side.read(() => this.#changed())) {
        this.advanced(await this.readHead())
        this.#delayMs = BUSY_MS
      }
      await this.#clock.sleep(this.#delayMs, { signal })
      this.#delayMs = Math.min(IDLE_MS, this.#delayMs * 1.5)
    }
  }

  /** SQLite counts commits of other connections; the writer of this process is one too. */
  #changed(): boolean {
    const row = this.#side.connection.rows('pragma data_version').get()
    const version = row?.[0] as number
    if (version === this.#fileVersion) return false
    this.#fileVersion = version
    return true
  }
}

export function readHead({ connection }: Pick<ReadSide, 'connection'>): number {
  return (connection.rows('select max(position) from event_log').get()?.[0] as number | null) ?? 0
}
