import type { Clock } from '../../internal/clock.ts'

/** Time that never runs back: where the clock jumps back, it goes on from where it was. */
export class MonotoneTime {
  #lastMs = Number.NEGATIVE_INFINITY
  #shiftMs = 0

  read(clock: Clock): number {
    const nowMs = clock.now() + this.#shiftMs
    if (nowMs < this.#lastMs) this.#shiftMs += this.#lastMs - nowMs
    return (this.#lastMs = Math.max(this.#lastMs, nowMs))
  }

  /** A sleep has lasted until then, whatever the clock says. */
  reach(timeMs: number): void {
    this.#lastMs = Math.max(this.#lastMs, timeMs)
  }
}
