import { AsyncLocalStorage, AsyncResource, executionAsyncId } from 'node:async_hooks'
import { createMinimalV7 } from './minimal-v7.ts'

/** What the tuned loop publishes: the fields of an envelope, made by hand. */
export interface TunedEvent {
  readonly eventId: string
  readonly eventType: string
  readonly eventVersion: number
  readonly timestamp: string
  readonly aggregateType: string
  readonly aggregateId: string
  readonly correlationId: string
  readonly causationId: string | undefined
  readonly payload: unknown
  readonly metadata: object
}

interface Outcome {
  readonly name: string
  readonly failed: boolean
  readonly error?: unknown
}

type TunedHandler = (event: TunedEvent) => unknown

/**
 * The limit: one loop, written by hand, that gives what a publish of the bus gives: id, time,
 * correlation and causation from the async context, isolated handlers, an outcome for each. No
 * listeners that come and go, no globs, no depth, no observation.
 */
export class TunedBus {
  readonly #context = new AsyncLocalStorage<TunedEvent>()
  readonly #handlers = new Map<string, TunedHandler[]>()
  readonly #newId = createMinimalV7()
  readonly #metadata = Object.freeze({})
  #second = 0
  #text = ''

  subscribe(type: string, handler: TunedHandler): void {
    this.#handlers.set(type, [...(this.#handlers.get(type) ?? []), handler])
  }

  publish(type: string, payload: unknown): Promise<{ event: TunedEvent; outcomes: Outcome[] }> {
    const cause = this.#context.getStore()
    const now = Date.now()
    if (now !== this.#second) {
      this.#second = now
      this.#text = new Date(now).toISOString()
    }
    const eventId = this.#newId()
    const event: TunedEvent = Object.freeze({
      eventId,
      eventType: type,
      eventVersion: 1,
      timestamp: this.#text,
      aggregateType: 'Bench.Event',
      aggregateId: eventId,
      correlationId: cause?.correlationId ?? eventId,
      causationId: cause?.eventId,
      payload,
      metadata: this.#metadata,
    })
    const frame = new AsyncResource('tuned', executionAsyncId())
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
    return frame.runInAsyncScope(this.#enter, this, event, this.#handlers.get(type) ?? [])
  }

  #enter(
    event: TunedEvent,
    handlers: TunedHandler[],
  ): Promise<{ event: TunedEvent; outcomes: Outcome[] }> {
    this.#context.enterWith(event)
    const outcomes: Outcome[] = []
    let left = 0
    let resolve: ((done: { event: TunedEvent; outcomes: Outcome[] }) => void) | undefined
    let promise: Promise<{ event: TunedEvent; outcomes: Outcome[] }> | undefined
    for (let index = 0; index < handlers.length; index++) {
      outcomes.push(HANDLED)
      try {
        const answer = handlers[index]!(event)
        if (!(answer instanceof Promise)) continue
        left++
        promise ??= new Promise((settle) => (resolve = settle))
        answer.then(
          () => void (--left === 0 && resolve?.({ event, outcomes })),
          (error: unknown) => {
            outcomes[index] = { name: 'handler', failed: true, error }
            if (--left === 0) resolve?.({ event, outcomes })
          },
        )
      } catch (error) {
        outcomes[index] = { name: 'handler', failed: true, error }
      }
    }
    return promise ?? Promise.resolve({ event, outcomes })
  }
}

const HANDLED: Outcome = Object.freeze({ name: 'handler', failed: false })

/** A pool of `limit` with a promise per task, and nothing else. */
export function tunedPool(limit: number): (task: () => Promise<unknown>) => Promise<void> {
  const waiting: (() => void)[] = []
  let head = 0
  let running = 0
  const next = (): void => {
    running--
    const start = waiting[head]
    if (start === undefined) {
      waiting.length = 0
      head = 0
      return
    }
    head++
    start()
  }
  return (task) =>
    new Promise<void>((resolve) => {
      const start = (): void => {
        running++
        const end = (): void => {
          next()
          resolve()
        }
        task().then(end, end)
      }
      if (running < limit) start()
      else waiting.push(start)
    })
}
