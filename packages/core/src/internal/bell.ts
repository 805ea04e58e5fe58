import type { Clock } from './clock.ts'
import { LinkedAbort } from './linked-abort.ts'

/** Made once: an abort without a reason makes an error with a stack. */
const RUNG = new Error('What was waited for has come')

/**
 * Wakes whoever waits. One that rings while nobody waits is heard by the next one who does, so that
 * nothing is missed between a look and the waiting.
 */
export class Bell {
  #rung = false
  readonly #waiting = new Set<() => void>()

  ring(): void {
    if (this.#waiting.size === 0) this.#rung = true
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /** Resolves at the next ring, or at once after one that nobody heard. */
  wait(): Promise<void> {
    return new Promise((resolve) => void this.#next(resolve))
  }

  /**
   * The same, for no longer than a time, or until a signal is aborted; says nothing of which. Leaves
   * nothing behind: a race against a promise that does not settle keeps 300 bytes of each, for ever.
   */
  async waitAtMost(
    mostMs: number,
    { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<void> {
    const over = new LinkedAbort(signal)
    const leave = this.#next(() => over.abort(RUNG))
    try {
      await clock.sleep(mostMs, { signal: over.signal })
    } catch (error) {
      if (!over.signal.aborted) throw error
    } finally {
      leave()
      over.release()
    }
  }

  /** @returns what takes it back */
  #next(wake: () => void): () => void {
    if (this.#rung) {
      this.#rung = false
      wake()
      return () => undefined
    }
    this.#waiting.add(wake)
    return () => void this.#waiting.delete(wake)
  }
}
