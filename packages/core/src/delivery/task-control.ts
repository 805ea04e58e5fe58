import { TimeoutError } from '../errors/queue-errors.ts'
import type { Clock } from '../internal/clock.ts'

/** Thrown into a task that somebody cancelled. */
export class TaskCancelledError extends Error {
  readonly by: string
  readonly reason: string

  constructor(by: string, reason: string) {
    super(`The task was cancelled by ${by}: ${reason}`)
    this.name = 'TaskCancelledError'
    this.by = by
    this.reason = reason
  }
}

export interface ControlParts {
  readonly clock: Clock
  readonly what: string
  readonly timeoutMs: number
  readonly heartbeatMs: number
  /** Whether somebody has asked that it ends early. Looked for once a second. */
  readonly findCancel: () => Promise<{ readonly by: string; readonly reason: string } | undefined>
  /** The process stops, or the time of the whole is over. */
  readonly outer: AbortSignal
}

const LOOK_MS = 1000

/** Watches one attempt of a task: its time, its heartbeat, and whether somebody cancels it. */
export class TaskControl {
  readonly #parts: ControlParts
  readonly #abort = new AbortController()
  readonly #over = new AbortController()
  readonly #ended = Promise.withResolvers<never>()
  #beatMs: number

  constructor(parts: ControlParts) {
    this.#parts = parts
    this.#beatMs = parts.clock.now()
    // Who races it hears of it; without one it is nobody's.
    this.#ended.promise.catch(() => undefined)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  beat(): void {
    this.#beatMs = this.#parts.clock.now()
  }

  cancel(by: string, reason: string): void {
    this.#end(new TaskCancelledError(by, reason))
  }

  /** What the work answers, or why it was ended early. */
  async race<Result>(work: () => Promise<Result>): Promise<Result> {
    const { outer } = this.#parts
    const onOuter = (): void => this.#end(outer.reason as Error)
    if (outer.aborted) onOuter()
    outer.addEventListener('abort', onOuter, { once: true })
    const watching = this.#watch()
    try {
      return await Promise.race([work(), this.#ended.promise])
    } finally {
      outer.removeEventListener('abort', onOuter)
      this.#over.abort()
      await watching
    }
  }

  #end(error: Error): void {
    this.#abort.abort(error)
    this.#ended.reject(error)
  }

  async #watch(): Promise<void> {
    const { clock, timeoutMs, heartbeatMs, what, findCancel } = this.#parts
    const startMs = clock.now()
    while (!this.#over.signal.aborted) {
      const leftMs = Math.min(startMs + timeoutMs, this.#beatMs + heartbeatMs) - clock.now()
      if (leftMs <= 0) {
        const isTimeout = clock.now() >= startMs + timeoutMs
        return this.#end(
          isTimeout
            ? new TimeoutError(what, timeoutMs)
            : new TimeoutError(`The heartbeat of ${what}`, heartbeatMs),
        )
      }
      try {
        await clock.sleep(Math.min(leftMs, LOOK_MS), { signal: this.#over.signal })
        const cancel = await findCancel()
        if (cancel !== undefined) return this.cancel(cancel.by, cancel.reason)
      } catch (error) {
        if (this.#over.signal.aborted) return
        throw error
      }
    }
  }
}
