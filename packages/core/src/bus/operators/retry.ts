import { isThenable, type HandlerContext } from '../handler.ts'
import { delayAfter, type Random } from '../../internal/backoff.ts'
import { operator, type Work } from './compose.ts'
import { withDefaults } from '../../internal/with-defaults.ts'
import {
  optionalBoolean,
  optionalFunction,
  requireAnswer,
  requireFunction,
  requireMs,
  requireOneOf,
  requireOptions,
  requireWhole,
} from '../options.ts'

export interface RetryOptions {
  /** Calls in all, the first one included; 3 by default. */
  readonly attempts?: number
  /** Milliseconds that the delays are made of; 1,000 by default. */
  readonly delayMs?: number
  /** `linear`, the default: delay × attempt. `exponential`: doubled each time. */
  readonly backoff?: 'linear' | 'exponential'
  /** No delay is longer, before jitter; 30,000 by default. */
  readonly maxDelayMs?: number
  /** Lengthens each delay to 1…1.5 times, so that callers who failed together do not return together; true by default. */
  readonly jitter?: boolean
  readonly random?: Random
  /** Which errors are worth another attempt; all by default. */
  readonly when?: (error: unknown) => boolean
  /** Told of each failure that is tried again: no outcome shows those. */
  readonly onRetry?: (failure: RetriedFailure) => void
}

export interface RetriedFailure {
  readonly error: unknown
  /** The attempt that failed, from 1. */
  readonly attempt: number
  /** Milliseconds until the next one. */
  readonly delayMs: number
}

type Plan = Required<Omit<RetryOptions, 'onRetry'>> & {
  readonly onRetry: RetryOptions['onRetry'] | undefined
}

/**
 * Calls again what failed.
 *
 * - The first attempt is made at once; one that succeeds synchronously answers synchronously.
 * - When no attempt is left, or `when` says no, the last error is thrown as it is. Where `when` or `onRetry`
 *   throws, an AggregateError of the handler's error and theirs.
 * - When the signal is aborted the waiting ends at once, with the last error.
 *
 * Events that come meanwhile are not held back: put `concurrency({ limit: 1 })` around it for order.
 *
 * @throws {UsageError} an option that it cannot take
 */
export function retry<In>(options: RetryOptions, handler: Work<In>): Work<In> {
  const plan = checked(options)
  requireFunction("retry's handler", handler)
  return operator(handler, {
    run: (input, ctx) => {
      const call: Call = { plan, ctx, attempt: () => handler(input, ctx) }
      try {
        const answer = call.attempt()
        if (!isThenable(answer)) return answer
        return Promise.resolve(answer).catch((error: unknown) => tryAgain(call, error))
      } catch (error) {
        return tryAgain(call, error)
      }
    },
  })
}

function checked(options: RetryOptions): Plan {
  requireOptions('retry', options)
  const { onRetry, ...others } = options
  const defaults: Omit<Plan, 'onRetry'> = {
    attempts: 3,
    delayMs: 1000,
    backoff: 'linear',
    maxDelayMs: 30_000,
    jitter: true,
    random: Math.random,
    when: () => true,
  }
  const plan: Plan = { ...withDefaults(defaults, others), onRetry }
  requireWhole("retry's attempts", plan.attempts)
  requireMs("retry's delayMs", plan.delayMs, 0)
  requireMs("retry's maxDelayMs", plan.maxDelayMs, 0)
  requireOneOf("retry's backoff", plan.backoff, ['linear', 'exponential'])
  optionalBoolean("retry's jitter", plan.jitter)
  requireFunction("retry's random", plan.random)
  requireFunction("retry's when", plan.when)
  optionalFunction("retry's onRetry", onRetry)
  return plan
}

interface Call {
  readonly plan: Plan
  readonly ctx: HandlerContext
  readonly attempt: () => unknown
}

async function tryAgain({ plan, ctx, attempt }: Call, first: unknown): Promise<unknown> {
  let error = first
  for (let failed = 1; failed < plan.attempts; failed++) {
    const delayMs = delayAfter(failed, plan, plan.random)
    if (ctx.signal.aborted || !isWorthIt(plan, { error, attempt: failed, delayMs })) break
    if (!(await slept(ctx, delayMs))) break
    try {
      return await attempt()
    } catch (next) {
      error = next
    }
  }
  throw error
}

/**
 * Asks `when`, and tells `onRetry`.
 *
 * @throws {AggregateError} one of them failed: its error, behind the handler's, which must not vanish for it
 */
function isWorthIt({ when, onRetry }: Plan, failure: RetriedFailure): boolean {
  try {
    const isWorth = requireAnswer("retry's when", when(failure.error))
    if (isWorth) onRetry?.(failure)
    return isWorth
  } catch (error) {
    throw new AggregateError(
      [failure.error, error],
      "The handler failed, and so did retry's 'when' or 'onRetry'.",
      { cause: error },
    )
  }
}

/** @returns false when the signal ended it */
async function slept({ clock, signal }: HandlerContext, delayMs: number): Promise<boolean> {
  try {
    await clock.sleep(delayMs, { signal })
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
