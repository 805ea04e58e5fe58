import type { Envelope } from '../contract/envelope.ts'
import type { Clock } from '../internal/clock.ts'

/** What a handler is told beside the event. Its functions need no `this`. */
export interface HandlerContext {
  /** The listener (or subscription) that the handler belongs to. */
  readonly listenerId: string
  readonly name: string
  /**
   * Stop what takes long for this event: aborted when the listener ends, when the close of the bus takes
   * longer than it may, and, while the handler runs, when who published the event gives it up.
   */
  readonly signal: AbortSignal
  /** Aborted when the listener ends, and by no publisher: for what is about more than this event. */
  readonly listenerSignal: AbortSignal
  readonly clock: Clock
  /**
   * Takes what fails later than the event it came with: no outcome can carry that any more.
   *
   * @param events those that it is about, so that none of their sensitive values are shown with it
   */
  readonly reportFailure: (error: unknown, events?: readonly Envelope[]) => void
}

/**
 * Whatever handles events: a function. One that holds events back (a batch, a window) also has `close`,
 * which finishes with what it holds; and where its callers wait for that, `release`. Operators take a
 * handler and answer with one.
 */
export interface Handler<E extends Envelope = Envelope> {
  (event: E, ctx: HandlerContext): unknown
  /** Called once, when no further event will come. Resolves when nothing is held any more. */
  close?(ctx: HandlerContext): Promise<void> | void
  /**
   * Called once, when the bus begins to close and before it waits for what is under way: let go of the
   * callers that wait for more events to come, and hold up none from now on. Events still come. Without
   * it a handler whose promise waits for later events holds the close up, since none may come.
   */
  release?(): void
  /** Set by an operator, whose function does not show whether what it wraps is asynchronous. */
  readonly isAsync?: boolean
}

/** What one handler made of one event. */
export type Outcome = HandledOutcome | FailedOutcome

export interface HandledOutcome {
  readonly listenerId: string
  readonly name: string
  readonly failed: false
  /** Milliseconds; there where `timings` or an observer of `handled` asks for it. */
  readonly durationMs?: number
}

export interface FailedOutcome {
  readonly listenerId: string
  readonly name: string
  readonly failed: true
  /** What it threw or rejected with; may be anything, `undefined` too. */
  readonly error: unknown
  readonly durationMs?: number
}

/** What became of one event. */
export interface Delivery<E extends Envelope = Envelope> {
  readonly event: E
  /** One per handler, in the order in which they were called. */
  readonly outcomes: readonly Outcome[]
}

/** The delivery of {@link EventBus.publishSync}: asynchronous handlers have no outcome in it. */
export interface SyncDelivery<E extends Envelope = Envelope> extends Delivery<E> {
  /** The handlers that were not run because they are asynchronous, or that turned out to be when run. */
  readonly asynchronous: readonly {
    readonly listenerId: string
    readonly name: string
    readonly started: boolean
  }[]
}

/** A failed handler: nobody else is touched by it, and it is handed to whoever owns failures. */
export interface ListenerFailure {
  readonly listenerId: string
  readonly name: string
  /** Undefined where no one event is to blame: a window or a batch of several, or none at all. */
  readonly event: Envelope | undefined
  /** Of a failure that came later than any outcome, as of a window that ends by time: what it is about. */
  readonly lateFor?: readonly Envelope[]
  readonly error: unknown
}

/** Whether a handler is known to answer with a promise before it is called. */
export function isAsyncHandler(handler: { readonly isAsync?: boolean }): boolean {
  return handler.isAsync ?? handler.constructor.name === 'AsyncFunction'
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Promise || typeof (value as { then?: unknown }).then === 'function'
}
