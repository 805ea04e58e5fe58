import type { Draft } from '../contract/definition.ts'
import type { Envelope } from '../contract/envelope.ts'
import type { StillRunning } from '../errors/queue-errors.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { currentFrame, runInFrame, runOutside, runOwnFrame, type Frame } from '../internal/flow.ts'
import { untilAborted } from '../internal/until-aborted.ts'
import type { DroppedFact, Observations } from '../observe/observations.ts'
import { abortable } from './abortable-delivery.ts'
import { checkEnqueue, checkListenerId, checkListening, checkWaiting } from './check-calls.ts'
import { checkCloseOptions, endStuckWaits, waitForClose, type CloseOptions } from './closing.ts'
import { DeliveryFrame, openDelivery } from './delivery-frame.ts'
import { deliverSync, type Delivering, type DeliveryPorts } from './delivery.ts'
import { enrich, type EnrichPorts } from './enrich.ts'
import { EventQueue, type EnqueueOptions, type QueueOptions } from './event-queue.ts'
import type {
  DrainOptions,
  Listener,
  ListenerOptions,
  PublishOptions,
  WaitOptions,
} from './event-bus.ts'
import type { EventStream, EventStreamOptions } from './event-stream.ts'
import type { Delivery, Handler, ListenerFailure, SyncDelivery } from './handler.ts'
import { keepShapes } from './kept-shapes.ts'
import { Listeners, type LateFailure } from './listeners.ts'
import { optionalSignal, requireFunction, requireOptions } from './options.ts'
import { RunningDeliveries, type Running } from './running-deliveries.ts'
import type { Selector } from './selector.ts'
import { Waits } from './waits.ts'

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
  readonly #listeners: Listeners
  readonly #waits: Waits
  readonly #deliveries = new RunningDeliveries()
  readonly #queue: EventQueue
  /** Aborted when it is closed. */
  readonly #over = new AbortController()
  #running = 0
  #idle: (() => void)[] = []
  #state: State = 'open'
  #closed: Promise<void> | undefined

  constructor(ports: BusPorts) {
    this.#ports = ports
    const { observations, timings, onFailure, clock } = ports
    const onStarted = (delivery: Running): void => {
      this.#begin()
      this.#deliveries.add(delivery)
    }
    const onEnded = (delivery: Running): void => {
      this.#deliveries.remove(delivery)
      this.#end()
    }
    this.#delivery = { observations, timings, onFailure, onStarted, onEnded }
    keepShapes()
    const end = (): void => this.#end()
    const track = (work: Promise<unknown>): void => {
      this.#begin()
      work.then(end, end)
    }
    const onLateFailure = (failure: LateFailure): void => {
      const { listenerId: handlerId, name: handler, lateFor: events, error } = failure
      if (observations.failedLate.active)
        observations.failedLate.emit({ handlerId, handler, events, error })
      onFailure(failure)
    }
    this.#listeners = new Listeners({ knownTypes: ports.knownTypes, clock, onLateFailure, track })
    this.#waits = new Waits({ clock, subscribe: (...args) => this.subscribe(...args) })
    this.#queue = new EventQueue(
      {
        clock,
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
    checkListening('subscribe()', handler, options)
    return this.#listeners.subscribe(selector, handler, options)
  }

  once(selector: Selector, handler: Handler, options: ListenerOptions = {}): Listener {
    this.#requireOpen()
    checkListening('once()', handler, options)
    return this.#listeners.once(selector, handler, options)
  }

  unsubscribe(listenerId: string): boolean {
    checkListenerId(listenerId)
    return this.#listeners.unsubscribe(listenerId)
  }

  unsubscribeHandler(handler: Handler<never>): number {
    requireFunction('What unsubscribeHandler() takes', handler)
    return this.#listeners.unsubscribeHandler(handler)
  }

  async waitFor(
    selector: Selector,
    predicate: (event: Envelope) => boolean = () => true,
    options: WaitOptions = {},
  ): Promise<Envelope> {
    checkWaiting(predicate, options)
    return this.#waits.waitFor(selector, predicate, options)
  }

  events(selector: Selector, options: EventStreamOptions = {}): EventStream<Envelope> {
    this.#requireOpen()
    requireOptions('events()', options)
    optionalSignal("events()'s signal", options.signal)
    return this.#waits.events(selector, options)
  }

  publish(event: Draft | Envelope, options?: PublishOptions): Promise<Delivery> {
    if (options !== undefined) return this.#publishWith(event, options)
    try {
      const frame = currentFrame()
      this.#requireTaking(frame)
      const envelope = enrich(event, frame, this.#ports)
      const delivering = this.#deliver(envelope, frame)
      // Made where it is resolved with: V8 sees that it has no `then`, and need not look (26 ns).
      return delivering instanceof Promise
        ? delivering
        : Promise.resolve({ event: envelope, outcomes: delivering })
    } catch (error) {
      const reason: Error = error as Error
      return Promise.reject(reason)
    }
  }

  /** Async for its errors; its first part runs at once, in the frame of the caller. */
  async #publishWith(event: Draft | Envelope, options: PublishOptions): Promise<Delivery> {
    requireOptions('publish()', options)
    optionalSignal("publish()'s signal", options.signal)
    const { signal } = options
    if (signal === undefined) return this.publish(event)
    signal.throwIfAborted()
    const frame = currentFrame()
    this.#requireTaking(frame)
    const envelope = enrich(event, frame, this.#ports)
    const { list, release } = abortable(this.#listeners.of(envelope.eventType), signal)
    const delivery = (async () => {
      const delivering = this.#deliver(envelope, frame, list)
      return delivering instanceof Promise ? delivering : { event: envelope, outcomes: delivering }
    })()
    void delivery.then(release, release)
    return untilAborted(delivery, signal, this.#ports.onBackground)
  }

  publishSync(event: Draft | Envelope): SyncDelivery {
    const frame = currentFrame()
    this.#requireTaking(frame)
    const envelope = enrich(event, frame, this.#ports)
    const list = this.#listeners.of(envelope.eventType)
    const own = new DeliveryFrame(this.#delivery, envelope, { list, within: frame })
    this.#announce(own)
    return runInFrame(own, () => {
      try {
        return deliverSync(own)
      } finally {
        own.open--
      }
    })
  }

  enqueue(event: Draft | Envelope, options?: EnqueueOptions): Promise<void> | undefined {
    if (options !== undefined) checkEnqueue(options)
    const frame = currentFrame()
    this.#requireTaking(frame)
    return this.#queue.add(enrich(event, frame, this.#ports), options)
  }

  /** Delivers what was committed, in order, without waiting for it. Never throws. */
  publishCommitted(events: readonly Envelope[]): void {
    const { published, unhandled } = this.#ports.observations
    const isSeen = published.active || unhandled.active || this.#ports.onUnhandled !== undefined
    if (this.#listeners.size === 0 && !isSeen) return
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

  /** In the frame of the event: what an observer publishes has its cause, and a depth. */
  #announce(own: DeliveryFrame): void {
    const { observations, onUnhandled } = this.#ports
    const { published, unhandled } = observations
    const isLost = own.list.entries.length === 0 && (unhandled.active || onUnhandled !== undefined)
    if (published.active || isLost) runInFrame(own, () => this.#tell(own))
  }

  #tell({ event, list: { entries } }: DeliveryFrame): void {
    const { published, unhandled } = this.#ports.observations
    if (published.active) published.emit({ event, handlers: entries.length })
    if (entries.length > 0) return
    if (unhandled.active) unhandled.emit({ event })
    this.#ports.onUnhandled?.(event)
  }

  /** Counts itself as running, and closes its frame, for as long as handlers go on. */
  #deliver(
    event: Envelope,
    within: Frame | undefined,
    list = this.#listeners.of(event.eventType),
  ): Delivering {
    const own = new DeliveryFrame(this.#delivery, event, { list, within })
    this.#announce(own)
    if (list.entries.length > 0) return runOwnFrame(own)
    own.open--
    return []
  }

  #begin(): void {
    this.#running++
  }

  #end(): void {
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

  async drain(options: DrainOptions = {}): Promise<void> {
    requireOptions('drain()', options)
    optionalSignal("drain()'s signal", options.signal)
    return untilAborted(this.#drain(), options.signal, this.#ports.onBackground)
  }

  async #drain(): Promise<void> {
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
  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options)
    this.#closed ??= this.#close()
    if (this.#isWithin(currentFrame())) return undefined
    return waitForClose(this.#closed, options, {
      clock: this.#ports.clock,
      stillRunning: () => this.stillRunning(0),
      giveUp: (error) => this.giveUp(error),
      onBackground: this.#ports.onBackground,
    })
  }

  /**
   * From here on only what is under way may publish, and nobody holds it up: no batch that fills, no
   * full buffer, no wait for an event that cannot come any more.
   *
   * @param isBusyElsewhere whether something beside handlers is under way that may publish
   */
  beginClosing(isBusyElsewhere: () => boolean = () => false): void {
    if (this.#state !== 'open') return
    this.#state = 'draining'
    this.#listeners.release()
    // None can begin any more, so without one there is nothing to watch.
    if (this.#waits.size === 0) return
    const watching = {
      clock: this.#ports.clock,
      deliveries: this.#deliveries,
      waits: this.#waits,
      published: this.#ports.observations.published,
      isBusyElsewhere: () => isBusyElsewhere() || this.#listeners.closing > 0,
      closed,
    }
    runOutside(() => endStuckWaits(watching, this.#over.signal)).catch(this.#ports.onBackground)
  }

  stillRunning(commands: number): StillRunning {
    return { deliveries: this.#deliveries.describe(), queued: this.queueSize, commands }
  }

  /** Tells all that still runs to stop: it may end as it likes, but nobody waits for it. */
  giveUp(reason: unknown): void {
    this.#listeners.abortAll(reason)
    this.#waits.endAll(closed())
  }

  async #close(): Promise<void> {
    this.beginClosing()
    await this.#drain()
    // One after the other, and those that hold nothing last: they hear what the others end with.
    for (const entry of this.#listeners.all()) {
      if (entry.handler.close === undefined) continue
      this.#listeners.end(entry)
      await this.#drain()
    }
    for (const entry of this.#listeners.all()) this.#listeners.end(entry)
    this.#state = 'closed'
    this.#over.abort()
    this.#queue.close()
    this.#waits.endAll(closed())
  }

  /** Whether the code that runs now is part of a delivery of this bus, which a close waits for. */
  #isWithin(frame: Frame | undefined): boolean {
    let at = openDelivery(frame)
    while (at !== undefined && at.ports !== this.#delivery) at = at.outer
    return at !== undefined
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

function closed(): UsageError {
  return new UsageError(
    'TIDINGS_CLOSED',
    'The bus is closed: it takes no further events and no listeners.',
  )
}
