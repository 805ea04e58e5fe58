import type { Envelope } from '../../contract/envelope.ts'
import { isAsyncHandler, type HandlerContext } from '../handler.ts'
import { currentFrame, runInFrame, type Frame } from '../../internal/flow.ts'

/**
 * What operators wrap: a handler of events, and just as well of batches or windows of them. So
 * `retry` and `timeout` fit around a batch's function too.
 */
export interface Work<In> {
  (input: In, ctx: HandlerContext): unknown
  /** Called once no further input will come. Resolves when nothing is held any more. */
  close?(ctx: HandlerContext): Promise<void> | void
  /** Called when the bus begins to close: holds no caller up from now on. Input still comes. */
  release?(): void
  readonly isAsync?: boolean
}

export interface OperatorParts<In> {
  readonly run: (input: In, ctx: HandlerContext) => unknown
  /** Whether it answers with a promise whatever it wraps. */
  readonly isAsync?: boolean
  /** Lets go of what the operator itself holds back, before what it wraps is closed. */
  readonly finish?: (ctx: HandlerContext) => Promise<void> | void
  /** Stops holding callers up. */
  readonly release?: () => void
}

/** Makes an operator's handler: named as what it wraps, asynchronous as that is, closed with it. */
export function operator<In>(
  wrapped: Work<never> | readonly Work<never>[],
  { run, isAsync, finish, release }: OperatorParts<In>,
): Work<In> {
  const inner = typeof wrapped === 'function' ? [wrapped] : wrapped
  const handler: Work<In> = (input, ctx) => run(input, ctx)
  const closes = finish !== undefined || inner.some((one) => one.close !== undefined)
  const releases = release !== undefined || inner.some((one) => one.release !== undefined)
  return Object.defineProperties(handler, {
    name: { value: inner.length === 1 ? inner[0]!.name : '' },
    isAsync: { value: isAsync ?? inner.some(isAsyncHandler) },
    // Only where there is something to close: a listener without it ends at once.
    ...(closes ? { close: { value: (ctx: HandlerContext) => closeAll(ctx, inner, finish) } } : {}),
    ...(releases ? { release: { value: () => releaseAll(inner, release) } } : {}),
  })
}

function releaseAll(inner: readonly Work<never>[], release: (() => void) | undefined): void {
  release?.()
  for (const one of new Set(inner)) one.release?.()
}

/** Closes all, also behind one that fails; then says what failed. */
async function closeAll(
  ctx: HandlerContext,
  inner: readonly Work<never>[],
  finish: OperatorParts<never>['finish'],
): Promise<void> {
  const errors: unknown[] = []
  const steps = [() => finish?.(ctx), ...[...new Set(inner)].map((one) => () => one.close?.(ctx))]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, 'Several handlers failed while closing.')
}

/**
 * Runs work that is about several events: it has no one cause, and belongs to no one's transaction. But it is a
 * part of the delivery in which it is done: a loop through it has a depth, and a close within it cannot wait for it.
 */
export function runForMany<Result>(work: () => Result): Result {
  const many: Frame = { delivery: currentFrame()?.delivery }
  return runInFrame(many, work)
}

/** The context of work about several events: no publisher of one of them may abort it for the others. */
export function contextForMany(ctx: HandlerContext): HandlerContext {
  const { signal, listenerSignal } = ctx
  return signal === listenerSignal ? ctx : { ...ctx, signal: listenerSignal }
}

/** The events that an input is about: itself, a batch's, a window's; none of anything else. */
export function eventsOf(input: unknown): readonly Envelope[] {
  const { events = input } = (input ?? {}) as { readonly events?: unknown }
  const all: readonly unknown[] = Array.isArray(events) ? events : [events]
  return all.filter(
    (one) => typeof (one as Partial<Envelope> | null)?.eventType === 'string',
  ) as never
}

/** Counts what is under way, and says when nothing is. */
export class Tally {
  #count = 0
  #idle: (() => void)[] = []

  begin(): void {
    this.#count++
  }

  end(): void {
    if (--this.#count > 0) return
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }
}
