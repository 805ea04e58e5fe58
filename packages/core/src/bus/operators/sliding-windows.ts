import type { TumblingOptions } from './tumbling-windows.ts'
import type { WindowOf } from './window-of.ts'

interface Timed<E> {
  readonly event: E
  readonly timeMs: number
}

/**
 * The newest events of each key: as many as the count, and no older than `ms` before the newest.
 * More is never needed to know whether `count` events lie within `ms`. Pure: it is told the time.
 */
export class SlidingWindows<E> {
  readonly #options: TumblingOptions
  /** The key that got an event last stands last. */
  readonly #byKey = new Map<string, Timed<E>[]>()

  constructor(options: TumblingOptions) {
    this.#options = options
  }

  isLate(key: string, timeMs: number): boolean {
    const newest = this.#byKey.get(key)?.at(-1)
    return newest !== undefined && timeMs <= newest.timeMs - this.#options.ms
  }

  /** @returns the window, where the event makes it hold `count` */
  add(event: E, key: string, timeMs: number): WindowOf<E> | undefined {
    const { ms, count, maxKeys } = this.#options
    const held = this.#byKey.get(key) ?? []
    this.#byKey.delete(key)
    this.#byKey.set(key, held)
    if (this.#byKey.size > maxKeys) this.#byKey.delete(this.#byKey.keys().next().value!)
    // In the order of time, behind those of the same time.
    const before = held.findLastIndex((other) => other.timeMs <= timeMs)
    held.splice(before + 1, 0, { event, timeMs })
    const endMs = held.at(-1)!.timeMs
    const gone = held.findIndex((other) => other.timeMs > endMs - ms)
    held.splice(0, Math.max(gone, held.length - count))
    if (held.length < count || !held.some((other) => other.event === event)) return undefined
    const events = held.map((other) => other.event)
    return { key, events, startMs: endMs - ms, endMs, reason: 'count' }
  }
}
