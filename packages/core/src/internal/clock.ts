/** Where time comes from. Everything that reads a clock takes one, so that no test has to wait. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. May step backwards when the system clock does. */
  now(): number
  /**
   * Resolves after `delayMs` milliseconds, never earlier.
   *
   * @throws the signal's reason, at once, when `signal` is or becomes aborted.
   */
  sleep(delayMs: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
}

/** The longest that a timer of the process can wait: it takes anything above for 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(delayMs, options) {
    for (let leftMs = delayMs; ; leftMs -= LONGEST_TIMER_MS) {
      // Whoever is late by now waits no longer; Node would warn of a negative time on standard error.
      await wait(Math.max(0, Math.min(leftMs, LONGEST_TIMER_MS)), options?.signal)
      if (leftMs <= LONGEST_TIMER_MS) return
    }
  },
}

function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * A clock for loops that look again and again: where one is passed in whose sleeps are over at once, as
 * tests like them, the loop still lets others have their turn, and can be ended.
 */
export function patientClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    async sleep(delayMs, options) {
      const startMs = clock.now()
      await clock.sleep(delayMs, options)
      if (clock.now() - startMs < delayMs) await new Promise((resolve) => setImmediate(resolve))
      options?.signal?.throwIfAborted()
    },
  }
}
