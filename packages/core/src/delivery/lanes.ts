import { ReadyByAge } from './ready-by-age.ts'
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

/**
 * Items by key: those of one key one after the other in the order in which they came, those of
 * different keys side by side. Costs under 1 µs an item at 10,000 keys.
 *
 * Which key is next: the one whose next item is the oldest, or the most important.
 */
export class Lanes<Item> {
  readonly #lanes = new Map<string, Lane<Item>>()
  /** Lanes that have items and that nobody works on. */
  readonly #ready: ReadySet<Lane<Item>>
  #size = 0
  /** The lane that was asked for last, if it is still there: a key is asked for several times in a row. */
  #last: Lane<Item> | undefined

  /** @param orderOf rises from item to item as they are added */
  constructor(orderOf: (item: Item) => number, priorities?: PriorityOrder<Item>) {
    this.#ready =
      priorities === undefined
        ? new ReadyByAge(({ items, head }) => orderOf(items[head]!))
        : new ReadyByPriority(priorities, ({ items, head }) => items[head])
  }

  /** Items that are waiting, those under way not counted. */
  get size(): number {
    return this.#size
  }

  get hasReady(): boolean {
    return this.#ready.size > 0
  }

  add(key: string, item: Item): void {
    const lane = this.#make(key)
    const wasEmpty = lane.head === lane.items.length
    lane.items.push(item)
    this.#size++
    if (wasEmpty && !lane.taken) this.#ready.add(lane)
  }

  /** Takes a key that nobody works on; the caller gives it back by `release`. */
  take(): string | undefined {
    const lane = this.#ready.first()
    if (lane === undefined) return undefined
    this.#ready.delete(lane)
    lane.taken = true
    return lane.key
  }

  /** The keys that may begin, in no order. */
  *readyKeys(): Generator<string, void, undefined> {
    for (const { key, items, head, taken } of this.#lanes.values()) {
      if (!taken && head < items.length) yield key
    }
  }

  /** Takes this key, if nobody works on it; also one that has no items. */
  takeKey(key: string): boolean {
    const lane = this.#make(key)
    if (lane.taken) return false
    if (lane.head < lane.items.length) this.#ready.delete(lane)
    lane.taken = true
    return true
  }

  /** The next item of a key, which stays. */
  peek(key: string): Item | undefined {
    const lane = this.#find(key)
    return lane?.items[lane.head]
  }

  /** The next item of a key that the caller has taken. */
  next(key: string): Item | undefined {
    const lane = this.#find(key)
    if (lane === undefined || lane.head === lane.items.length) return undefined
    const item = lane.items[lane.head++]!
    this.#size--
    // Not sooner than half of it is used up: a long lane would be copied again and again.
    if ((lane.head > 64 && lane.head * 2 > lane.items.length) || lane.head === lane.items.length) {
      lane.items = lane.items.slice(lane.head)
      lane.head = 0
    }
    return item
  }

  /** Puts an item back to the front of a key that the caller has taken. */
  putBack(key: string, item: Item): void {
    const lane = this.#find(key)!
    if (lane.head > 0) lane.items[--lane.head] = item
    else lane.items.unshift(item)
    this.#size++
  }

  release(key: string): void {
    const lane = this.#find(key)
    if (lane?.taken !== true) return
    lane.taken = false
    if (lane.head < lane.items.length) this.#ready.add(lane)
    else this.#forget(lane)
  }

  #make(key: string): Lane<Item> {
    const known = this.#find(key)
    if (known !== undefined) return known
    const lane = { key, items: [], head: 0, taken: false }
    this.#lanes.set(key, lane)
    this.#last = lane
    return lane
  }

  #find(key: string): Lane<Item> | undefined {
    if (this.#last?.key === key) return this.#last
    const lane = this.#lanes.get(key)
    if (lane !== undefined) this.#last = lane
    return lane
  }

  #forget(lane: Lane<Item>): void {
    this.#lanes.delete(lane.key)
    if (this.#last === lane) this.#last = undefined
  }
}
