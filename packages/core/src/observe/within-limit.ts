import { TimeoutError } from '../errors/queue-errors.ts'
import type { Clock } from '../internal/clock.ts'
import { LinkedAbort } from '../internal/linked-abort.ts'

export interface TimeLimit {
  readonly clock: Clock
  readonly limitMs: number
  /** What takes the time, as the error names it. */
  readonly what: string
  /** Ends the wait, and the work that heeds it, before its time. */
  readonly signal: AbortSignal
}

/**
 * Waits for work of somebody else's, and not for ever. What heeds no signal goes on, and is waited for no more.
 *
 * @throws {TimeoutError} it took longer
 * @throws the signal's reason
 */
export async function withinLimit<Value>(
  work: (signal: AbortSignal) => Promise<Value>,
  { clock, limitMs, what, signal: outer }: TimeLimit,
): Promise<Value> {
  const ended = new LinkedAbort(outer)
  const { signal } = ended
  const late = clock.sleep(limitMs, { signal }).then((): never => {
    throw new TimeoutError(what, limitMs)
  })
  try {
    return await Promise.race([work(signal), late])
  } finally {
    ended.abort()
  }
}
