/** What a lane is begun by, where priorities count. */
export interface PriorityOrder<Item> {
  /** Higher ones first. */
  readonly priorityOf: (item: Item) => number
  /** Since when it waits, milliseconds since the epoch. */
  readonly sinceMs: (item: Item) => number
  /** An item rises by one priority for each of these milliseconds that it waits; Infinity: never. */
  readonly agingMs: number
  readonly now: () => number
}

/**
 * Lanes that may begin, the one with the highest priority first, and first in, first out within one.
 * Has of a `Set` what `Lanes` needs. The queue of the bus cannot give up an item in its middle, which
 * a parked event of the same key asks for.
 *
 * A lane is known by its next item, which nobody changes while the lane is in here.
 */
export class ReadyByPriority<Lane, Item> {
  readonly #order: PriorityOrder<Item>
  readonly #next: (lane: Lane) => Item | undefined
  readonly #levels = new Map<number, Set<Lane>>()
  /** The priorities that there are now, highest first. */
  #priorities: number[] = []
  #size = 0

  constructor(order: PriorityOrder<Item>, next: (lane: Lane) => Item | undefined) {
    this.#order = order
    this.#next = next
  }

  get size(): number {
    return this.#size
  }

  add(lane: Lane): void {
    const priority = this.#order.priorityOf(this.#next(lane) as Item)
    const level = this.#levels.get(priority) ?? this.#addLevel(priority)
    const before = level.size
    level.add(lane)
    this.#size += level.size - before
  }

  delete(lane: Lane): void {
    const next = this.#next(lane)
    // A lane that is empty is in no level.
    if (next === undefined) return
    const priority = this.#order.priorityOf(next)
    const level = this.#levels.get(priority)
    if (level?.delete(lane) !== true) return
    this.#size--
    if (level.size > 0) return
    this.#levels.delete(priority)
    this.#priorities = this.#priorities.filter((one) => one !== priority)
  }

  first(): Lane | undefined {
    const { agingMs } = this.#order
    const [highest] = this.#priorities
    if (highest === undefined) return undefined
    if (agingMs === Number.POSITIVE_INFINITY) return this.#firstOf(highest)
    return this.#firstAged(agingMs)
  }

  /** Within a priority the first one has waited longest, so only the first ones are compared. */
  #firstAged(agingMs: number): Lane | undefined {
    const nowMs = this.#order.now()
    let best: { readonly lane: Lane; readonly rank: number; readonly sinceMs: number } | undefined
    for (const priority of this.#priorities) {
      const lane = this.#firstOf(priority)
      const sinceMs = this.#order.sinceMs(this.#next(lane) as Item)
      // A clock that jumps back makes nobody younger than new.
      const rank = priority + Math.floor(Math.max(0, nowMs - sinceMs) / agingMs)
      if (best === undefined || rank > best.rank || (rank === best.rank && sinceMs < best.sinceMs))
        best = { lane, rank, sinceMs }
    }
    return best?.lane
  }

  #firstOf(priority: number): Lane {
    const [lane] = this.#levels.get(priority) as Set<Lane>
    return lane as Lane
  }

  #addLevel(priority: number): Set<Lane> {
    const level = new Set<Lane>()
    this.#levels.set(priority, level)
    const at = this.#priorities.findIndex((one) => one < priority)
    this.#priorities =
      at === -1 ? [...this.#priorities, priority] : this.#priorities.toSpliced(at, 0, priority)
    return level
  }
}
