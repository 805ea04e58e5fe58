/** As it is when this is loaded: a test that replaces it for a while, and takes it back, must not end all turns. */
const inNextTurn = setImmediate

/** For how long calls that wait for nothing may follow each other in one turn of the event loop, milliseconds. */
const TURN_MS = 10

/**
 * Gives others their turn between calls that are answered at once. Whoever asks again and again whether
 * something is done would keep it from being done otherwise: no timer fires, no signal comes, and no
 * lease is kept in the turn of a loop that never waits.
 */
export class FairTurns {
  /** When the first call of this turn came; undefined: there was none yet. */
  #sinceMs: number | undefined
  #waiters: (() => void)[] = []

  /** Undefined: go on at once. A promise: go on when it resolves, in another turn and in the order of the calls. */
  next(): Promise<void> | undefined {
    const nowMs = performance.now()
    if (this.#sinceMs === undefined) {
      this.#sinceMs = nowMs
      inNextTurn(() => this.#begin())
      return undefined
    }
    // Nobody goes before one who waits already.
    if (this.#waiters.length === 0 && nowMs - this.#sinceMs < TURN_MS) return undefined
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  #begin(): void {
    this.#sinceMs = undefined
    const waiters = this.#waiters
    if (waiters.length === 0) return
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }
}
