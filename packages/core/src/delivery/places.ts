/** What a handler holds while it runs. */
export interface HandlerPlace {
  /** It has ended, and nothing is left but to note that. */
  leave(): void
  /** That was refused, so it has failed. */
  comeBack(): void
  /** It did: there may be more than may run, so before it runs again it gives its place away for a while. */
  readonly cameBack: boolean
}

/**
 * How many handlers may run at the same time. Whoever pauses between two attempts gives its place to
 * others, and takes one again before it goes on.
 */
export class Places {
  readonly #limit: () => number
  readonly #onFree: () => void
  #active = 0
  #paused = 0
  #leaving = 0
  readonly #waiting: (() => void)[] = []

  /** @param onFree told when there may be a place for something new */
  constructor(limit: () => number, onFree: () => void) {
    this.#limit = limit
    this.#onFree = onFree
  }

  /** Whether something new may begin: those who paused come first. */
  get hasFree(): boolean {
    return this.#waiting.length === 0 && this.#active < this.#limit()
  }

  /** Under way, those that pause and those that are on their way out included. */
  get underWay(): number {
    return this.#active + this.#paused + this.#leaving
  }

  /** Whether no handler runs now, and none that ended is still to be noted; some may be pausing. */
  get isIdle(): boolean {
    return this.#active === 0 && this.#leaving === 0
  }

  take(): void {
    this.#active++
  }

  free(): void {
    this.#active--
    this.#next()
  }

  /**
   * A handler has ended, and only that is still to be noted: gives its place away, unless as
   * many are on their way out as may run. What a death would have handled again is bounded by that.
   *
   * @returns whether it did; then it ends by `left` and not by `free`
   */
  leave(): boolean {
    if (this.#leaving >= this.#limit()) return false
    this.#active--
    this.#leaving++
    this.#next()
    return true
  }

  left(): void {
    this.#leaving--
    this.#next()
  }

  /**
   * One that was on its way out is not done: what it was to note was refused. It has its place again at once,
   * since nobody is to wait to hear of that, and for so long more are there than may run: before it runs again
   * it gives the place away for a while (`pauseFor`).
   */
  comeBack(): void {
    this.#leaving--
    this.#active++
  }

  /** Gives the place away for as long as `work` takes. */
  async pauseFor(work: () => Promise<void>): Promise<void> {
    this.#active--
    this.#paused++
    this.#next()
    try {
      await work()
      if (this.#active >= this.#limit()) await new Promise<void>((go) => this.#waiting.push(go))
      else this.#active++
    } catch (error) {
      // It ends, and frees a place on its way out as everybody does.
      this.#active++
      throw error
    } finally {
      this.#paused--
    }
  }

  #next(): void {
    this.#wake()
    // Who wants to run alone keeps the others waiting until none runs, and must hear of that.
    if (this.#waiting.length > 0 && this.#active > 0) return
    this.#onFree()
    this.#wake()
  }

  #wake(): void {
    while (this.#waiting.length > 0 && this.#active < this.#limit()) {
      this.#active++
      this.#waiting.shift()!()
    }
  }
}

/** The place of one handler, from its beginning until all is noted. */
export class OwnPlace implements HandlerPlace {
  readonly #places: Places
  #hasLeft = false
  #cameBack = false

  constructor(places: Places) {
    this.#places = places
    places.take()
  }

  get cameBack(): boolean {
    return this.#cameBack
  }

  leave(): void {
    this.#hasLeft = this.#places.leave()
  }

  comeBack(): void {
    if (!this.#hasLeft) return
    this.#places.comeBack()
    this.#hasLeft = false
    this.#cameBack = true
  }

  end(): void {
    if (this.#hasLeft) this.#places.left()
    else this.#places.free()
  }
}
