import { defineSubscription, type FailureAction, type FailureRule, type RetryPolicy } from 'tidings'
import {
  NAME,
  nameOf,
  openRuntime,
  OrderPlaced,
  recordEffect,
  type Order,
  type Process,
  type Runtime,
} from './runtime-kit.ts'
import type { StoreHarness } from './scenario.ts'

/** An attempt, as its handler saw it. */
export interface Attempt {
  readonly name: string
  readonly attempt: number
  readonly laterUsed: number
  readonly atMs: number
}

export interface Retrying {
  readonly runtime: Runtime
  readonly process: Process
  readonly attempts: readonly Attempt[]
}

/** Throws for a code that rules can be about. */
export class SampleError extends Error {
  readonly code: string

  constructor(code: string, message = `It failed with ${code}`) {
    super(message)
    this.name = 'SampleError'
    this.code = code
  }
}

/** A subscription that fails as it is told: by an error, or by none. */
export async function startRetrying(
  harness: StoreHarness,
  retry: RetryPolicy,
  failWith: (order: Order, attempt: Attempt) => unknown,
  options: { readonly random?: () => number; readonly outageAfter?: number } = {},
): Promise<Retrying> {
  const runtime = await openRuntime(harness)
  const attempts: Attempt[] = []
  const { random, outageAfter = 1000 } = options
  const subscription = defineSubscription(NAME, {
    events: OrderPlaced,
    retry,
    outageAfter,
    handle: async (order, ctx) => {
      const { attempt, laterUsed } = ctx
      const made = { name: nameOf(order.payload), attempt, laterUsed, atMs: runtime.clock.now() }
      attempts.push(made)
      // Written first: what fails must leave nothing of it.
      await recordEffect(order, ctx)
      const error = failWith(order, made)
      if (error !== undefined) throw error as Error
    },
  })
  const process = await runtime.start({
    parts: [subscription],
    ...(random === undefined ? {} : { random }),
  })
  return { runtime, process, attempts }
}

export const always = (): Error => new SampleError('E_SAMPLE')
export const numbersOf = (attempts: readonly Attempt[]): number[] =>
  attempts.map(({ attempt }) => attempt)

export function delaysOf(attempts: readonly Attempt[]): number[] {
  return attempts.slice(1).map(({ atMs }, index) => atMs - (attempts[index]?.atMs ?? 0))
}

/** How much later a handler may begin than it could: the clock goes on in steps, whatever is to be done. */
export const SLACK_MS = 250

export function rule(when: FailureRule['when'], action: FailureAction): FailureRule {
  // oxlint-disable-next-line unicorn/no-thenable -- that is what a rule of a policy is called
  return { when, then: action }
}
