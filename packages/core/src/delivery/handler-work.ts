import type { AnyAggregate } from '../contract/define-aggregate.ts'
import type { AnyCommandDefinition } from '../contract/definition.ts'
import type { Envelope, StoredEnvelope } from '../contract/envelope.ts'
import { TimeoutError } from '../errors/queue-errors.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { runInFrame, type Frame, type TransactionMark } from '../internal/flow.ts'
import { deriveId } from '../internal/ids.ts'
import { parseNormalTime, toIsoTime } from '../internal/time.ts'
import type {
  AppendResult,
  SqlTransaction,
  SqlValue,
  StoreTransaction,
  StreamAppend,
} from '../store/store.ts'
import type { TimerRecord } from '../store/timer-store.ts'
import { causeOf, type Cause } from '../work/origin.ts'
import { isRepeat, toStoredEvents } from '../work/stored-events.ts'
import {
  sealAppends,
  UnitOfWork,
  type EventAppend,
  type WorkTransaction,
} from '../work/unit-of-work.ts'
import type { Watched } from './deadlines.ts'
import type { Effects } from './delivery-context.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import type { HandlerTransaction } from './handler-transaction.ts'
import type { Interruption } from './interruption.ts'
import { planTimer, type TimerDue } from '../work/plan-timer.ts'
import type { ProgressWriter } from './progress-writer.ts'

/** What the work of the events of one attempt has in common. */
export interface WorkParts {
  readonly subscription: string
  readonly timeoutMs: number
  readonly transaction: HandlerTransaction
  readonly ports: DeliveryPorts
  readonly writer: ProgressWriter
  /** Several handlers share the transaction: none of them may do what cannot be rolled back with it. */
  readonly isShared: boolean
  readonly interruption: Interruption
}

/** How often a send whose outcome was a failure is tried under a new id, in the life of one event. */
const MOST_REFUSALS = 1000

/**
 * Everything that one event's handler sets off, and the frame that it runs in. There is one for each
 * event, and most handlers need little of it: whatever costs something is made when it is asked for.
 */
export class HandlerWork implements Frame, Watched {
  readonly event: StoredEnvelope
  readonly startMs: number
  dueMs = 0
  readonly #parts: WorkParts
  #cause: Cause | undefined
  #tx: WorkTransaction | undefined
  #effects: Effects | undefined
  #timers: TimerRecord[] | undefined
  #cancelled: string[] | undefined
  #unit: UnitOfWork | undefined
  #hasStatements = false
  #sent = 0
  #set = 0

  constructor(event: StoredEnvelope, parts: WorkParts) {
    this.event = event
    this.#parts = parts
    this.startMs = parts.ports.environment.clock.now()
  }

  get subscription(): string {
    return this.#parts.subscription
  }

  get correlationId(): string {
    return this.event.correlationId
  }

  get eventId(): string {
    return this.event.eventId
  }

  get metadata(): StoredEnvelope['metadata'] {
    return this.event.metadata
  }

  get transaction(): TransactionMark | undefined {
    return this.#parts.transaction.mark
  }

  get signal(): AbortSignal {
    return this.#parts.interruption.signal
  }

  get now(): string {
    return toIsoTime(this.startMs)
  }

  get newId(): () => string {
    const { clock, ids } = this.#parts.ports.environment
    return () => ids.newId(clock.now())
  }

  get idempotencyKey(): string {
    return this.#derive()
  }

  /** Everything through it is in the transaction of the attempt. */
  get tx(): WorkTransaction {
    this.#tx ??= new HandlerTx(this) as unknown as WorkTransaction
    return this.#tx
  }

  get effects(): Effects {
    this.#effects ??= this.#makeEffects()
    return this.#effects
  }

  get hasTimers(): boolean {
    return this.#timers !== undefined
  }

  /** Whether there is something to write with the commit, beside its own statements. */
  get hasEffects(): boolean {
    return this.#unit !== undefined || this.hasTimers || this.#cancelled !== undefined
  }

  /** Whether events are all that is written with the commit: beside their rows those of others are safe. */
  get isAppendsOnly(): boolean {
    return !this.hasTimers && this.#cancelled === undefined
  }

  /** The time of its handler is over. */
  expire(): void {
    const { subscription, timeoutMs, interruption } = this.#parts
    interruption.interrupt(new TimeoutError(`The handler of '${subscription}'`, timeoutMs))
  }

  /** Writes what is no event. Before them: in some stores the first append holds the log until the commit. */
  async writeTimers(tx: StoreTransaction): Promise<void> {
    for (const timerId of this.#cancelled ?? []) await tx.cancelTimer(timerId)
    if (this.#timers !== undefined) await tx.setTimers(this.#timers)
  }

  /** The events, for whoever appends those of several; nothing can be recorded from here on. */
  takeAppends(): readonly StreamAppend[] {
    return this.#unit?.takeAppends() ?? []
  }

  /** @returns those that are new in the log: those of a repeat were published when they came first */
  appended(
    appends: readonly StreamAppend[],
    results: readonly AppendResult[],
  ): readonly StoredEnvelope[] {
    return this.#unit?.appended(appends, results) ?? []
  }

  /**
   * Records events now, whatever becomes of the attempt, in the transaction of what else ends or begins in
   * the same turn.
   *
   * @throws {ConcurrencyError} a stream is not at its expected version
   */
  async record(...appends: readonly EventAppend[]): Promise<void> {
    const { ports, writer } = this.#parts
    const sealed = sealAppends(ports.environment, this.#causeOf(), appends)
    const results = await writer.record(sealed)
    if (!isRepeat(results)) ports.publish(toStoredEvents(sealed, results))
  }

  dueSnapshots(): ReturnType<UnitOfWork['dueSnapshots']> {
    return this.#unit?.dueSnapshots() ?? []
  }

  /** From here on nothing is recorded any more. */
  end(): void {
    this.#unit?.end()
  }

  #causeOf(): Cause {
    this.#cause ??= causeOf(this, this.#parts.ports.environment)
    return this.#cause
  }

  async openToState(): Promise<UnitOfWork> {
    this.#hasStatements = true
    const tx = await this.#parts.transaction.open()
    const unit = this.#unitOf()
    unit.useIn(tx)
    return unit
  }

  #unitOf(): UnitOfWork {
    if (this.#unit !== undefined) return this.#unit
    const { environment, registry, store } = this.#parts.ports
    const { snapshots, retention } = store
    const parts = { environment, registry, snapshots, retention }
    this.#unit = new UnitOfWork(undefined, this.#causeOf(), parts)
    return this.#unit
  }

  /** Needs no transaction before the commit: events are checked now, and appended last. */
  async append(appends: readonly EventAppend[]): Promise<void> {
    // A handler that goes on after its time hears it here.
    this.#parts.transaction.requireKept()
    return this.#unitOf().append(...appends)
  }

  #makeEffects(): Effects {
    return {
      tx: this.tx,
      send: (command: AnyCommandDefinition, input: unknown) => this.#send(command, input),
      after: (delay, command, input, options) =>
        this.#setTimer({ after: delay }, { command, input, timerId: options?.timerId }),
      at: (time, command, input, options) =>
        this.#setTimer({ at: time }, { command, input, timerId: options?.timerId }),
      cancelTimer: (timerId) => {
        this.#cancelled ??= []
        this.#cancelled.push(timerId.toLowerCase())
      },
    }
  }

  /** Where the transaction is there already, the statement runs now. */
  runSql(strings: TemplateStringsArray, values: readonly SqlValue[]): Promise<unknown> {
    this.#hasStatements = true
    const { current } = this.#parts.transaction
    if (current === undefined || !('sql' in current)) return this.#openToSql(strings, values)
    return (current as SqlTransaction).sql(strings, ...values)
  }

  async #openToSql(strings: TemplateStringsArray, values: readonly SqlValue[]): Promise<unknown> {
    const { transaction } = this.#parts
    const tx = await transaction.open()
    if ('sql' in tx) {
      const answer = (tx as SqlTransaction).sql(strings, ...values)
      transaction.began(answer)
      return answer
    }
    throw new UsageError(
      'TIDINGS_ARGUMENT_INVALID',
      'This store has no SQL, so its transactions have no sql`…`. Use a store that has, for example sqlite().',
    )
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
    const timer = planTimer(due, { ...what, timerId }, { cause: this.#causeOf(), nowMs })
    this.#timers ??= []
    this.#timers.push(timer)
    return timer.timerId
  }

  #derive(...rule: readonly (string | number)[]): string {
    return deriveFor(this.event, this.subscription, ...rule)
  }

  async #send(command: AnyCommandDefinition, input: unknown): Promise<never> {
    this.#refuseHeldUp(command)
    const { ports, interruption } = this.#parts
    const ordinal = ++this.#sent
    // Not this one: what is sent is in no transaction of the handler's.
    const { correlationId, eventId, metadata } = this.event
    const frame: Frame = { correlationId, eventId, metadata }
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

/** `ctx.tx`: each function is made when it is asked for, since most handlers ask for one. None needs `this`. */
class HandlerTx {
  readonly #work: HandlerWork

  constructor(work: HandlerWork) {
    this.#work = work
  }

  get append(): (...appends: readonly EventAppend[]) => Promise<void> {
    return (...appends) => this.#work.append(appends)
  }

  get load(): (...which: [AnyAggregate, string]) => Promise<unknown> {
    return async (...which) => (await this.#work.openToState()).load(...which)
  }

  get once(): (source: string, messageId: string) => Promise<boolean> {
    return async (...seen) => (await this.#work.openToState()).once(...seen)
  }

  get sql(): (...statement: Parameters<SqlTransaction['sql']>) => Promise<unknown> {
    return (strings, ...values) => this.#work.runSql(strings, values)
  }
}

/** An id that is the same whenever a subscription handles an event. */
export function deriveFor(
  { timestamp, eventId }: Envelope,
  subscription: string,
  ...rule: readonly (string | number)[]
): string {
  return deriveId(parseNormalTime(timestamp), eventId, subscription, ...rule)
}
