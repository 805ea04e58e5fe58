import type { Envelope } from '../contract/envelope.ts'
import type { Observations } from '../observe/observations.ts'
import { isThenable, type Delivery, type ListenerFailure, type Outcome, type SyncDelivery } from './handler.ts'
import type { ListenerEntry } from './listener-table.ts'

/** What a delivery needs of its bus. */
export interface DeliveryPorts {
  readonly observations: Observations
  readonly timings: boolean
  readonly onFailure: (failure: ListenerFailure) => void
}

/**
 * Calls every listener with the event, one after the other; asynchronous ones go on side by side.
 * Nothing that one of them throws reaches another.
 *
 * @returns at once where all were synchronous: no promise is made for them
 */
export function deliver(
  ports: DeliveryPorts,
  event: Envelope,
  entries: readonly ListenerEntry[],
): Delivery | Promise<Delivery> {
  if (ports.timings || ports.observations.handled.active) return deliverTimed(ports, event, entries)
  const outcomes: Outcome[] = []
  let running: RunningDelivery | undefined
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!
    if (!entry.active) continue
    const at = outcomes.length
    outcomes.push(entry.handled)
    try {
      const answer = entry.handler(event, entry.context)
      if (isThenable(answer)) (running ??= new RunningDelivery(ports, event, outcomes)).join(answer, at, entry)
    } catch (error) {
      outcomes[at] = failedOutcome(ports, event, { entry, error })
    }
  }
  return running === undefined ? { event, outcomes } : running.promise
}

interface FailedCall {
  readonly entry: ListenerEntry
  readonly error: unknown
  readonly durationMs?: number
}

function failedOutcome(ports: DeliveryPorts, event: Envelope, { entry, error, durationMs }: FailedCall): Outcome {
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
class RunningDelivery {
  readonly promise: Promise<Delivery>
  readonly #ports: DeliveryPorts
  readonly #event: Envelope
  readonly #outcomes: Outcome[]
  #left = 0
  #resolve: (delivery: Delivery) => void = () => undefined

  constructor(ports: DeliveryPorts, event: Envelope, outcomes: Outcome[]) {
    this.#ports = ports
    this.#event = event
    this.#outcomes = outcomes
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  join(answer: PromiseLike<unknown>, at: number, entry: ListenerEntry): void {
    this.#left++
    // A foreign thenable may call back twice, or throw: a promise of ours does neither.
    const promise = answer instanceof Promise ? answer : Promise.resolve(answer)
    promise.then(
      () => this.#settle(),
      (error: unknown) => {
        this.#outcomes[at] = failedOutcome(this.#ports, this.#event, { entry, error })
        this.#settle()
      },
    )
  }

  #settle(): void {
    if (--this.#left === 0) this.#resolve({ event: this.#event, outcomes: this.#outcomes })
  }
}

/** The same with a reading of the clock around each handler: 85 ns for each, so only where asked for. */
function deliverTimed(
  ports: DeliveryPorts,
  event: Envelope,
  entries: readonly ListenerEntry[],
): Delivery | Promise<Delivery> {
  const outcomes: Outcome[] = []
  const running: Promise<void>[] = []
  for (const entry of entries) {
    if (!entry.active) continue
    const at = outcomes.length
    outcomes.push(entry.handled)
    const startMs = performance.now()
    const end = (failed: boolean, error: unknown): void => {
      outcomes[at] = timedOutcome(ports, event, { entry, failed, error, durationMs: performance.now() - startMs })
    }
    try {
      const answer = entry.handler(event, entry.context)
      if (!isThenable(answer)) end(false, undefined)
      else {
        running.push(
          Promise.resolve(answer).then(
            () => end(false, undefined),
            (error: unknown) => end(true, error),
          ),
        )
      }
    } catch (error) {
      end(true, error)
    }
  }
  return running.length === 0 ? { event, outcomes } : Promise.all(running).then(() => ({ event, outcomes }))
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
  if (handled.active) handled.emit({ event, handlerId: entry.id, handler: entry.name, durationMs, failed, error })
  if (failed) return failedOutcome(ports, event, call)
  return { listenerId: entry.id, name: entry.name, failed: false, durationMs }
}

/** Calls the synchronous listeners alone, and names the others. */
export function deliverSync(
  ports: DeliveryPorts,
  event: Envelope,
  entries: readonly ListenerEntry[],
): SyncDelivery {
  const synchronous: ListenerEntry[] = []
  const asynchronous: { listenerId: string; name: string; started: boolean }[] = []
  for (const entry of entries) {
    if (entry.isAsync) asynchronous.push({ listenerId: entry.id, name: entry.name, started: false })
    else synchronous.push(entry)
  }
  const outcomes: Outcome[] = []
  for (const entry of synchronous) {
    const one = deliver(ports, event, [entry])
    // One that answers with a promise is known as asynchronous only now; its end is observed as ever.
    if (one instanceof Promise) asynchronous.push({ listenerId: entry.id, name: entry.name, started: true })
    else outcomes.push(...one.outcomes)
  }
  return { event, outcomes, asynchronous }
}
