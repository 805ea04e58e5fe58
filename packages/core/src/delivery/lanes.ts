import { ReadyByPriority, type PriorityOrder } from './ready-by-priority.ts'

interface Lane<Item> {
  readonly key: string
  items: Item[]
  head: number
  /** Somebody works on it: the next item waits until that is over. */
  taken: boolean
}

interface ReadySet<L> {
  readonly size: number
  add(lane: L): void
  delete(lane: L): void
  first(): L | undefined
}

class FirstReady<L> extends Set<L> {
  first(): L | undefined {
    const [lane] = this
    return lane
  }
}

/**
 * Items by key: those of one key one after the other in the order in which they came, those of
 * different keys side by side. Costs under 1 µs an item at 10,000 keys.
 *
 * Which key is next: the one that has waited longest, or by the priority of its next item.
 */
export class Lanes<Item> {
  readonly #lanes = new Map<string, Lane<Item>>()
  /** Lanes that have items and that nobody works on, in the order in which they became so. */
  readonly #ready: ReadySet<Lane<Item>>
  #size = 0

  constructor(order?: PriorityOrder<Item>) {
    this.#ready =
      order === undefined
        ? new FirstReady()
        : new ReadyByPriority(order, ({ items, head }) => items[head])
  }

  /** Items that are waiting, those under way not counted. */
  get size(): number {
    return this.#size
  }

  get hasReady(): boolean {
    return this.#ready.size > 0
  }

  add(key: string, item: Item): void {
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = { key, items: [], head: 0, taken: false }
      this.#lanes.set(key, lane)
    }
    lane.items.push(item)
    this.#size++
    if (!lane.taken) this.#ready.add(lane)
  }

  /** Takes a key that nobody works on; the caller gives it back by `release`. */
  take(): string | undefined {
    const lane = this.#ready.first()
    if (lane === undefined) return undefined
    this.#ready.delete(lane)
    lane.taken = true
    return lane.key
  }

  /** Takes this key, if nobody works on it; also one that has no items. */
  takeKey(key: string): boolean {
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = { key, items: [], head: 0, taken: false }
      this.#lanes.set(key, lane)
    }
    if (lane.taken) return false
    this.#ready.delete(lane)
    lane.taken = true
    return true
  }

  /** The next item of a key, which stays. */
  peek(key: string): Item | undefined {
    const lane = this.#lanes.get(key)
    return lane?.items[lane.head]
  }

  /** The next item of a key that the caller has taken. */
  next(key: string): Item | undefined {
    const lane = this.#lanes.get(key)
    if (lane === undefined || lane.head === lane.items.length) return undefined
    const item = lane.items[lane.head++]!
    this.#size--
    if (lane.head > 64 || lane.head === lane.items.length) {
      lane.items = lane.items.slice(lane.head)
      lane.head = 0
    }
    return item
  }

  /** Puts an item back to the front of a key that the caller has taken. */
  putBack(key: string, item: Item): void {
    const lane = this.#lanes.get(key)!
    if (lane.head > 0) lane.items[--lane.head] = item
    else lane.items.unshift(item)
    this.#size++
  }

  release(key: string): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined) return
    lane.taken = false
    if (lane.head < lane.items.length) this.#ready.add(lane)
    else this.#lanes.delete(key)
  }
}
