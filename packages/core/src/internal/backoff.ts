/** The chances that a decision takes: a number in [0, 1). Passed in, so that a test can say which. */
export type Random = () => number

/**
 * How long to wait before attempt `attempt + 1`: doubles from `baseMs` up to `maxMs`, then lengthened
 * by up to a half, so that callers who collided once do not collide again.
 *
 * @param attempt how many attempts have failed, 1 for the first
 */
export function backoffMs(
  attempt: number,
  options: { readonly baseMs: number; readonly maxMs: number; readonly random: Random },
): number {
  const delayMs = Math.min(options.maxMs, options.baseMs * doubled(attempt))
  return delayMs * (1 + options.random() / 2)
}

/** Never infinite: nothing times that is no number, and would be waited for without end. */
function doubled(failed: number): number {
  return Math.min(Number.MAX_VALUE, 2 ** (failed - 1))
}

/** How delays between attempts grow. */
export interface DelayPlan {
  /** Milliseconds that the delays are made of. */
  readonly delayMs: number
  /** `linear`: delay × attempt. `exponential`: doubled each time. */
  readonly backoff: 'linear' | 'exponential'
  /** No delay is longer, before jitter. */
  readonly maxDelayMs: number
  /** Lengthens each delay to 1…1.5 times, never shortens it. */
  readonly jitter: boolean
}

/**
 * How long to wait before the next attempt, milliseconds.
 *
 * @param failed how many attempts have failed, from 1
 */
export function delayAfter(failed: number, plan: DelayPlan, random: Random): number {
  const factor = plan.backoff === 'linear' ? failed : doubled(failed)
  const delayMs = Math.min(plan.maxDelayMs, plan.delayMs * factor)
  return plan.jitter ? delayMs * (1 + random() / 2) : delayMs
}
