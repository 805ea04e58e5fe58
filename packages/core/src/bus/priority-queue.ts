import { Ring } from './ring.ts'

/** Priorities that may be kept without an item: who makes them of times must not fill the memory. */
const KEPT_LEVELS = 100

/**
 * Items by priority, first in, first out within one: a ring per priority. With the few that programs
 * use, adding and taking cost a tenth of a heap's; a new priority costs a place in a sorted list.
 */
export class PriorityQueue<Item> {
  readonly #rings = new Map<number, Ring<Item>>()
  /** The priorities there are, highest first, empty ones too. */
  #levels: number[] = []
  /** No item is in a level before this one. */
  #first = 0
  #size = 0
  /** With so many levels the empty ones are forgotten before another is added. */
  #mostLevels = KEPT_LEVELS

  get size(): number {
    return this.#size
  }

  push(item: Item, priority: number): void {
    const ring = this.#rings.get(priority) ?? this.#addLevel(priority)
    ring.push(item)
    this.#size++
    if (this.#first > 0 && priority > (this.#levels[this.#first] ?? Number.NEGATIVE_INFINITY)) {
      this.#first = this.#levels.indexOf(priority)
    }
  }

  /** The oldest item of the highest priority. */
  shift(): Item | undefined {
    for (; this.#first < this.#levels.length; this.#first++) {
      const item = this.#rings.get(this.#levels[this.#first]!)!.shift()
      if (item === undefined) continue
      this.#size--
      return item
    }
    this.#first = 0
    return undefined
  }

  /** The oldest item of the lowest priority, taken out. */
  dropLowest(): Item | undefined {
    for (let index = this.#levels.length - 1; index >= 0; index--) {
      const item = this.#rings.get(this.#levels[index]!)!.shift()
      if (item === undefined) continue
      this.#size--
      return item
    }
    return undefined
  }

  /** The lowest priority that an item has; undefined when there is none. */
  get lowest(): number | undefined {
    return this.#levels.findLast((level) => this.#rings.get(level)!.size > 0)
  }

  /** The first item of each priority, highest first. */
  *heads(): Generator<{ readonly priority: number; readonly item: Item }> {
    for (const priority of this.#levels) {
      const item = this.#rings.get(priority)!.peek()
      if (item !== undefined) yield { priority, item }
    }
  }

  /** Takes the first item of one priority out. */
  shiftFrom(priority: number): Item | undefined {
    const item = this.#rings.get(priority)?.shift()
    if (item !== undefined) this.#size--
    return item
  }

  /** The limit grows with those that stay, so that each is looked at for once that one is added. */
  #forgetEmptyLevels(): void {
    this.#levels = this.#levels.filter((level) => {
      const isUsed = this.#rings.get(level)!.size > 0
      if (!isUsed) this.#rings.delete(level)
      return isUsed
    })
    this.#mostLevels = Math.max(KEPT_LEVELS, 2 * this.#levels.length)
  }

  #addLevel(priority: number): Ring<Item> {
    if (this.#levels.length >= this.#mostLevels) this.#forgetEmptyLevels()
    const ring = new Ring<Item>()
    this.#rings.set(priority, ring)
    const at = this.#levels.findIndex((level) => level < priority)
    this.#levels = at === -1 ? [...this.#levels, priority] : this.#levels.toSpliced(at, 0, priority)
    this.#first = 0
    return ring
  }
}
