import pg from 'pg'

import type { PostgresSettings } from './options.ts'

/** After a failure, how long until it is tried again: meanwhile the log is asked. */
const RETRY_MS = 5000

/**
 * Hears what other processes say of a log. It has a connection of its own, which is opened when somebody
 * first waits.
 *
 * silent → listening → silent (the connection was cut) → … → closed
 */
export class LogListener {
  readonly #settings: PostgresSettings
  #client: pg.Client | undefined
  #connecting: Promise<boolean> | undefined
  #retryAt = Number.NEGATIVE_INFINITY
  #said = 0
  #closed = false
  readonly #waiting = new Set<(position: number) => void>()

  constructor(settings: PostgresSettings) {
    this.#settings = settings
  }

  /**
   * Opens the connection if there is none, and forgets what was told before: whoever asks looks at the log
   * next. Anybody may say any position, and one that is never reached would have it looked at without end.
   *
   * @returns whether others are heard from here on
   */
  async ready(): Promise<boolean> {
    this.#said = 0
    if (this.#client !== undefined) return true
    if (this.#closed || this.#settings.clock.now() < this.#retryAt) return false
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  /** Resolves when something beyond a position, as it is then, was told, or the connection is gone. */
  heard(position: () => number, signal: AbortSignal): Promise<void> {
    if (this.#said > position() || this.#client === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(hear)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const hear = (said: number): void => {
        if (said > position()) done()
      }
      this.#waiting.add(hear)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#connecting
    const client = this.#client
    this.#lost()
    // One that is cut already has nothing left to say.
    await client?.end().catch(() => undefined)
  }

  /** Nobody needs it: where it cannot be had the log is asked, so its errors have no reader. */
  async #connect(): Promise<boolean> {
    const { connection, connectTimeoutMs } = this.#settings
    const client = new pg.Client({ connectionTimeoutMillis: connectTimeoutMs, ...connection })
    client.on('error', () => this.#lost(client))
    client.on('end', () => this.#lost(client))
    client.on('notification', ({ payload }) => this.#hear(Number(payload)))
    try {
      await client.connect()
      await client.query(`listen ${this.#settings.quoted}`)
      this.#client = client
      return true
    } catch {
      // Whoever waits asks the log meanwhile: later, and nothing is missed.
      this.#retryAt = this.#settings.clock.now() + RETRY_MS
      // It may never have been connected, and then has nothing to end.
      await client.end().catch(() => undefined)
      return false
    }
  }

  #hear(position: number): void {
    if (!(position > this.#said)) return
    this.#said = position
    this.#wake(position)
  }

  #lost(client = this.#client): void {
    if (client !== this.#client) return
    this.#client = undefined
    this.#wake(Infinity)
  }

  #wake(position: number): void {
    for (const hear of this.#waiting) hear(position)
  }
}
