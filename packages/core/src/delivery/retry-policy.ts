import { DefinitionError } from '../errors/usage-errors.ts'
import { delayAfter, type DelayPlan, type Random } from '../internal/backoff.ts'
import { toMs, type Duration } from '../internal/duration.ts'

/** Which errors a rule is about: a `code`, a class of errors, or a test. */
export type ErrorMatch =
  | string
  | (abstract new (...args: never) => Error)
  | { readonly test: (error: unknown) => boolean }

/** What is done about an error that a rule is about. */
export type FailureAction =
  /** As often as the policy allows, then later, then a dead letter. */
  | 'retry'
  /** A dead letter at once: trying again cannot help. */
  | 'park'
  /** The subscription fails, and waits for a person. */
  | 'stop'
  /** The event counts as handled. The reason is observed. */
  | { readonly skip: string }

export interface FailureRule {
  readonly when: ErrorMatch
  readonly then: FailureAction
}

/** What a subscription does about an event that its handler failed on. */
export interface RetryPolicy {
  /** Attempts in place, the first one included; 3 by default. The event's key waits meanwhile. */
  readonly attempts?: number
  /** Before the second attempt; `200ms` by default. */
  readonly delay?: Duration
  /** `exponential` by default. */
  readonly backoff?: 'linear' | 'exponential'
  /** No delay is longer, before jitter; `10s` by default. */
  readonly maxDelay?: Duration
  /** Lengthens each delay to 1…1.5 times; true by default. */
  readonly jitter?: boolean
  /**
   * When it is tried again after those: parked, with its key's later events behind it, while other keys
   * go on. None by default. Then it is a dead letter.
   */
  readonly later?: readonly Duration[]
  /** The first that fits decides; what none fits is retried. */
  readonly rules?: readonly FailureRule[]
}

/** A policy, checked. */
export interface RetryPlan extends DelayPlan {
  readonly attempts: number
  readonly laterMs: readonly number[]
  readonly rules: readonly FailureRule[]
}

/** What to do now about an event that failed. */
export type FailureDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'later'; readonly delayMs: number }
  | { readonly kind: 'dead' }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'stop' }

/** @throws {DefinitionError} */
export function readRetryPolicy(name: string, policy: RetryPolicy = {}): RetryPlan {
  const { attempts = 3, backoff = 'exponential', jitter = true, later = [], rules = [] } = policy
  if (!(Number.isSafeInteger(attempts) && attempts >= 1)) {
    throw new DefinitionError(name, `retry.attempts is a whole number from 1 up; got ${attempts}`)
  }
  if (backoff !== 'linear' && backoff !== 'exponential') {
    throw new DefinitionError(
      name,
      `retry.backoff is 'linear' or 'exponential'; got ${String(backoff)}`,
    )
  }
  return {
    attempts,
    backoff,
    jitter,
    delayMs: requireDuration(name, 'retry.delay', policy.delay ?? 200),
    maxDelayMs: requireDuration(name, 'retry.maxDelay', policy.maxDelay ?? 10_000),
    laterMs: requireList(name, 'retry.later', later).map((duration) =>
      requireDuration(name, 'retry.later', duration),
    ),
    rules: requireList(name, 'retry.rules', rules).map((rule) => requireRule(name, rule)),
  }
}

function requireList<Item>(name: string, option: string, list: readonly Item[]): readonly Item[] {
  if (Array.isArray(list)) return list as readonly Item[]
  throw new DefinitionError(name, `${option} is a list; got ${typeof list}`)
}

/** One that is none would be found out when the first event fails, and put it aside for that. */
function requireRule(name: string, rule: FailureRule): FailureRule {
  const { when, then: action } = (rule ?? {}) as Partial<FailureRule>
  const isMatch =
    typeof when === 'function' ||
    (typeof when === 'string' && when !== '') ||
    (typeof when === 'object' && typeof when?.test === 'function')
  const reason: unknown = typeof action === 'object' ? action?.skip : undefined
  const isAction =
    (typeof reason === 'string' && reason.trim() !== '') ||
    (typeof action === 'string' && ['retry', 'park', 'stop'].includes(action))
  if (isMatch && isAction) return rule
  throw new DefinitionError(
    name,
    isMatch
      ? "'then' of a rule of retry is 'retry', 'park', 'stop' or { skip: 'why' }"
      : "'when' of a rule of retry is the code of an error, a class of errors, or { test }",
  )
}

/** @throws {DefinitionError} */
export function requireDuration(name: string, option: string, duration: Duration): number {
  const ms = toMs(duration)
  if (ms !== undefined) return ms
  throw new DefinitionError(
    name,
    `${option} is a number of milliseconds from 0 up, or a text such as '250ms', '5s', '1m', '2h', '7d'; got ${String(duration)}`,
  )
}

/**
 * Decides about an event whose handler failed. Pure.
 *
 * @param failure how many attempts in place have failed now, from 1, and how many later ones are used up
 */
export function decideFailure(
  plan: RetryPlan,
  failure: { readonly error: unknown; readonly failed: number; readonly laterUsed: number },
  random: Random,
): FailureDecision {
  const rule = plan.rules.find(({ when }) => matchesError(when, failure.error))
  const action = rule?.then ?? 'retry'
  if (action === 'stop') return { kind: 'stop' }
  if (action === 'park') return { kind: 'dead' }
  if (typeof action === 'object') return { kind: 'skip', reason: action.skip }
  if (failure.failed < plan.attempts) {
    return { kind: 'retry', delayMs: delayAfter(failure.failed, plan, random) }
  }
  const delayMs = plan.laterMs[failure.laterUsed]
  return delayMs === undefined ? { kind: 'dead' } : { kind: 'later', delayMs }
}

function matchesError(match: ErrorMatch, error: unknown): boolean {
  if (typeof match === 'string') return (error as { code?: unknown } | undefined)?.code === match
  if (typeof match === 'function') return error instanceof match
  return match.test(error)
}
