import type { Envelope } from '../contract/envelope.ts'
import type { Clock } from '../internal/clock.ts'
import type { Listener, ListenerOptions } from './event-bus.ts'
import {
  isAsyncHandler,
  isThenable,
  type Handler,
  type HandlerContext,
  type ListenerFailure,
} from './handler.ts'
import { ListenerTable, type ListenerEntry, type ListenerList } from './listener-table.ts'
import { OwnListener } from './own-listener.ts'
import { compileSelector, type Selector } from './selector.ts'

export interface ListenerPorts {
  /** The types that there are; undefined where any name may come. */
  readonly knownTypes: Iterable<string> | undefined
  readonly clock: Clock
  /** Told of failures that no outcome can carry. */
  readonly onLateFailure: (failure: LateFailure) => void
  /** Told of work that goes on when the caller has returned: a listener's last event, its closing. */
  readonly track: (work: Promise<unknown>) => void
}

/** A failure that came when there was no outcome left to carry it. */
export type LateFailure = ListenerFailure & Required<Pick<ListenerFailure, 'lateFor'>>

function onlyOf(events: readonly Envelope[]): Envelope | undefined {
  return events.length === 1 ? events[0] : undefined
}

/**
 * The listeners of a bus, each from its subscribing to its end.
 *
 * A listener: listening → ending (takes no event; its last one and its `close` go on) → ended (its
 * signal is aborted).
 */
export class Listeners {
  readonly #ports: ListenerPorts
  readonly #table = new ListenerTable()
  /** Aborts a listener's signal and lets go of the one that it was given, by its id. */
  readonly #aborts = new Map<string, (reason?: unknown) => void>()
  /** What `once` was given, by what it subscribed. */
  readonly #wrapped = new WeakMap<Handler, Handler>()
  #lastId = 0
  #closing = 0

  constructor(ports: ListenerPorts) {
    this.#ports = ports
  }

  get size(): number {
    return this.#table.size
  }

  /** How many handlers finish with what they held back, which may publish. */
  get closing(): number {
    return this.#closing
  }

  all(): readonly ListenerEntry[] {
    return this.#table.all()
  }

  /** Who hears events of a type. */
  of(type: string): ListenerList {
    return this.#table.of(type)
  }

  subscribe(selector: Selector, handler: Handler, options: ListenerOptions): Listener {
    options.signal?.throwIfAborted()
    const own = this.#make(selector, handler, options)
    this.#table.add(own)
    const unsubscribe = (): void => void this.end(own)
    // Removed by hand: a listener's own `signal` option leaves 2 kB behind on a signal that lasts.
    options.signal?.addEventListener('abort', unsubscribe, { once: true })
    this.#aborts.set(own.id, (reason) => {
      options.signal?.removeEventListener('abort', unsubscribe)
      own.abort(reason)
    })
    return { id: own.id, unsubscribe, [Symbol.dispose]: unsubscribe }
  }

  #make(selector: Selector, handler: Handler, options: ListenerOptions): OwnListener {
    const { knownTypes, clock, onLateFailure } = this.#ports
    const compiled = compileSelector(selector, knownTypes)
    const id = `listener-${++this.#lastId}`
    const name = options.name ?? (handler.name === '' ? compiled.description : handler.name)
    const reportFailure = (error: unknown, lateFor: readonly Envelope[] = []): void =>
      onLateFailure({ listenerId: id, name, event: onlyOf(lateFor), lateFor, error })
    const priority = options.priority ?? 0
    return new OwnListener({
      id,
      name,
      selector: compiled,
      handler,
      priority,
      clock,
      reportFailure,
    })
  }

  once(selector: Selector, handler: Handler, options: ListenerOptions): Listener {
    const last: Handler = (event, ctx) => this.#handleLast(listener.id, () => handler(event, ctx))
    Object.defineProperties(last, {
      name: { value: handler.name },
      isAsync: { value: isAsyncHandler(handler) },
      ...(handler.close && { close: { value: (ctx: HandlerContext) => handler.close?.(ctx) } }),
      ...(handler.release && { release: { value: () => handler.release?.() } }),
    })
    this.#wrapped.set(last, handler)
    const listener = this.subscribe(selector, last, options)
    return listener
  }

  unsubscribe(listenerId: string): boolean {
    const entry = this.#table.get(listenerId)
    return entry !== undefined && this.end(entry)
  }

  unsubscribeHandler(handler: Handler<never>): number {
    const entries = this.#table
      .all()
      .filter((entry) => (this.#wrapped.get(entry.handler) ?? entry.handler) === handler)
    for (const entry of entries) this.end(entry)
    return entries.length
  }

  /** Takes no further event, but has until its handler has ended before its signal is aborted. */
  #handleLast(listenerId: string, handle: () => unknown): unknown {
    const entry = this.#table.get(listenerId)!
    this.#remove(entry)
    let answer: unknown
    try {
      answer = handle()
      return answer
    } finally {
      this.#finish(entry, isThenable(answer) ? answer : undefined)
    }
  }

  end(entry: ListenerEntry): boolean {
    if (!this.#remove(entry)) return false
    this.#finish(entry)
    return true
  }

  #remove(entry: ListenerEntry): boolean {
    entry.active = false
    return this.#table.remove(entry)
  }

  /** @param answer of a handler that goes on with its last event */
  #finish(entry: ListenerEntry, answer?: PromiseLike<unknown>): void {
    const closing = this.#closeHandler(entry)
    const abort = (): void => {
      this.#aborts.get(entry.id)?.()
      this.#aborts.delete(entry.id)
    }
    if (closing === undefined && answer === undefined) abort()
    else this.#ports.track(Promise.allSettled([closing, answer]).then(abort))
  }

  /** Lets a handler that holds events back finish with them; a failure of that has its owner too. */
  #closeHandler(entry: ListenerEntry): Promise<void> | undefined {
    if (entry.handler.close === undefined) return undefined
    this.#closing++
    return Promise.resolve()
      .then(() => entry.handler.close?.(entry.context))
      .catch((error: unknown) => {
        entry.context.reportFailure(error)
      })
      .finally(() => {
        this.#closing--
      })
  }

  /** Tells every handler to hold no caller up any more. */
  release(): void {
    for (const { handler, context } of this.#table.all()) {
      try {
        handler.release?.()
      } catch (error) {
        context.reportFailure(error)
      }
    }
  }

  /** Aborts every signal, also of those that have yet to end; they are told no other way. */
  abortAll(reason: unknown): void {
    for (const abort of this.#aborts.values()) abort(reason)
  }
}
