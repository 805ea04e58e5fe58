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

  constructor(side: ReadSide, clock: Clock) {
    this.#side = side
    this.#clock = clock
  }

  /** Resolves when the log is beyond a position. @throws the signal's reason */
  async wait(position: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if ((await this.readHead()) > position) return
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
      if (this.#waiters.size === 0) this.#watching?.abort(NOBODY_WAITS)
    }
  }

  /** The log has gone on to this position. */
  advanced(head: number): void {
    for (const waiter of this.#waiters) if (head > waiter.position) waiter.resolve()
  }

  readHead(): Promise<number> {
    return this.#side.read(() => readHead(this.#side))
  }

  end(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#watching?.abort(NOBODY_WAITS)
  }

  #watch(): void {
    if (this.#watching !== undefined) return
    const watching = new AbortController()
    this.#watching = watching
    // Asked once more at the beginning: an append may have come between the look and the waiting.
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
    for (let delayMs = BUSY_MS; ; delayMs = Math.min(IDLE_MS, delayMs * 1.5)) {
      signal.throwIfAborted()
      if (await this.#side.read(() => this.#changed())) {
        this.advanced(await this.readHead())
        delayMs = BUSY_MS
      }
      await this.#clock.sleep(delayMs, { signal })
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
