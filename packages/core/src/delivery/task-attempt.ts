import type { StoredEnvelope } from '../contract/envelope.ts'
import type { TaskContext } from './define-worker.ts'
import type { DeliveryContext } from './delivery-context.ts'
import type { TaskControl } from './task-control.ts'

/** What a worker gets beside its task; made when it is asked for, since most work needs little of it. */
export class TaskAttempt implements TaskContext {
  readonly taskId: string
  readonly attempt: number
  readonly heartbeat: () => void
  readonly progress: (fraction: number, note?: string) => void
  readonly #ctx: DeliveryContext
  readonly #control: TaskControl

  constructor(
    { eventId }: StoredEnvelope,
    of: {
      readonly ctx: DeliveryContext
      readonly control: TaskControl
      readonly number: number
      readonly reports: { add(fraction: number, note: string | undefined): void }
    },
  ) {
    const { ctx, control, number, reports } = of
    this.taskId = eventId
    this.attempt = number
    this.#ctx = ctx
    this.#control = control
    this.heartbeat = () => control.beat()
    this.progress = (fraction, note) => {
      control.beat()
      reports.add(fraction, note)
    }
  }

  get tx(): TaskContext['tx'] {
    return this.#ctx.tx
  }

  get send(): TaskContext['send'] {
    return this.#ctx.send
  }

  get after(): TaskContext['after'] {
    return this.#ctx.after
  }

  get at(): TaskContext['at'] {
    return this.#ctx.at
  }

  get cancelTimer(): TaskContext['cancelTimer'] {
    return this.#ctx.cancelTimer
  }

  get signal(): AbortSignal {
    return this.#control.signal
  }

  get now(): string {
    return this.#ctx.now
  }

  get newId(): () => string {
    return this.#ctx.newId
  }

  get idempotencyKey(): string {
    return this.#ctx.idempotencyKey
  }
}
