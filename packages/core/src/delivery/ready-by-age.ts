/** What stands in a queue knows it: a set of objects would hash each twice. */
export interface Queued {
  /** The order that it stands with among those that came in order, else {@link NOT_QUEUED}; changed by the queue alone. */
  queuedAs: number
}

/** No item has an order below 0. */
export const NOT_QUEUED = -1

/** Places in the queue that are given up, at the most, beside as many as are taken. */
const GIVEN_UP = 1024

/**
 * Lanes that may begin, the one whose next item is the oldest first: whatever is done before an older
 * item is a hole in the progress, and has to be noted by itself.
 *
 * A lane is known by its next item, which nobody changes while the lane is in here.
 */
export class ReadyByAge<Lane extends Queued> {
  /** Rises from item to item as they come. */
  readonly #orderOf: (lane: Lane) => number
  /**
   * Those that came in the order of their items: nearly all. Whoever leaves leaves its place behind:
   * it is this lane's only while it stands here with that same item.
   */
  readonly #queue: Lane[] = []
  readonly #orders: number[] = []
  #head = 0
  #queued = 0
  #newest = Number.NEGATIVE_INFINITY
  /** Those that somebody has worked on, and whose next item waited meanwhile, sorted. */
  readonly #again: Lane[] = []

  constructor(orderOf: (lane: Lane) => number) {
    this.#orderOf = orderOf
  }

  get size(): number {
    return this.#queued + this.#again.length
  }

  /** A lane that is not in here, and has an item. */
  add(lane: Lane): void {
    const order = this.#orderOf(lane)
    if (order < this.#newest) {
      this.#again.splice(this.#placeOf(order), 0, lane)
      return
    }
    this.#newest = order
    this.#queue.push(lane)
    this.#orders.push(order)
    this.#queued++
    lane.queuedAs = order
  }

  /** Also one that is not in here. */
  delete(lane: Lane): void {
    if (lane.queuedAs !== NOT_QUEUED) {
      lane.queuedAs = NOT_QUEUED
      this.#queued--
      this.#giveUpPlaces()
      return
    }
    const place = this.#again.length === 0 ? 0 : this.#placeOf(this.#orderOf(lane))
    if (this.#again[place] === lane) this.#again.splice(place, 1)
  }

  first(): Lane | undefined {
    const lane = this.#queued === 0 ? undefined : this.#queue[this.#head]
    const [again] = this.#again
    if (lane === undefined || again === undefined) return lane ?? again
    return this.#orderOf(again) < this.#orders[this.#head]! ? again : lane
  }

  /** So that the first place is taken, and few are not. */
  #giveUpPlaces(): void {
    const end = this.#queue.length
    while (this.#head < end && !this.#isTaken(this.#head)) this.#head++
    const givenUp = end - this.#queued
    // Where none is taken, no lane that has gone is kept.
    if (this.#queued === 0 || (givenUp > GIVEN_UP && givenUp > this.#queued)) this.#closeUp()
  }

  #isTaken(place: number): boolean {
    return this.#queue[place]!.queuedAs === this.#orders[place]
  }

  #closeUp(): void {
    let kept = 0
    for (let place = this.#head; place < this.#queue.length; place++) {
      if (!this.#isTaken(place)) continue
      this.#queue[kept] = this.#queue[place]!
      this.#orders[kept] = this.#orders[place]!
      kept++
    }
    this.#queue.length = kept
    this.#orders.length = kept
    this.#head = 0
  }

  /** Where a lane with this order is among those that were worked on, or belongs. */
  #placeOf(order: number): number {
    let low = 0
    let high = this.#again.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#orderOf(this.#again[middle]!) < order) low = middle + 1
      else high = middle
    }
    return low
  }
}
