import type { Envelope } from '../contract/envelope.ts'
import type { Observations } from '../observe/observations.ts'
import {
  isThenable,
  type Delivery,
  type ListenerFailure,
  type Outcome,
  type SyncDelivery,
} from './handler.ts'
import type { ListenerEntry, ListenerList } from './listener-table.ts'
import type { Running } from './running-deliveries.ts'

/** What a delivery needs of its bus. */
export interface DeliveryPorts {
  readonly observations: Observations
  readonly timings: boolean
  readonly onFailure: (failure: ListenerFailure) => void
  /** An asynchronous handler was started: the delivery goes on after its publish has returned. */
  readonly onStarted: (delivery: Running) => void
  readonly onEnded: (delivery: Running) => void
}

/** An event on its way to its listeners. */
export interface Dispatch {
  readonly ports: DeliveryPorts
  readonly event: Envelope
  readonly list: ListenerList
  /** The delivery that it was published in, while that is open. */
  readonly outer: object | undefined
  /** How many hold it open; 0: the last handler has ended. */
  open: number
}

/** The outcomes at once where all handlers were synchronous, a promise where one goes on. */
export type Delivering = readonly Outcome[] | Promise<Delivery>

/**
 * Calls every listener with the event, one after the other; asynchronous ones go on side by side.
 * Nothing that one of them throws reaches another.
 */
export function deliver(dispatch: Dispatch, { entries, handled }: ListenerList): Delivering {
  const { ports, event } = dispatch
  if (ports.timings || ports.observations.handled.active) return deliverTimed(dispatch, entries)
  // Nearly always all handle it: an array of its own is made only for what differs from that.
  let outcomes: Outcome[] | undefined
  let running: RunningDelivery | undefined
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!
    if (!entry.active) {
      outcomes ??= handled.slice(0, index)
      continue
    }
    outcomes?.push(entry.handled)
    const at = outcomes === undefined ? index : outcomes.length - 1
    try {
      const answer = entry.handler(event, entry.context)
      if (isThenable(answer)) (running ??= new RunningDelivery(dispatch)).join(answer, at, entry)
    } catch (error) {
      outcomes ??= handled.slice(0, index + 1)
      outcomes[at] = failedOutcome(ports, event, { entry, error })
    }
  }
  return running === undefined ? (outcomes ?? handled) : running.wait(outcomes ?? handled)
}

interface FailedCall {
  readonly entry: ListenerEntry
  readonly error: unknown
  readonly durationMs?: number
}

function failedOutcome(
  ports: DeliveryPorts,
  event: Envelope,
  { entry, error, durationMs }: FailedCall,
): Outcome {
  const { id: listenerId, name } = entry
  ports.onFailure({ listenerId, name, event, error })
  return durationMs === undefined
    ? { listenerId, name, failed: true, error }
    : { listenerId, name, failed: true, error, durationMs }
}

/**
 * Waits for the asynchronous handlers of one event with one counter and one promise: `allSettled`
 * takes three times as long for ten of them.
 */
export class RunningDelivery implements Running {
  readonly dispatch: Dispatch
  previous: Running | undefined
  next: Running | undefined
  readonly #promise: Promise<Delivery>
  #outcomes: readonly Outcome[] = []
  left = 0
  #resolve: (delivery: Delivery) => void = () => undefined

  constructor(dispatch: Dispatch) {
    this.dispatch = dispatch
    dispatch.open++
    dispatch.ports.onStarted(this)
    this.#promise = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  join(answer: PromiseLike<unknown>, at: number, entry: ListenerEntry): void {
    this.left++
    void toPromise(answer).then(this.#settle, (error: unknown) => {
      try {
        const outcomes = [...this.#outcomes]
        outcomes[at] = failedOutcome(this.dispatch.ports, this.dispatch.event, { entry, error })
        this.#outcomes = outcomes
      } finally {
        // Also when the owner of failures throws: a drain must not wait for it for ever.
        this.#settle()
      }
    })
  }

  /** For a caller that writes the outcome itself. */
  joinTimed(answer: PromiseLike<unknown>, end: (failed: boolean, error: unknown) => void): void {
    this.left++
    void toPromise(answer)
      .then(
        () => end(false, undefined),
        (error: unknown) => end(true, error),
      )
      .finally(this.#settle)
  }

  /** With the outcomes as they are when all have been called; no handler has settled before that. */
  wait(outcomes: readonly Outcome[]): Promise<Delivery> {
    this.#outcomes = outcomes
    return this.#promise
  }

  // One function for all of a delivery, rather than a closure for each handler.
  readonly #settle = (): void => {
    if (--this.left > 0) return
    const { event, ports } = this.dispatch
    this.dispatch.open--
    this.#resolve({ event, outcomes: this.#outcomes })
    ports.onEnded(this)
  }
}

/** A foreign thenable, a subclass of Promise too, may call back twice, or throw: the platform's own does neither. */
function toPromise(answer: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(answer)
}

/** The same with a reading of the clock around each handler: 85 ns for each, so only where asked for. */
function deliverTimed(dispatch: Dispatch, entries: readonly ListenerEntry[]): Delivering {
  const { ports, event } = dispatch
  const outcomes: Outcome[] = []
  let running: RunningDelivery | undefined
  for (const entry of entries) {
    if (!entry.active) continue
    const at = outcomes.length
    outcomes.push(entry.handled)
    const startMs = performance.now()
    const end = (failed: boolean, error: unknown): void => {
      outcomes[at] = timedOutcome(ports, event, {
        entry,
        failed,
        error,
        durationMs: performance.now() - startMs,
      })
    }
    try {
      const answer = entry.handler(event, entry.context)
      if (!isThenable(answer)) end(false, undefined)
      else (running ??= new RunningDelivery(dispatch)).joinTimed(answer, end)
    } catch (error) {
      end(true, error)
    }
  }
  return running === undefined ? outcomes : running.wait(outcomes)
}

interface TimedCall {
  readonly entry: ListenerEntry
  readonly failed: boolean
  readonly error: unknown
  readonly durationMs: number
}

function timedOutcome(ports: DeliveryPorts, event: Envelope, call: TimedCall): Outcome {
  const { entry, failed, error, durationMs } = call
  const { handled } = ports.observations
  if (handled.active)
    handled.emit({ event, handlerId: entry.id, handler: entry.name, durationMs, failed, error })
  if (failed) return failedOutcome(ports, event, call)
  return { listenerId: entry.id, name: entry.name, failed: false, durationMs }
}

/** Calls the synchronous listeners alone, and names the others. */
export function deliverSync(dispatch: Dispatch): SyncDelivery {
  const outcomes: Outcome[] = []
  const asynchronous: { listenerId: string; name: string; started: boolean }[] = []
  const synchronous: ListenerEntry[] = []
  for (const entry of dispatch.list.entries) {
    if (entry.isAsync) asynchronous.push({ listenerId: entry.id, name: entry.name, started: false })
    else synchronous.push(entry)
  }
  for (const entry of synchronous) {
    const one = deliver(dispatch, { entries: [entry], handled: [entry.handled] })
    // One that answers with a promise is known as asynchronous only now; its end is observed as ever.
    if (one instanceof Promise)
      asynchronous.push({ listenerId: entry.id, name: entry.name, started: true })
    else outcomes.push(...one)
  }
  return { event: dispatch.event, outcomes, asynchronous }
}
