/**
 * The transactions of this process that have the lock of the log, or stand in line for it. Appends of the
 * same process wait for those here rather than in the database: there they could not be given up, and
 * their connection would wait with them. Transactions do not wait for each other here: what holds them up
 * may be a row, and only the database sees that two of them wait for one another.
 */
export class Turns {
  readonly #taken = new Set<Promise<void>>()

  /** A transaction is about to append. @returns to be called when it is over */
  take(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#taken.add(promise)
    return () => {
      this.#taken.delete(promise)
      resolve()
    }
  }

  /** Resolves when those are over that are there now; others may have come meanwhile. */
  async ended(): Promise<void> {
    if (this.#taken.size > 0) await Promise.all(this.#taken)
  }
}
