/**
 * Lanes that may begin, the one whose next item is the oldest first: whatever is done before an older
 * item is a hole in the progress, and has to be noted by itself.
 *
 * A lane is known by its next item, which nobody changes while the lane is in here.
 */
export class ReadyByAge<Lane> {
  /** Rises from item to item as they come. */
  readonly #orderOf: (lane: Lane) => number
  /** Those that came in the order of their items: nearly all. */
  readonly #inOrder = new Set<Lane>()
  #newest = Number.NEGATIVE_INFINITY
  /** Those that somebody has worked on, and whose next item waited meanwhile, sorted. */
  readonly #again: Lane[] = []

  constructor(orderOf: (lane: Lane) => number) {
    this.#orderOf = orderOf
  }

  get size(): number {
    return this.#inOrder.size + this.#again.length
  }

  /** A lane that is not in here, and has an item. */
  add(lane: Lane): void {
    const order = this.#orderOf(lane)
    if (order < this.#newest) {
      this.#again.splice(this.#placeOf(order), 0, lane)
      return
    }
    this.#newest = order
    this.#inOrder.add(lane)
  }

  /** Also one that is not in here. */
  delete(lane: Lane): void {
    if (this.#inOrder.delete(lane)) return
    const place = this.#again.length === 0 ? 0 : this.#placeOf(this.#orderOf(lane))
    if (this.#again[place] === lane) this.#again.splice(place, 1)
  }

  first(): Lane | undefined {
    const [lane] = this.#inOrder
    const [again] = this.#again
    if (lane === undefined || again === undefined) return lane ?? again
    return this.#orderOf(again) < this.#orderOf(lane) ? again : lane
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
