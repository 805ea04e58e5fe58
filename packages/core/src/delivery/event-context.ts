import type { StoredEnvelope } from '../contract/envelope.ts'
import type { DeliveryContext } from './delivery-context.ts'
import type { HandlerWork } from './handler-work.ts'

/** An attempt at an event. */
export interface AttemptOf {
  readonly event: StoredEnvelope
  /** From 1. */
  readonly attempt: number
  readonly laterUsed: number
  readonly redrives: number
}

/** What the handler of one event gets; made when it is asked for, since few handlers use much of it. */
export class EventContext implements DeliveryContext {
  readonly attempt: number
  readonly laterUsed: number
  readonly redrives: number
  readonly #work: HandlerWork

  constructor({ attempt, laterUsed, redrives }: Omit<AttemptOf, 'event'>, work: HandlerWork) {
    this.attempt = attempt
    this.laterUsed = laterUsed
    this.redrives = redrives
    this.#work = work
  }

  /** What is behind a context, for the runtime's own handlers. */
  static workOf(ctx: DeliveryContext): HandlerWork {
    return (ctx as EventContext).#work
  }

  get tx(): DeliveryContext['tx'] {
    return this.#work.tx
  }

  get send(): DeliveryContext['send'] {
    return this.#work.effects.send
  }

  get after(): DeliveryContext['after'] {
    return this.#work.effects.after
  }

  get at(): DeliveryContext['at'] {
    return this.#work.effects.at
  }

  get cancelTimer(): DeliveryContext['cancelTimer'] {
    return this.#work.effects.cancelTimer
  }

  get subscription(): string {
    return this.#work.subscription
  }

  get position(): number {
    return this.#work.event.position
  }

  get signal(): AbortSignal {
    return this.#work.signal
  }

  get now(): string {
    return this.#work.now
  }

  get newId(): () => string {
    return this.#work.newId
  }

  get idempotencyKey(): string {
    return this.#work.idempotencyKey
  }
}
