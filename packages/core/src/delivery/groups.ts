import { Arrivals } from './arrivals.ts'
import { toEvent, type Item } from './item.ts'
import type { Lane, Lanes } from './lanes.ts'
import type { ParkedIndex } from './parked-index.ts'
import { GroupFailure } from './attempt-group.ts'

/** Events that share a transaction, where all that is done about them is in the database. */
export const GROUP = 250

/** With one failure in so many it is those events that fail, and not what all of them need. */
const FEW = 10

/** Events that are handled in one transaction. */
export interface Group {
  /** In the order of the log. */
  readonly items: readonly Item[]
  /** The same by key: each lane holds those that are in the group. */
  readonly lanes: readonly Lane<Item>[]
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

  /** The next group; an empty one where an event goes alone first, or where there is nothing. */
  take(): Group {
    // With a rate no more than it allows in a second: a group begins all at once.
    const most = Math.max(1, Math.min(GROUP, Math.floor(this.#parts.rate)))
    const passed = new Set<Lane<Item>>()
    const items: Item[] = []
    const lanes: Lane<Item>[] = []
    let alone: string | undefined
    this.#arrivals.forget()
    this.#arrivals.until((item) => {
      const lane = item.lane!
      if (passed.size > 0 && passed.has(lane)) return false
      const goesAlone = !this.#fitsGroup(item)
      if (goesAlone && items.length === 0 && this.#parts.lanes.takeLane(lane)) {
        alone = lane.key
        return true
      }
      if (goesAlone || !this.#joinsGroup(item, lane, lanes)) {
        passed.add(lane)
        return false
      }
      return items.push(item) === most
    })
    return alone === undefined ? { items, lanes } : { items, lanes, alone }
  }

  #fitsGroup({ isSingle, plan: { kind, key } }: Item): boolean {
    return !isSingle && kind === 'handle' && !this.#parts.index.has(key)
  }

  /** Holds an item if it may be in the group that is put together. */
  #joinsGroup(item: Item, lane: Lane<Item>, joined: Lane<Item>[]): boolean {
    // Of one that is in the group already the next item is free; of one that is taken no item is.
    if (lane.items[lane.head + lane.held] !== item) return false
    if (lane.held === 0) {
      if (!this.#parts.lanes.takeLane(lane)) return false
      joined.push(lane)
    }
    this.#parts.lanes.hold(lane)
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
