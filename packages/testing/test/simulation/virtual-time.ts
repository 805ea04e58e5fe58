interface Alarm {
  readonly dueMs: number
  /** Alarms of the same time ring in the order in which they were set. */
  readonly order: number
  readonly ring: () => void
}

/**
 * The true time of a simulated world: it stands still while anything runs, and jumps to the next alarm
 * when nothing can run any more. A minute costs what happens in it.
 */
export class VirtualTime {
  /** Sorted, the latest first: the next one is taken from the end. */
  readonly #alarms: Alarm[] = []
  #nowMs: number
  #order = 0

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** @returns what takes the alarm back */
  at(dueMs: number, ring: () => void): () => void {
    // Whole milliseconds, never early: as timers are.
    const alarm = { dueMs: Math.max(Math.ceil(dueMs), this.#nowMs), order: this.#order++, ring }
    this.#alarms.splice(this.#placeOf(alarm), 0, alarm)
    return () => this.#remove(alarm)
  }

  after(delayMs: number, ring: () => void): () => void {
    return this.at(this.#nowMs + delayMs, ring)
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve))
  }

  /** Lets time pass until `isOver` says so, or a time has come. @returns whether `isOver` said so */
  async run(isOver: () => boolean, untilMs: number): Promise<boolean> {
    for (;;) {
      await settle()
      if (isOver()) return true
      const next = this.#alarms.at(-1)
      if (next === undefined || next.dueMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs)
        return false
      }
      this.#alarms.pop()
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.ring()
    }
  }

  #placeOf({ dueMs, order }: Alarm): number {
    let low = 0
    let high = this.#alarms.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#alarms[middle]!
      const isLater = other.dueMs > dueMs || (other.dueMs === dueMs && other.order > order)
      if (isLater) low = middle + 1
      else high = middle
    }
    return low
  }

  #remove(alarm: Alarm): void {
    const index = this.#placeOf(alarm)
    if (this.#alarms[index] === alarm) this.#alarms.splice(index, 1)
  }
}

/** Lets everything run that waits for no more than promises. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** What nobody will ever hear of. */
export function never<Result>(): Promise<Result> {
  return new Promise(() => undefined)
}
