import type { Clock } from '../internal/clock.ts'

export interface PaceParts {
  readonly clock: Clock
  readonly stopping: AbortSignal
  /** Events a second, at the most. */
  readonly rate: number
  /** Something may begin again. */
  readonly onMay: () => void
}

/** What is begun in one turn of the event loop, at the most: some 5 ms of transactions. */
const BEGUN_IN_TURN = 32

/**
 * When the next piece of work may begin: not more than the rate allows, and not more in one turn than
 * leaves others theirs. Handlers that wait for nothing, on a store that answers at once, would let no
 * timer fire, and the lease would run out.
 */
export class Pace {
  readonly #parts: PaceParts
  #begunInTurn = 0
  #isTurnAwaited = false
  /** Something may begin in the next turn, and not in this one. */
  #isHeldBack = false
  #mayStartMs = 0
  #lookedMs = 0
  #alarm: Promise<void> | undefined

  constructor(parts: PaceParts) {
    this.#parts = parts
  }

  /** @param weight of what is to begin: 1 for one event */
  mayBegin(weight: number): boolean {
    if (this.#isTurnOver(weight)) return false
    const { rate, clock } = this.#parts
    if (rate === Number.POSITIVE_INFINITY) return true
    const nowMs = clock.now()
    // A clock that was set back makes nobody wait for longer.
    if (nowMs < this.#lookedMs) this.#mayStartMs -= this.#lookedMs - nowMs
    this.#lookedMs = nowMs
    if (nowMs < this.#mayStartMs) {
      this.wakeIn(this.#mayStartMs - nowMs)
      return false
    }
    this.#mayStartMs = Math.max(nowMs, this.#mayStartMs) + 1000 / rate
    return true
  }

  /** What was begun holds so many events beside the one that was asked for: the rate is of events. */
  spend(events: number): void {
    if (this.#parts.rate !== Number.POSITIVE_INFINITY) {
      this.#mayStartMs += (1000 / this.#parts.rate) * events
    }
  }

  wakeIn(delayMs: number): void {
    if (this.#alarm !== undefined) return
    const { clock, stopping, onMay } = this.#parts
    const woken = (): void => {
      this.#alarm = undefined
      onMay()
    }
    this.#alarm = clock.sleep(delayMs, { signal: stopping }).then(
      woken,
      // The session stops: there is nothing to wake.
      () => undefined,
    )
  }

  /**
   * What may begin now has begun. The next turn is asked for here, and not before: the handler of an event
   * that comes singly waits for nothing.
   */
  begun(): void {
    if (this.#isTurnAwaited || this.#begunInTurn === 0) return
    this.#isTurnAwaited = true
    setImmediate(() => this.#beginTurn())
  }

  /** Counted anew in each turn: on from turn to turn, every 32nd of events that come singly would wait for one. */
  #isTurnOver(weight: number): boolean {
    if (this.#begunInTurn >= BEGUN_IN_TURN) {
      this.#isHeldBack = true
      return true
    }
    this.#begunInTurn += weight
    return false
  }

  #beginTurn(): void {
    const wasHeldBack = this.#isHeldBack
    this.#isTurnAwaited = false
    this.#isHeldBack = false
    this.#begunInTurn = 0
    if (wasHeldBack) this.#parts.onMay()
  }
}
