/** So many redriven events a second, at the most: whichever of them begins next, followers too. */
export class RedrivePace {
  readonly #everyMs: number
  #nextMs = Number.NEGATIVE_INFINITY

  /** @param rate events a second */
  constructor(rate: number) {
    this.#everyMs = 1000 / rate
  }

  /** When the next one may begin, milliseconds since the epoch. */
  get nextMs(): number {
    return this.#nextMs
  }

  mayBegin(nowMs: number): boolean {
    // A clock that was set back makes nobody wait longer than the next turn.
    if (this.#nextMs > nowMs + this.#everyMs) this.#nextMs = nowMs + this.#everyMs
    return nowMs >= this.#nextMs
  }

  began(nowMs: number): void {
    this.#nextMs = nowMs + this.#everyMs
  }
}
