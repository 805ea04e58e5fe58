/** Delays between tries while nothing succeeds, milliseconds. */
const FIRST_MS = 1000
const LONGEST_MS = 60_000

/**
 * Tells the failure of one key from that of all: when as many different keys as it takes have failed
 * one after the other, and none has succeeded between, what fails is not the event but what the handler
 * needs. Then nothing is parked; one event is tried from time to time until one succeeds.
 *
 * none → outage (by `exhausted`) → none (by `succeeded`)
 */
export class Outage {
  readonly #threshold: number
  readonly #failed = new Set<string>()
  #isActive = false
  #tries = 0

  constructor(threshold: number) {
    this.#threshold = threshold
  }

  get isActive(): boolean {
    return this.#isActive
  }

  get keys(): number {
    return this.#failed.size
  }

  /** An attempt of a key has failed. */
  failed(key: string): void {
    if (this.#failed.size < this.#threshold) this.#failed.add(key)
  }

  /** @returns whether an outage ended with it */
  succeeded(): boolean {
    const ended = this.#isActive
    this.#failed.clear()
    this.#isActive = false
    this.#tries = 0
    return ended
  }

  /** A key has no attempt left. @returns whether that is an outage, so that it is not to be parked */
  exhausted(): boolean {
    if (this.#failed.size >= this.#threshold) this.#isActive = true
    return this.#isActive
  }

  /** How long to wait before the next try. */
  nextDelayMs(): number {
    return Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#tries++)
  }
}
