import { TimeoutError } from '../errors/queue-errors.ts'
import { patientClock, type Clock } from '../internal/clock.ts'
import { Interruption } from './interruption.ts'

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

/** How long attempts may take, milliseconds; the same for all of a worker. */
export interface TaskLimits {
  readonly timeoutMs: number
  /** Without a word. */
  readonly heartbeatMs: number
}

export interface ControlParts extends TaskLimits {
  readonly clock: Clock
  readonly what: string
  /** Whether somebody has asked that it ends early. Looked for once a second. */
  readonly findCancel: () => Promise<{ readonly by: string; readonly reason: string } | undefined>
  /** The process stops, or the time of the whole is over. */
  readonly outer: AbortSignal
  /** A look failed; there is another one in a second. */
  readonly onError: (error: unknown) => void
}

const LOOK_MS = 1000
/** Made once: without a reason each abort makes an error with its stack. */
const OVER = new Error('No task runs')

/** One attempt of a task: its time, its heartbeat, and whether somebody cancels it. */
export class TaskControl {
  readonly #parts: ControlParts
  readonly #interruption = new Interruption()
  readonly #startMs: number
  #beatMs: number
  #lookedMs: number

  constructor(parts: ControlParts) {
    this.#parts = parts
    this.#startMs = parts.clock.now()
    this.#beatMs = this.#startMs
    this.#lookedMs = this.#startMs
  }

  get signal(): AbortSignal {
    return this.#interruption.signal
  }

  beat(): void {
    this.#beatMs = this.#parts.clock.now()
  }

  cancel(by: string, reason: string): void {
    this.#interruption.interrupt(new TaskCancelledError(by, reason))
  }

  /** What the work answers, or why it was ended early. */
  async race<Result>(work: () => Promise<Result>): Promise<Result> {
    const { outer } = this.#parts
    const onOuter = (): void => this.#interruption.interrupt(outer.reason as Error)
    if (outer.aborted) onOuter()
    outer.addEventListener('abort', onOuter, { once: true })
    try {
      return await this.#interruption.race(work())
    } finally {
      outer.removeEventListener('abort', onOuter)
    }
  }

  /** Ends it where its time is over, else looks whether somebody cancels it. @returns when to check again */
  check(): number {
    const { clock, timeoutMs, heartbeatMs, what } = this.#parts
    const nowMs = clock.now()
    if (this.#interruption.error !== undefined) return nowMs + LOOK_MS
    if (nowMs >= this.#startMs + timeoutMs) {
      this.#interruption.interrupt(new TimeoutError(what, timeoutMs))
    } else if (nowMs >= this.#beatMs + heartbeatMs) {
      this.#interruption.interrupt(new TimeoutError(`The heartbeat of ${what}`, heartbeatMs))
    } else if (nowMs >= this.#lookedMs + LOOK_MS) {
      this.#lookedMs = nowMs
      void this.#look()
    }
    return Math.min(this.#startMs + timeoutMs, this.#beatMs + heartbeatMs, this.#lookedMs + LOOK_MS)
  }

  async #look(): Promise<void> {
    const { findCancel, onError } = this.#parts
    try {
      const cancel = await findCancel()
      if (cancel !== undefined) this.cancel(cancel.by, cancel.reason)
    } catch (error) {
      // A store in trouble is no reason for work to fail that does not need it now.
      onError(error)
    }
  }
}

/** Watches the attempts that a worker has under way, by one timer: nearly none of them is ever late. */
export class TaskWatch {
  readonly #clock: Clock
  /** Whatever begins while the timer waits is due no sooner than after this. */
  readonly #longestMs: number
  readonly #running = new Set<TaskControl>()
  #timer: AbortController | undefined

  constructor({ timeoutMs, heartbeatMs }: TaskLimits, clock: Clock) {
    this.#clock = patientClock(clock)
    this.#longestMs = Math.min(LOOK_MS, timeoutMs, heartbeatMs)
  }

  began(control: TaskControl): void {
    this.#running.add(control)
    if (this.#timer === undefined) void this.#run()
  }

  ended(control: TaskControl): void {
    this.#running.delete(control)
    if (this.#running.size > 0) return
    this.#timer?.abort(OVER)
    this.#timer = undefined
  }

  async #run(): Promise<void> {
    const timer = new AbortController()
    this.#timer = timer
    let waitMs = this.#longestMs
    while (!timer.signal.aborted) {
      try {
        await this.#clock.sleep(waitMs, { signal: timer.signal })
      } catch (error) {
        if (timer.signal.aborted) return
        throw error
      }
      const nextMs = Math.min(...Array.from(this.#running, (control) => control.check()))
      waitMs = Math.max(0, Math.min(this.#longestMs, nextMs - this.#clock.now()))
    }
  }
}
