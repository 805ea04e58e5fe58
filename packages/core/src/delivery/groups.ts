import { Arrivals } from './arrivals.ts'
import { GroupFailure } from './attempt.ts'
import { toEvent, type Item } from './item.ts'
import type { Lanes } from './lanes.ts'
import type { ParkedIndex } from './parked-index.ts'

/** Events that share a transaction, where all that is done about them is in the database. */
export const GROUP = 250

/** With one failure in so many it is those events that fail, and not what all of them need. */
const FEW = 10

/** Events that are handled in one transaction. */
export interface Group {
  /** In the order of the log. */
  readonly items: readonly Item[]
  /** The same by key. */
  readonly lanes: ReadonlyMap<string, readonly Item[]>
  /**
   * Instead of events: the key, taken, of one that must go alone and was read before all others. Left
   * for last, such events would hold the mark back, and be looked at anew for each group.
   */
  readonly alone?: string
}

export interface GroupsParts {
  readonly lanes: Lanes<Item>
  readonly index: ParkedIndex
  /** Events a second, at the most. */
  readonly rate: number
}

/**
 * Takes what was read first, across the keys: a group of neighbours moves the mark in one step, where
 * the next of each key would leave holes behind it (and a row for each event that ran ahead).
 */
export class Groups {
  readonly #parts: GroupsParts
  readonly #arrivals = new Arrivals<Item>()

  constructor(parts: GroupsParts) {
    this.#parts = parts
  }

  add(item: Item): void {
    this.#arrivals.add(item)
  }

  done(item: Item): void {
    this.#arrivals.done(item)
  }

  /** The next group; an empty one where an event goes alone first, or where there is nothing. */
  take(): Group {
    const { lanes, rate } = this.#parts
    // With a rate no more than it allows in a second: a group begins all at once.
    const most = Math.max(1, Math.min(GROUP, Math.floor(rate)))
    const passed = new Set<string>()
    const items: Item[] = []
    const taken = new Map<string, Item[]>()
    for (const item of this.#arrivals.from()) {
      const { key } = item.plan
      if (passed.has(key)) continue
      const goesAlone = !this.#fitsGroup(item)
      if (goesAlone && items.length === 0 && lanes.takeKey(key)) {
        return { items, lanes: taken, alone: key }
      }
      if (goesAlone || !this.#joinsGroup(item, taken)) passed.add(key)
      else if (items.push(item) === most) break
    }
    return { items, lanes: taken }
  }

  #fitsGroup({ isSingle, plan: { kind, key } }: Item): boolean {
    return !isSingle && kind === 'handle' && !this.#parts.index.has(key)
  }

  /** Takes an item if it may be in the group that is put together. */
  #joinsGroup(item: Item, taken: Map<string, Item[]>): boolean {
    const { key } = item.plan
    const items = taken.get(key)
    if (items === undefined && !this.#parts.lanes.takeKey(key)) return false
    if (this.#parts.lanes.peek(key) !== item) {
      if (items === undefined) this.#parts.lanes.release(key)
      return false
    }
    this.#parts.lanes.next(key)
    if (items === undefined) taken.set(key, [item])
    else items.push(item)
    return true
  }
}

/** Nothing of a group that failed is done: what failed runs again alone, and so does all if that is unknown. */
export function markFailed(items: readonly Item[], error: unknown): void {
  const failed = error instanceof GroupFailure ? error.failed : undefined
  for (const item of items) {
    item.isSingle ||= failed?.has(toEvent(item)) ?? true
    item.isOwnFault = failed !== undefined && failed.size * FEW <= items.length
  }
}
