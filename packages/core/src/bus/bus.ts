import type { Draft } from '../contract/definition.ts'
import type { Envelope } from '../contract/envelope.ts'
import { TimeoutError } from '../errors/queue-errors.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { currentFrame, runInFrame, runOutside, runOwnFrame, type Frame } from '../internal/flow.ts'
import type { DroppedFact, Observations } from '../observe/observations.ts'
import { DeliveryFrame } from './delivery-frame.ts'
import { deliverSync, type DeliveryPorts } from './delivery.ts'
import { enrich, type EnrichPorts } from './enrich.ts'
import { EventQueue, type EnqueueOptions, type QueueOptions } from './event-queue.ts'
import type { Listener, ListenerOptions, WaitOptions } from './event-bus.ts'
import { BufferedStream, type EventStream, type EventStreamOptions } from './event-stream.ts'
import {
  isAsyncHandler,
  isThenable,
  type Delivery,
  type Handler,
  type HandlerContext,
  type ListenerFailure,
  type SyncDelivery,
} from './handler.ts'
import { ListenerTable, type ListenerEntry } from './listener-table.ts'
import { compileSelector, type Selector } from './selector.ts'

/** What a bus is made of. */
export interface BusPorts extends EnrichPorts {
  /** The types that there are; undefined where any name may come. */
  readonly knownTypes: Iterable<string> | undefined
  readonly observations: Observations
  readonly onFailure: (failure: ListenerFailure) => void
  /** Owns what has neither a caller nor a listener. */
  readonly onBackground: (error: unknown) => void
  readonly onUnhandled: ((event: Envelope) => void) | undefined
  readonly timings: boolean
  readonly queue: QueueOptions | undefined
}

type State = 'open' | 'draining' | 'closed'

/** open → draining (by `close`: what is under way ends; it may still publish) → closed. */
export class Bus {
  readonly #ports: BusPorts
  readonly #delivery: DeliveryPorts
  readonly #table = new ListenerTable()
  /** Aborts a listener's signal and lets go of the one that it was given, by its id. */
  readonly #aborts = new Map<string, () => void>()
  readonly #queue: EventQueue
  /** What `once` was given, by what it subscribed. */
  readonly #wrapped = new WeakMap<Handler, Handler>()
  readonly #closers = new Set<(error: UsageError) => void>()
  #running = 0
  #idle: (() => void)[] = []
  #lastId = 0
  #state: State = 'open'
  #closed: Promise<void> | undefined

  constructor(ports: BusPorts) {
    this.#ports = ports
    const { observations, timings, onFailure } = ports
    const onStarted = (): void => void this.#running++
    this.#delivery = { observations, timings, onFailure, onStarted, onEnded: this.#onEnded }
    this.#queue = new EventQueue(
      {
        clock: ports.clock,
        deliver: (event) => this.#deliver(event, currentFrame()),
        schedule: (work) => runOutside(() => queueMicrotask(work)),
        onDropped: (event, policy, queueSize) => {
          const fact: DroppedFact = { event, policy, queueSize }
          if (observations.dropped.active) observations.dropped.emit(fact)
        },
      },
      ports.queue,
    )
  }

  subscribe(selector: Selector, handler: Handler, options: ListenerOptions = {}): Listener {
    this.#requireOpen()
    options.signal?.throwIfAborted()
    const compiled = compileSelector(selector, this.#ports.knownTypes)
    const id = `listener-${++this.#lastId}`
    const name = options.name ?? (handler.name === '' ? compiled.description : handler.name)
    const controller = new AbortController()
    const context: HandlerContext = {
      listenerId: id,
      name,
      signal: controller.signal,
      clock: this.#ports.clock,
      reportFailure: (error) =>
        this.#ports.onFailure({ listenerId: id, name, event: undefined, error }),
    }
    const entry: ListenerEntry = {
      id,
      name,
      selector: compiled,
      handler,
      context,
      priority: options.priority ?? 0,
      isAsync: isAsyncHandler(handler),
      handled: Object.freeze({ listenerId: id, name, failed: false }),
      active: true,
    }
    this.#table.add(entry)
    const unsubscribe = (): void => void this.#end(entry)
    // Removed by hand: a listener's own `signal` option leaves 2 kB behind on a signal that lasts.
    options.signal?.addEventListener('abort', unsubscribe, { once: true })
    this.#aborts.set(id, () => {
      options.signal?.removeEventListener('abort', unsubscribe)
      controller.abort()
    })
    return { id, unsubscribe, [Symbol.dispose]: unsubscribe }
  }

  once(selector: Selector, handler: Handler, options?: ListenerOptions): Listener {
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
    return entry !== undefined && this.#end(entry)
  }

  unsubscribeHandler(handler: Handler<never>): number {
    const entries = this.#table
      .all()
      .filter((entry) => (this.#wrapped.get(entry.handler) ?? entry.handler) === handler)
    for (const entry of entries) this.#end(entry)
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

  #end(entry: ListenerEntry): boolean {
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
    else this.#track(Promise.allSettled([closing, answer]).then(abort))
  }

  /** Lets a handler that holds events back finish with them; a failure of that has its owner too. */
  #closeHandler(entry: ListenerEntry): Promise<void> | undefined {
    if (entry.handler.close === undefined) return undefined
    return Promise.resolve()
      .then(() => entry.handler.close?.(entry.context))
      .catch((error: unknown) => {
        entry.context.reportFailure(error)
      })
  }

  waitFor(
    selector: Selector,
    predicate: (event: Envelope) => boolean = () => true,
    { timeoutMs, signal }: WaitOptions = {},
  ): Promise<Envelope> {
    if (timeoutMs !== undefined && !(timeoutMs >= 0 && timeoutMs < Number.POSITIVE_INFINITY))
      return Promise.reject(invalidTimeout(timeoutMs))
    return new Promise((resolve, reject) => {
      const stop = new AbortController()
      const end = (): void => {
        listener.unsubscribe()
        this.#closers.delete(fail)
        signal?.removeEventListener('abort', onAbort)
        stop.abort()
      }
      const fail = (error: unknown): void => {
        end()
        const reason: Error = error as Error
        reject(reason)
      }
      const onAbort = (): void => fail(signal?.reason)
      const listener = this.subscribe(selector, (event) => {
        if (!predicate(event)) return
        end()
        resolve(event)
      })
      this.#closers.add(fail)
      if (signal?.aborted === true) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      if (timeoutMs === undefined) return
      this.#ports.clock.sleep(timeoutMs, { signal: stop.signal }).then(
        () => fail(new TimeoutError('The event that was waited for', timeoutMs)),
        // The sleep was ended because the event came: there is nothing more to say.
        () => undefined,
      )
    })
  }

  events(selector: Selector, options: EventStreamOptions = {}): EventStream<Envelope> {
    options.signal?.throwIfAborted()
    const stream = new BufferedStream<Envelope>(options, () => {
      listener.unsubscribe()
      this.#closers.delete(onClose)
      options.signal?.removeEventListener('abort', onAbort)
    })
    const onClose = (): void => stream.end()
    const onAbort = (): void => stream.end({ error: options.signal?.reason })
    const push: Handler = (event) => stream.push(event)
    push.release = () => stream.release()
    const listener = this.subscribe(selector, push, { name: 'events()' })
    this.#closers.add(onClose)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    return stream
  }

  publish(event: Draft | Envelope): Promise<Delivery> {
    try {
      const frame = currentFrame()
      this.#requireTaking(frame)
      return Promise.resolve(this.#deliver(enrich(event, frame, this.#ports), frame))
    } catch (error) {
      const reason: Error = error as Error
      return Promise.reject(reason)
    }
  }

  publishSync(event: Draft | Envelope): SyncDelivery {
    const frame = currentFrame()
    this.#requireTaking(frame)
    const envelope = enrich(event, frame, this.#ports)
    const list = this.#table.of(envelope.eventType)
    const own = new DeliveryFrame(this.#delivery, envelope, { list, within: frame })
    this.#announce(envelope, list.entries.length)
    return runInFrame(own, () => {
      try {
        return deliverSync(own)
      } finally {
        own.open = false
      }
    })
  }

  enqueue(event: Draft | Envelope, options?: EnqueueOptions): Promise<void> | undefined {
    const frame = currentFrame()
    this.#requireTaking(frame)
    return this.#queue.add(enrich(event, frame, this.#ports), options)
  }

  /** Delivers what was committed, in order, without waiting for it. Never throws. */
  publishCommitted(events: readonly Envelope[]): void {
    const { published, unhandled } = this.#ports.observations
    const isSeen = published.active || unhandled.active || this.#ports.onUnhandled !== undefined
    if (this.#table.size === 0 && !isSeen) return
    const frame = currentFrame()
    for (const event of events) {
      try {
        void this.#deliver(event, frame)
      } catch (error) {
        // A loop of handlers. What is committed must not seem to have failed because of it.
        this.#ports.onBackground(error)
      }
    }
  }

  #announce(event: Envelope, handlers: number): void {
    const { published, unhandled } = this.#ports.observations
    if (published.active) published.emit({ event, handlers })
    if (handlers > 0) return
    if (unhandled.active) unhandled.emit({ event })
    this.#ports.onUnhandled?.(event)
  }

  /** Counts itself as running, and closes its frame, for as long as handlers go on. */
  #deliver(event: Envelope, within: Frame | undefined): Delivery | Promise<Delivery> {
    const list = this.#table.of(event.eventType)
    const own = new DeliveryFrame(this.#delivery, event, { list, within })
    this.#announce(event, list.entries.length)
    return list.entries.length === 0 ? { event, outcomes: [] } : runOwnFrame(own)
  }

  #track(work: Promise<unknown>): void {
    this.#running++
    work.then(this.#onEnded, this.#onEnded)
  }

  readonly #onEnded = (): void => {
    if (--this.#running > 0) return
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  get queueSize(): number {
    return this.#queue.size
  }

  /** Whether the queue holds all that it may. */
  get queueFull(): boolean {
    return this.#queue.full
  }

  /** Whether a handler runs or an event waits. */
  get busy(): boolean {
    return this.#running > 0 || this.#queue.busy
  }

  async drain(): Promise<void> {
    while (this.busy) {
      await this.#queue.drain()
      if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  /**
   * Takes no new listeners; lets what is queued and under way end, and what it publishes; then closes
   * the handlers that hold events back, in the order of subscribing (what they publish reaches those
   * behind them, and those that hold nothing), and ends every wait. Twice is once. Within a handler it
   * resolves at once, and closes after that one: it could not wait for it.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    const frame = currentFrame()
    return frame instanceof DeliveryFrame && frame.open ? Promise.resolve() : this.#closed
  }

  /** Lets go of whoever is held up by a batch that fills or a buffer that is full. */
  release(): void {
    for (const { handler, context } of this.#table.all()) {
      try {
        handler.release?.()
      } catch (error) {
        context.reportFailure(error)
      }
    }
  }

  async #close(): Promise<void> {
    this.#state = 'draining'
    this.release()
    await this.drain()
    // One after the other, and those that hold nothing last: they hear what the others end with.
    for (const entry of this.#table.all()) {
      if (entry.handler.close === undefined) continue
      this.#end(entry)
      await this.drain()
    }
    for (const entry of this.#table.all()) this.#end(entry)
    this.#state = 'closed'
    this.#queue.close()
    for (const end of this.#closers) end(closed())
  }

  #requireOpen(): void {
    if (this.#state !== 'open') throw closed()
  }

  /** While it drains, what is under way may still publish what it has to. */
  #requireTaking(frame: ReturnType<typeof currentFrame>): void {
    if (this.#state === 'open' || (this.#state === 'draining' && frame !== undefined)) return
    throw closed()
  }
}

function invalidTimeout(timeoutMs: number): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `'timeoutMs' is a number of milliseconds from 0 up; got ${timeoutMs}. Leave it out to wait without one.`,
  )
}

function closed(): UsageError {
  return new UsageError(
    'TIDINGS_CLOSED',
    'The bus is closed: it takes no further events and no listeners.',
  )
}
