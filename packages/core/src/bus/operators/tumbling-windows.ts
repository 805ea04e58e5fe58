import type { WindowOf } from './window-of.ts'

export interface TumblingOptions {
  readonly ms: number
  readonly count: number
  readonly maxKeys: number
}

/**
 * Events by the stretch of time and the key that they belong to. Stretches are `ms` long, begin at
 * multiples of it, and hold their beginning, not their end. Pure: it is told what time it is.
 */
export class TumblingWindows<E> {
  readonly #options: TumblingOptions
  /** By start, then by key. Few starts: those that may still get events. */
  readonly #open = new Map<number, Map<string, E[]>>()
  #groups = 0
  #passedMs = Number.NEGATIVE_INFINITY

  constructor(options: TumblingOptions) {
    this.#options = options
  }

  startOf(timeMs: number): number {
    return Math.floor(timeMs / this.#options.ms) * this.#options.ms
  }

  /** Whether the window of a time has closed. */
  isLate(timeMs: number): boolean {
    return this.startOf(timeMs) + this.#options.ms <= this.#passedMs
  }

  /** When the earliest open window ends. */
  get nextEndMs(): number | undefined {
    if (this.#open.size === 0) return undefined
    return Math.min(...this.#open.keys()) + this.#options.ms
  }

  /** @returns the window that the event filled, and those that had to go to make room */
  add(event: E, key: string, timeMs: number): { filled?: WindowOf<E>; evicted: WindowOf<E>[] } {
    const startMs = this.startOf(timeMs)
    const evicted = this.#open.get(startMs)?.has(key) === true ? [] : this.#makeRoom()
    let keys = this.#open.get(startMs)
    if (keys === undefined) this.#open.set(startMs, (keys = new Map<string, E[]>()))
    let events = keys.get(key)
    if (events === undefined) {
      keys.set(key, (events = []))
      this.#groups++
    }
    events.push(event)
    if (events.length < this.#options.count) return { evicted }
    return { filled: this.#take(startMs, key, 'count'), evicted }
  }

  /** Closes the windows that end by then, the earliest first. */
  pass(timeMs: number, reason: WindowOf<E>['reason'] = 'end'): WindowOf<E>[] {
    this.#passedMs = Math.max(this.#passedMs, timeMs)
    const { ms } = this.#options
    const closing = [...this.#open.keys()].filter((startMs) => startMs + ms <= timeMs)
    return closing
      .sort((a, b) => a - b)
      .flatMap((startMs) =>
        [...this.#open.get(startMs)!.keys()].map((key) => this.#take(startMs, key, reason)),
      )
  }

  /** Takes out all that is held, and goes on: windows that were cut short may get more events. */
  empty(): WindowOf<E>[] {
    const passedMs = this.#passedMs
    const all = this.pass(Number.POSITIVE_INFINITY, 'close')
    this.#passedMs = passedMs
    return all
  }

  #makeRoom(): WindowOf<E>[] {
    if (this.#groups < this.#options.maxKeys) return []
    const startMs = Math.min(...this.#open.keys())
    const [key] = this.#open.get(startMs)!.keys()
    return [this.#take(startMs, key!, 'full')]
  }

  #take(startMs: number, key: string, reason: WindowOf<E>['reason']): WindowOf<E> {
    const keys = this.#open.get(startMs)!
    const events = keys.get(key)!
    keys.delete(key)
    this.#groups--
    if (keys.size === 0) this.#open.delete(startMs)
    return { key, events, startMs, endMs: startMs + this.#options.ms, reason }
  }
}
