import type { Clock } from '../internal/clock.ts'

/** Something that must be over by a time. */
export interface Watched {
  /** Milliseconds since the epoch; set when the watching begins. */
  dueMs: number
  /** Its time is over. */
  expire(): void
}

/**
 * Watches many pieces of work that all get the same time, by one timer: a timer each costs 1 µs, and
 * nearly none of them ever fires.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #limitMs: number
  /** In order of beginning, and so of ending. */
  readonly #watched = new Set<Watched>()
  #timer: AbortController | undefined

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock
    this.#limitMs = limitMs
  }

  /** Until `unwatch`. Several at a time, but none twice. */
  watch(work: Watched): void {
    if (this.#limitMs === Number.POSITIVE_INFINITY) return
    work.dueMs = this.#clock.now() + this.#limitMs
    this.#watched.add(work)
    if (this.#timer === undefined) void this.#run()
  }

  unwatch(work: Watched): void {
    this.#watched.delete(work)
  }

  /** Watches nothing any more. */
  stop(): void {
    this.#watched.clear()
    this.#timer?.abort()
  }

  async #run(): Promise<void> {
    const timer = new AbortController()
    this.#timer = timer
    for (;;) {
      const [first] = this.#watched
      // While there is work one timer always runs: it looks at what is first when it wakes.
      const waitMs = first === undefined ? this.#limitMs : first.dueMs - this.#clock.now()
      if (waitMs <= 0) {
        this.#watched.delete(first!)
        first!.expire()
        continue
      }
      if (first === undefined) break
      try {
        await this.#clock.sleep(waitMs, { signal: timer.signal })
      } catch (error) {
        if (timer.signal.aborted) break
        throw error
      }
    }
    this.#timer = undefined
  }
}
