import { Arrivals } from './arrivals.ts'
import { toEvent, type Item } from './item.ts'
import type { Lane, Lanes } from './lanes.ts'
import type { ParkedIndex } from './parked-index.ts'
import { GroupFailure } from './attempt-group.ts'

/**
 * Events that share a transaction, where all that is done about them is in the database: as many as are
 * read at once. With twice as many the wait for the disk costs little less, and whoever else writes waits
 * twice as long.
 */
export const GROUP = 512

/** With one failure in so many it is those events that fail, and not what all of them need. */
const FEW = 10

/** Events that are handled in one transaction. */
export interface Group {
  /** In the order of the log. */
  readonly items: readonly Item[]
  /** The first of each key; the others follow it by their `next`. */
  readonly firsts: readonly Item[]
  /** Where they stand in lanes: each holds those that are in the group. */
  readonly lanes: Lane<Item>[]
  /**
   * Instead of events: the key, taken, of one that must go alone and was read before all others. Left
   * for last, such events would hold the mark back, and be looked at anew for each group.
   */
  readonly alone?: string
  /** It is as large as it may be, and nothing was left out. */
  readonly isWhole: boolean
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
 *
 * While no event has to go alone, and nobody asks for a key, one group after the other keeps the order
 * of every key, and lanes would be kept for nothing: a sixth of what an event costs.
 *
 * straight (events wait as they were read) → laid (by `lay`: they wait in lanes, those under way too) →
 * straight (nobody works on a key, and nothing waits or nothing was in the way of a group)
 */
export class Groups {
  readonly #parts: GroupsParts
  readonly #arrivals = new Arrivals<Item>()
  #isLaid = false
  /** Events that wait and stand in no lane. */
  #waiting = 0
  /** What is under way. */
  #running: Group | undefined

  constructor(parts: GroupsParts) {
    this.#parts = parts
  }

  /** Events that wait and stand in no lane. */
  get waiting(): number {
    return this.#waiting
  }

  add(item: Item): void {
    this.#arrivals.add(item)
    if (this.#isLaid) item.lane = this.#parts.lanes.add(item.plan.key, item)
    else this.#waiting++
  }

  /** Puts all into lanes: for whoever needs a key for himself. */
  lay(): void {
    if (this.#isLaid) return
    const { lanes } = this.#parts
    this.#isLaid = true
    this.#waiting = 0
    this.#arrivals.until((item) => {
      item.lane = lanes.add(item.plan.key, item)
      return false
    })
    if (this.#running !== undefined) {
      for (const item of this.#running.items) this.#hold(item, this.#running.lanes)
    }
  }

  /** The next group; an empty one where an event goes alone first, or where there is nothing. */
  take(): Group {
    // With a rate no more than it allows in a second: a group begins all at once.
    const most = Math.max(1, Math.min(GROUP, Math.floor(this.#parts.rate)))
    this.#arrivals.forget()
    const group = (this.#isLaid ? undefined : this.#takeStraight(most)) ?? this.#takeLaid(most)
    this.#running = group
    return group
  }

  /** A group has ended; what is not done of it waits again. */
  ended(group: Group, isDone: boolean): void {
    const { items, lanes } = group
    this.#running = undefined
    if (isDone) for (const item of items) item.isDone = true
    for (const lane of lanes) this.#parts.lanes.releaseHeld(lane, isDone)
    if (!this.#isLaid) {
      if (!isDone) this.#waiting += items.length
    } else if (isDone && group.isWhole) this.#straighten()
  }

  /** Not sooner than behind a whole group: events that go alone, one now and then, would lay all each time. */
  #straighten(): void {
    if (!this.#parts.lanes.clear()) return
    this.#isLaid = false
    this.#arrivals.until(() => {
      this.#waiting++
      return false
    })
  }

  /** @returns undefined: one of them goes alone, and the others may pass it, those of its key excepted */
  #takeStraight(most: number): Group | undefined {
    const items: Item[] = []
    const firsts: Item[] = []
    const lastOf = new Map<string, Item>()
    let isStraight = true
    this.#arrivals.until((item) => {
      isStraight = this.#fitsGroup(item)
      if (!isStraight) return true
      const { key } = item.plan
      const before = lastOf.get(key)
      if (before === undefined) firsts.push(item)
      else before.next = item
      item.next = undefined
      lastOf.set(key, item)
      return items.push(item) === most
    })
    if (!isStraight) {
      this.lay()
      return undefined
    }
    this.#waiting -= items.length
    return { items, firsts, lanes: [], isWhole: items.length === most }
  }

  #takeLaid(most: number): Group {
    const items: Item[] = []
    const firsts: Item[] = []
    const lanes: Lane<Item>[] = []
    let alone: string | undefined
    let isWhole = true
    this.#arrivals.until((item) => {
      const lane = item.lane!
      const goesAlone = !this.#fitsGroup(item)
      if (goesAlone && items.length === 0 && this.#parts.lanes.takeLane(lane)) {
        alone = lane.key
        return true
      }
      // Of one that is in the group already the next item is free; of one that is taken no item is. One
      // behind an item that was passed is never the next.
      const isNext = lane.items[lane.head + lane.held] === item && (lane.held > 0 || !lane.taken)
      if (goesAlone || !isNext) {
        isWhole = false
        return false
      }
      if (lane.held === 0) firsts.push(item)
      else lane.items[lane.head + lane.held - 1]!.next = item
      item.next = undefined
      this.#hold(item, lanes)
      return items.push(item) === most
    })
    isWhole &&= items.length === most
    const group = { items, firsts, lanes, isWhole }
    return alone === undefined ? group : { ...group, alone }
  }

  #fitsGroup({ isSingle, plan: { kind, key } }: Item): boolean {
    return !isSingle && kind === 'handle' && !this.#parts.index.has(key)
  }

  /** It is under way: its lane is taken by the first that is. */
  #hold({ lane }: Item, taken: Lane<Item>[]): void {
    const { lanes } = this.#parts
    if (lane!.held === 0) {
      lanes.takeLane(lane!)
      taken.push(lane!)
    }
    lanes.hold(lane!)
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
