/**
 * A first-in, first-out lock for asynchronous code.
 *
 * free → held (by `acquire`) → free (by `release`); waiters are served in the order in which they came.
 */
export class Mutex {
  #held = false
  readonly #waiters: (() => void)[] = []
  #next = 0

  get held(): boolean {
    return this.#held
  }

  /** Whether somebody waits for it. */
  get isWanted(): boolean {
    return this.#next < this.#waiters.length
  }

  /** Resolves when the caller holds the lock. The caller must release it, whatever happens. */
  acquire(): Promise<void> {
    if (!this.#held) {
      this.#held = true
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  release(): void {
    const waiter = this.#waiters[this.#next]
    if (waiter === undefined) {
      this.#held = false
      return
    }
    this.#next++
    // Dropped in blocks, so that a long queue costs no shift per waiter.
    if (this.#next > 1024 || this.#next === this.#waiters.length) {
      this.#waiters.splice(0, this.#next)
      this.#next = 0
    }
    waiter()
  }

  /** Runs `work` while holding the lock. */
  async run<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    await this.acquire()
    try {
      return await work()
    } finally {
      this.release()
    }
  }
}
