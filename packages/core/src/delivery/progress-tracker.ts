import type { ProgressChange } from '../store/subscription-store.ts'

/** What is to be written when some positions are done. */
export type ProgressPlan = Pick<ProgressChange, 'mark' | 'ahead'>

const NOTHING: ProgressPlan = Object.freeze({})

/**
 * How far a subscription is: what was handed out, what of it is done, and so how far the low-water mark
 * may go. Plans what is to be written; what was written is told to it.
 *
 * Positions are handed out in rising order. The mark stands before the first one that is not done;
 * positions behind it that are done ran ahead.
 */
export class ProgressTracker {
  #mark: number
  /** Everything up to here was read: handed out, or none of the subscription's. */
  #read: number
  /** Handed out, in order, from the first one that is not done. */
  #out: number[] = []
  #head = 0
  readonly #done = new Set<number>()
  /** Ran ahead in a transaction that failed, or whose commit was not answered: nobody knows which. */
  readonly #unsure = new Set<number>()
  /** At most one transaction moves the mark at a time: the second would not find it where it left it. */
  #moving = false

  /** @param mark where the subscription stands */
  constructor(mark: number) {
    this.#mark = mark
    this.#read = mark
  }

  get mark(): number {
    return this.#mark
  }

  get read(): number {
    return this.#read
  }

  /** Everything up to here is done, whether the mark has been moved over it or not. */
  get handledUpTo(): number {
    return this.#markWith([])
  }

  /** Handed out and not done. */
  get open(): number {
    return this.#out.length - this.#head - this.#done.size
  }

  /** Done ahead of the mark, and what they wait for: what a restart would have to look through. */
  get window(): number {
    return this.#out.length - this.#head
  }

  handOut(position: number): void {
    this.#out.push(position)
    this.#read = position
  }

  /** Everything up to a position was looked at. */
  readUpTo(position: number): void {
    if (position > this.#read) this.#read = position
  }

  /**
   * What to write in the transaction that makes these positions done; none of them: how far the mark
   * can be moved as it is. End it by `written` or `abandoned`.
   */
  plan(positions: readonly number[]): ProgressPlan {
    if (this.#moving || this.#hasUnsure(positions)) {
      return positions.length === 0 ? NOTHING : { ahead: positions }
    }
    const to = this.#markWith(positions)
    if (to <= this.#mark) return positions.length === 0 ? NOTHING : { ahead: positions }
    this.#moving = true
    const ahead = positions.filter((position) => position > to)
    const mark = { from: this.#mark, to }
    return ahead.length === 0 ? { mark } : { mark, ahead }
  }

  /** A plan was committed. */
  written(plan: ProgressPlan, positions: readonly number[]): void {
    if (plan.mark !== undefined) {
      this.#moving = false
      this.#mark = plan.mark.to
    }
    // Behind the move: what it passed is done without being remembered.
    for (const position of positions) if (position > this.#mark) this.#done.add(position)
    if (this.#unsure.size > 0) for (const position of positions) this.#unsure.delete(position)
    this.#forget()
  }

  /** A plan was not committed, for all that is known. */
  abandoned(plan: ProgressPlan): void {
    if (plan.mark !== undefined) this.#moving = false
    for (const position of plan.ahead ?? []) this.#unsure.add(position)
  }

  /** The mark would pass what may be done: the store refuses that only where it is to run ahead again. */
  #hasUnsure(positions: readonly number[]): boolean {
    return this.#unsure.size > 0 && positions.some((position) => this.#unsure.has(position))
  }

  #markWith(positions: readonly number[]): number {
    const first = this.#head + this.#inOrder(positions)
    const doing = new Set(positions.slice(first - this.#head))
    for (let index = first; index < this.#out.length; index++) {
      const position = this.#out[index]!
      if (!this.#done.has(position) && !doing.has(position)) return position - 1
    }
    return this.#read
  }

  /** How many of the positions are those handed out first, as those of a batch are: no set is needed for them. */
  #inOrder(positions: readonly number[]): number {
    let count = 0
    while (count < positions.length && positions[count] === this.#out[this.#head + count]) count++
    return count
  }

  /** Lets go of what the mark has passed. */
  #forget(): void {
    while (this.#head < this.#out.length && this.#out[this.#head]! <= this.#mark) {
      if (this.#done.size > 0) this.#done.delete(this.#out[this.#head]!)
      this.#head++
    }
    // In blocks, so that it costs nothing per event.
    if (this.#head > 1024 || this.#head === this.#out.length) {
      this.#out = this.#out.slice(this.#head)
      this.#head = 0
    }
  }
}
