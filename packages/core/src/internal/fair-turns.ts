/** As it is when this is loaded: a test that replaces it for a while, and takes it back, must not end all turns. */
const inNextTurn = setImmediate

/** For how long calls that wait for nothing may follow each other in one turn of the event loop, milliseconds. */
const TURN_MS = 50

/**
 * Gives others their turn between calls that are answered at once. Whoever asks again and again whether
 * something is done would keep it from being done otherwise: no timer fires, no signal comes, and no
 * lease is kept in the turn of a loop that never waits.
 *
 * It looks once in 50 ms whether a turn has begun since the last look: to count them all cost a relay 5 %.
 */
export class FairTurns {
  #lookedMs = Number.NEGATIVE_INFINITY
  /** Whether a turn has begun since then. */
  #hasTurned = true
  #waiters: (() => void)[] = []

  /** Undefined: go on at once. A promise: go on when it resolves, in another turn and in the order of the calls. */
  next(): Promise<void> | undefined {
    // Nobody goes before one who waits already.
    if (this.#waiters.length > 0) return this.#wait()
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < TURN_MS) return undefined
    if (!this.#hasTurned) return this.#wait()
    this.#lookedMs = nowMs
    this.#hasTurned = false
    inNextTurn(() => this.#begin())
    return undefined
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  #begin(): void {
    this.#hasTurned = true
    const waiters = this.#waiters
    if (waiters.length === 0) return
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }
}
