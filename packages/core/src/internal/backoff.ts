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
  const delayMs = Math.min(options.maxMs, options.baseMs * 2 ** (attempt - 1))
  return delayMs * (1 + options.random() / 2)
}
