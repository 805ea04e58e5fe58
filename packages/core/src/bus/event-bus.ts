import type { Draft } from '../contract/definition.ts'
import type { Envelope } from '../contract/envelope.ts'
import type { EnqueueOptions } from './event-queue.ts'
import type { EventStream, EventStreamOptions } from './event-stream.ts'
import type { Delivery, Handler, SyncDelivery } from './handler.ts'
import type { CheckedSelector, Selected, Selector } from './selector.ts'

export interface ListenerOptions {
  /** For outcomes, statistics and messages; the handler's name, or the selector, by default. */
  readonly name?: string
  /** Higher ones are called first; 0 by default, and then in the order of subscribing. */
  readonly priority?: number
  /** Ends the listener when it is aborted. */
  readonly signal?: AbortSignal
}

/** An ephemeral interest in events. (A durable one is a subscription.) */
export interface Listener extends Disposable {
  readonly id: string
  /** Ends it: no event reaches it from now on, not even one whose delivery is under way. Twice is once. */
  unsubscribe(): void
}

export interface WaitOptions {
  /**
   * Milliseconds; without one it waits until the signal or the bus's close ends it. A close waits for a
   * handler's wait with a limit; one without it gives up once nothing is left that could bring the event.
   */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface PublishOptions {
  /**
   * Aborted before: nobody is called. Aborted while handlers run: `ctx.signal` of each of them is aborted
   * too, and the call rejects with the signal's reason. It takes the event back from nobody: every
   * handler was or will be called, and its outcome is observed as ever.
   */
  readonly signal?: AbortSignal
}

export interface DrainOptions {
  /** Ends the waiting, with the signal's reason, and nothing else. */
  readonly signal?: AbortSignal
}

/**
 * Typed publish and subscribe within the process. Ephemeral: who is not there misses it.
 *
 * - Handlers of an event are called in the order of priority, then of subscribing; asynchronous ones go
 *   on side by side. One that fails touches no other: its error is in the outcome, at the observation
 *   point `handled`, and goes to `onFailure`.
 * - One that subscribes during a delivery hears the next event; one that unsubscribes hears nothing more.
 * - An event published within a handler is delivered at once, before the outer one goes on to its next
 *   handler; more than 100 within each other are refused with the loop's names. `enqueue` waits its turn.
 * - The same handler subscribed twice is called twice.
 */
export interface EventBus<Known extends Envelope = Envelope> {
  /** @throws {UsageError} the selector matches no event that the application knows; the bus is closed */
  subscribe<const S extends Selector>(
    selector: S & CheckedSelector<S, Known>,
    handler: Handler<Selected<S, Known>>,
    options?: ListenerOptions,
  ): Listener
  /**
   * A listener of one event: it ends before that is handled, so another one that comes meanwhile does
   * not reach it. Its signal is aborted when the handler has ended.
   */
  once<const S extends Selector>(
    selector: S & CheckedSelector<S, Known>,
    handler: Handler<Selected<S, Known>>,
    options?: ListenerOptions,
  ): Listener
  /** @returns whether there was one */
  unsubscribe(listenerId: string): boolean
  /** Ends every listener of a handler. @returns how many there were */
  unsubscribeHandler(handler: Handler<never>): number
  /**
   * The next event that fits.
   *
   * @throws {TimeoutError} none came in time
   * @throws the signal's reason; {@link UsageError} `TIDINGS_CLOSED` when the bus is closed meanwhile, or
   *   drains and nothing is left that could bring the event
   */
  waitFor<const S extends Selector>(
    selector: S & CheckedSelector<S, Known>,
    predicate?: (event: Selected<S, Known>) => boolean,
    options?: WaitOptions,
  ): Promise<Selected<S, Known>>
  /** The events that come from now on, for one `for await` loop, through a bounded buffer. */
  events<const S extends Selector>(
    selector: S & CheckedSelector<S, Known>,
    options?: EventStreamOptions,
  ): EventStream<Selected<S, Known>>
  /**
   * Delivers an event, and resolves with what each handler made of it. A draft gets its id, time and
   * cause here. It is not stored: commands and the store do that.
   *
   * @throws {ContractError} the payload does not fit its contract: nobody was called
   * @throws {PublishDepthError} handlers publish each other without end
   * @throws the signal's reason
   */
  publish(event: Draft | Envelope, options?: PublishOptions): Promise<Delivery>
  /** Runs synchronous handlers only, and names the asynchronous ones. @throws as `publish` does */
  publishSync(event: Draft | Envelope): SyncDelivery
  /**
   * Puts an event into the bounded queue. Its cause is that of this call, whenever it is delivered.
   *
   * A handler that the queue runs must not await room in it: with `concurrency` 1 it waits for itself.
   *
   * @returns undefined where there was room at once; under `wait` a promise that resolves when there is
   * @throws {QueueFullError} as the overflow policy says
   * @throws the signal's reason, where it is aborted before; while the call waits the promise rejects with it
   */
  enqueue(event: Draft | Envelope, options?: EnqueueOptions): Promise<void> | undefined
  /** Resolves when the queue is empty and no handler runs any more; so no handler may await it. */
  drain(options?: DrainOptions): Promise<void>
  /** Events that wait in the queue. */
  readonly queueSize: number
}
