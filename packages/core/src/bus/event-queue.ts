import { QueueFullError } from '../errors/queue-errors.ts'
import { UsageError } from '../errors/usage-errors.ts'
import type { Envelope } from '../contract/envelope.ts'
import type { Clock } from '../internal/clock.ts'
import { withDefaults } from '../internal/with-defaults.ts'
import { requireOneOf, requireOptions, requireWhole } from './options.ts'
import { PriorityQueue } from './priority-queue.ts'

/**
 * What a full queue does with one more event: makes the caller wait, refuses it, or gives up the
 * oldest or the lowest (never one of a higher priority than the new one) for it.
 */
export type OverflowPolicy = 'wait' | 'reject' | 'drop-oldest' | 'drop-lowest'

/** A name, or a number: higher ones first. high is 1, medium 0, low -1. */
export type Priority = 'high' | 'medium' | 'low' | number

export interface QueueOptions {
  /** Events that wait at the most; 1,000 by default. */
  readonly maxQueueSize?: number
  /** `wait` by default. */
  readonly overflow?: OverflowPolicy
  /** Events delivered side by side; 1 by default, which keeps their order. */
  readonly concurrency?: number
  /** An event rises by one priority for each of these milliseconds that it waits; 0, the default: never. */
  readonly agingMs?: number
}

export interface EnqueueOptions {
  /** `medium` by default. */
  readonly priority?: Priority
  /** Aborted before, or while it waits for room: it is not queued. What is in the queue stays there. */
  readonly signal?: AbortSignal
}

interface Queued {
  readonly event: Envelope
  readonly priority: number
  readonly sequence: number
  /** Milliseconds since the epoch; 0 without aging. */
  readonly sinceMs: number
}

interface WaitingCaller {
  readonly queued: Queued
  readonly admit: () => void
}

export interface QueuePorts {
  readonly clock: Clock
  /** Delivers an event; resolves when its handlers have ended. */
  readonly deliver: (event: Envelope) => unknown
  /** Runs the loop outside of any caller's context. */
  readonly schedule: (work: () => void) => void
  readonly onDropped: (event: Envelope, policy: OverflowPolicy, queueSize: number) => void
}

/** Events in one go; then others have their turn: a handler that enqueues without end must not stop the process. */
const TURN = 1000

const POLICIES: readonly OverflowPolicy[] = ['wait', 'reject', 'drop-oldest', 'drop-lowest']

const DEFAULTS: Required<QueueOptions> = {
  maxQueueSize: 1000,
  overflow: 'wait',
  concurrency: 1,
  agingMs: 0,
}

const named = { high: 1, medium: 0, low: -1 } as const

/**
 * Events that wait to be delivered, bounded.
 *
 * idle → draining (from the first event on, until none is left) → idle; closed for good by `close`.
 */
export class EventQueue {
  readonly #ports: QueuePorts
  readonly #options: Required<QueueOptions>
  readonly #queue = new PriorityQueue<Queued>()
  readonly #waiting: WaitingCaller[] = []
  #sequence = 0
  #running = 0
  #scheduled = false
  #idle: (() => void)[] = []
  #closed = false
  /** Not anew with each pump: handlers that go on for no more than promises are pumped behind each time. */
  #leftInTurn = TURN

  /** @throws {UsageError} an option that is no whole number from 1 up (`agingMs`: from 0), no policy */
  constructor(ports: QueuePorts, options: QueueOptions = {}) {
    this.#ports = ports
    requireOptions("the bus's queue", options)
    this.#options = withDefaults(DEFAULTS, options)
    requireOneOf("The queue's overflow", this.#options.overflow, POLICIES)
    requireWhole("The queue's maxQueueSize", this.#options.maxQueueSize)
    requireWhole("The queue's concurrency", this.#options.concurrency)
    requireWhole("The queue's agingMs", this.#options.agingMs, 0)
  }

  /** Events that wait for their delivery. */
  get size(): number {
    return this.#queue.size
  }

  /** Whether one more event has no room. */
  get full(): boolean {
    return this.#queue.size >= this.#options.maxQueueSize
  }

  get busy(): boolean {
    return this.#queue.size > 0 || this.#running > 0 || this.#waiting.length > 0
  }

  /**
   * @returns undefined where there was room, else a promise that resolves when there is
   * @throws {QueueFullError} `reject`, or `drop-lowest` when nothing lower is there
   */
  add(event: Envelope, options: EnqueueOptions = {}): Promise<void> | undefined {
    if (this.#closed)
      throw new UsageError('TIDINGS_CLOSED', 'The bus is closed: it takes no further events.')
    options.signal?.throwIfAborted()
    const queued: Queued = {
      event,
      priority: toPriority(options.priority),
      sequence: this.#sequence++,
      sinceMs: this.#options.agingMs > 0 ? this.#ports.clock.now() : 0,
    }
    if (this.#queue.size < this.#options.maxQueueSize && this.#waiting.length === 0) {
      this.#accept(queued)
      return undefined
    }
    return this.#overflow(queued, options.signal)
  }

  #accept(queued: Queued): void {
    this.#queue.push(queued, queued.priority)
    if (this.#scheduled || this.#running >= this.#options.concurrency) return
    this.#scheduled = true
    this.#ports.schedule(this.#pump)
  }

  #overflow(queued: Queued, signal: AbortSignal | undefined): Promise<void> | undefined {
    const { overflow, maxQueueSize } = this.#options
    if (overflow === 'wait') return this.#waitForRoom(queued, signal)
    const dropped = this.#makeRoom(queued)
    if (dropped === undefined) {
      this.#ports.onDropped(queued.event, overflow, maxQueueSize)
      throw new QueueFullError(queued.event.eventType, maxQueueSize)
    }
    this.#ports.onDropped(dropped.event, overflow, maxQueueSize)
    this.#accept(queued)
    return undefined
  }

  #makeRoom(queued: Queued): Queued | undefined {
    switch (this.#options.overflow) {
      case 'drop-oldest':
        return this.#takeOldest()
      case 'drop-lowest':
        return queued.priority > (this.#queue.lowest ?? queued.priority)
          ? this.#queue.dropLowest()
          : undefined
      default:
        return undefined
    }
  }

  #takeOldest(): Queued | undefined {
    let oldest: Queued | undefined
    for (const { item } of this.#queue.heads()) {
      if (oldest === undefined || item.sequence < oldest.sequence) oldest = item
    }
    return oldest === undefined ? undefined : this.#queue.shiftFrom(oldest.priority)
  }

  #waitForRoom(queued: Queued, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const caller: WaitingCaller = {
        queued,
        admit: () => {
          signal?.removeEventListener('abort', onAbort)
          this.#accept(queued)
          resolve()
        },
      }
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(caller), 1)
        reject(signal?.reason as Error)
        this.#tellIdle()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(caller)
    })
  }

  readonly #pump = (): void => {
    this.#scheduled = false
    while (this.#running < this.#options.concurrency) {
      if (this.#leftInTurn === 0 && this.#queue.size > 0) return this.#pumpLater()
      const next = this.#take()
      if (next === undefined) break
      this.#leftInTurn--
      this.#running++
      const delivery = this.#ports.deliver(next.event)
      if (!(delivery instanceof Promise)) this.#running--
      else void delivery.then(this.#onDelivered)
      this.#admitWaiting()
    }
    this.#tellIdle()
  }

  #pumpLater(): void {
    this.#scheduled = true
    setImmediate(() => {
      this.#leftInTurn = TURN
      this.#pump()
    })
  }

  readonly #onDelivered = (): void => {
    this.#running--
    if (!this.#scheduled) this.#pump()
  }

  #admitWaiting(): void {
    while (this.#waiting.length > 0 && this.#queue.size < this.#options.maxQueueSize)
      this.#waiting.shift()!.admit()
  }

  #take(): Queued | undefined {
    const { agingMs } = this.#options
    return agingMs === 0 ? this.#queue.shift() : this.#takeAged(agingMs)
  }

  /** Within a priority the first one has waited longest, so only the first ones are compared. */
  #takeAged(agingMs: number): Queued | undefined {
    const nowMs = this.#ports.clock.now()
    let best:
      | { readonly priority: number; readonly item: Queued; readonly rank: number }
      | undefined
    for (const { priority, item } of this.#queue.heads()) {
      // A clock that jumps back makes nobody younger than new.
      const rank = priority + Math.floor(Math.max(0, nowMs - item.sinceMs) / agingMs)
      const isBetter =
        best === undefined ||
        rank > best.rank ||
        (rank === best.rank && item.sequence < best.item.sequence)
      if (isBetter) best = { priority, item, rank }
    }
    return best === undefined ? undefined : this.#queue.shiftFrom(best.priority)
  }

  #tellIdle(): void {
    if (this.busy) return
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  /** Resolves when nothing waits and nothing is being delivered. */
  drain(): Promise<void> {
    if (!this.busy) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Takes no further events. What is in it is still delivered. */
  close(): void {
    this.#closed = true
  }
}

/** @throws {UsageError} no priority */
export function toPriority(priority: Priority = 'medium'): number {
  const number = typeof priority === 'string' ? named[priority] : priority
  if (Number.isFinite(number)) return number
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `A priority is 'high', 'medium', 'low' or a finite number (negative ones are below low's -1 or between); got ${String(priority)}. The event was not taken.`,
  )
}
