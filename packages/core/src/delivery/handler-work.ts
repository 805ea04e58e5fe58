import type { AnyAggregate } from '../contract/define-aggregate.ts'
import type { AnyCommandDefinition } from '../contract/definition.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { runInFrame, type Frame } from '../internal/flow.ts'
import { deriveId } from '../internal/ids.ts'
import { parseNormalTime } from '../internal/time.ts'
import type { StoreTransaction } from '../store/store.ts'
import type { TimerRecord } from '../store/timer-store.ts'
import { causeOf, type Cause } from '../work/origin.ts'
import { UnitOfWork, type EventAppend } from '../work/unit-of-work.ts'
import type { Effects } from './delivery-context.ts'
import { DeliveryFrame } from './delivery-frame.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import type { HandlerTransaction } from './handler-transaction.ts'
import type { Interruption } from './interruption.ts'
import { planTimer, type TimerDue } from '../work/plan-timer.ts'

export interface WorkParts {
  readonly subscription: string
  readonly event: StoredEnvelope
  readonly transaction: HandlerTransaction
  readonly ports: DeliveryPorts
  /** Several handlers share the transaction: none of them may do what cannot be rolled back with it. */
  readonly isShared: boolean
  readonly interruption: Interruption
}

/** How often a send whose outcome was a failure is tried under a new id, in the life of one event. */
const MOST_REFUSALS = 1000

/** Everything that one event's handler sets off. */
export class HandlerWork {
  readonly frame: DeliveryFrame
  readonly effects: Effects
  readonly #parts: WorkParts
  readonly #cause: Cause
  readonly #timers: TimerRecord[] = []
  readonly #cancelled: string[] = []
  #unit: UnitOfWork | undefined
  #opening: Promise<UnitOfWork> | undefined
  #hasStatements = false
  #sent = 0
  #set = 0

  constructor(parts: WorkParts) {
    this.#parts = parts
    this.frame = new DeliveryFrame(parts.event, parts.transaction)
    this.#cause = causeOf(this.frame, parts.ports.environment)
    this.effects = this.#makeEffects()
  }

  get hasTimers(): boolean {
    return this.#timers.length > 0
  }

  /** Whether there is something to commit beside the progress. */
  get hasEffects(): boolean {
    return this.#opening !== undefined || this.#timers.length > 0 || this.#cancelled.length > 0
  }

  /**
   * Writes timers, then what was appended.
   *
   * @returns the events that are new in the log: those of a repeat were published when they came first
   */
  async write(tx: StoreTransaction): Promise<readonly StoredEnvelope[]> {
    for (const timerId of this.#cancelled) await tx.cancelTimer(timerId)
    if (this.#timers.length > 0) await tx.setTimers(this.#timers)
    if (this.#unit === undefined) return []
    const events = await this.#unit.flush()
    return this.#unit.repeated ? [] : events
  }

  dueSnapshots(): ReturnType<UnitOfWork['dueSnapshots']> {
    return this.#unit?.dueSnapshots() ?? []
  }

  /** From here on nothing is recorded any more. */
  end(): void {
    this.#unit?.end()
  }

  #open(): Promise<UnitOfWork> {
    this.#opening ??= this.#makeUnit()
    return this.#opening
  }

  #openToState(): Promise<UnitOfWork> {
    this.#hasStatements = true
    return this.#open()
  }

  async #makeUnit(): Promise<UnitOfWork> {
    const { transaction, ports } = this.#parts
    const { environment, registry, store } = ports
    const tx = await transaction.open()
    this.#unit = new UnitOfWork(tx, this.#cause, {
      environment,
      registry,
      snapshots: store.snapshots,
    })
    return this.#unit
  }

  #makeEffects(): Effects {
    const tx = {
      append: async (...appends: readonly EventAppend[]) => (await this.#open()).append(...appends),
      load: async (...which: [AnyAggregate, string]) =>
        (await this.#openToState()).load(which[0], which[1]),
      once: async (source: string, messageId: string) =>
        (await this.#openToState()).once(source, messageId),
      sql: async (...statement: readonly unknown[]) => runSql(await this.#openToState(), statement),
    }
    return {
      tx: tx,
      send: (command: AnyCommandDefinition, input: unknown) => this.#send(command, input),
      after: (delay, command, input, options) =>
        this.#setTimer({ after: delay }, { command, input, timerId: options?.timerId }),
      at: (time, command, input, options) =>
        this.#setTimer({ at: time }, { command, input, timerId: options?.timerId }),
      cancelTimer: (timerId) => void this.#cancelled.push(timerId.toLowerCase()),
    }
  }

  #setTimer(
    due: TimerDue,
    what: {
      readonly command: AnyCommandDefinition
      readonly input: unknown
      readonly timerId: string | undefined
    },
  ): string {
    const timerId = what.timerId ?? this.#derive('timer', ++this.#set)
    const nowMs = this.#parts.ports.environment.clock.now()
    const timer = planTimer(due, { ...what, timerId }, { cause: this.#cause, nowMs })
    this.#timers.push(timer)
    return timer.timerId
  }

  #derive(...rule: readonly (string | number)[]): string {
    const { event, subscription } = this.#parts
    return deriveId(parseNormalTime(event.timestamp), event.eventId, subscription, ...rule)
  }

  async #send(command: AnyCommandDefinition, input: unknown): Promise<never> {
    this.#refuseHeldUp(command)
    const { ports, interruption } = this.#parts
    const ordinal = ++this.#sent
    const frame: Frame = {
      correlationId: this.frame.correlationId,
      eventId: this.frame.eventId,
      metadata: this.frame.metadata,
    }
    for (let refusals = 0; ; refusals++) {
      const commandId = this.#derive('send', ordinal, refusals)
      try {
        const sent = runInFrame(frame, () =>
          ports.send(command, input, { commandId, signal: interruption.signal }),
        )
        return (await sent) as never
      } catch (error) {
        // An earlier attempt was refused, and that is its outcome for good. This attempt asks anew;
        // what was done once, on the other hand, is never done again.
        const isEarlier = (error as { repeated?: unknown } | undefined)?.repeated === true
        if (!isEarlier || refusals === MOST_REFUSALS) throw error
      }
    }
  }

  #refuseHeldUp(command: AnyCommandDefinition): void {
    const { subscription, isShared } = this.#parts
    if (!isShared && !this.#hasStatements) return
    const why = isShared
      ? "has 'effects: database', so what it does must be rolled back with its transaction"
      : 'has begun its transaction, which would hold the command up for ever'
    throw new UsageError(
      'TIDINGS_TRANSACTION_NESTED',
      `The handler of '${subscription}' ${why}, and then sent '${command.type}'. Nothing was sent. Send it before the first statement of ctx.tx, or have it sent with the commit: ctx.after(0, …).`,
    )
  }
}

function runSql(unit: UnitOfWork, args: readonly unknown[]): Promise<unknown> {
  if (typeof unit.sql === 'function') {
    return (unit.sql as (...args: readonly unknown[]) => Promise<unknown>)(...args)
  }
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    'This store has no SQL, so its transactions have no sql`…`. Use a store that has, for example sqlite().',
  )
}
