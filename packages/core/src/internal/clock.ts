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

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (delayMs, options) =>
    new Promise<void>((resolve, reject) => {
      const signal = options?.signal
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
    }),
}
