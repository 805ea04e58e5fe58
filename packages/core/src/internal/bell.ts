/**
 * Wakes whoever waits. One that rings while nobody waits is heard by the next one who does, so that
 * nothing is missed between a look and the waiting.
 */
export class Bell {
  #rung = false
  #waiting: PromiseWithResolvers<void> | undefined

  ring(): void {
    if (this.#waiting === undefined) this.#rung = true
    else {
      this.#waiting.resolve()
      this.#waiting = undefined
    }
  }

  /** Resolves at the next ring, or at once after one that nobody heard. */
  wait(): Promise<void> {
    if (this.#rung) {
      this.#rung = false
      return Promise.resolve()
    }
    this.#waiting ??= Promise.withResolvers()
    return this.#waiting.promise
  }
}
