import type { AnyCommandDefinition } from '../contract/definition.ts'
import type { EventMetadata } from '../contract/envelope.ts'
import type { Duration } from '../internal/duration.ts'
import { currentFrame } from '../internal/flow.ts'
import { toIsoTime } from '../internal/time.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import { runTransaction, type AppStorePorts } from './app-store.ts'
import { causeOf, type Cause } from './origin.ts'
import type { TimerOptions } from './plan-timer.ts'
import type { UnitOfWork, WorkTransaction } from './unit-of-work.ts'

/** A message from elsewhere: a webhook, a record of somebody else's broker, a line of a mailbox. */
export interface ForeignMessage {
  /** Who sends it: ids are compared within one source, and kept as long as its retention says. */
  readonly source: string
  /** What the source calls it; the same whenever it sends it. Upper and lower case are told apart. */
  readonly id: string
  /** Of what is recorded; one that is no UUID becomes its UUIDv5. A new one by default. */
  readonly correlationId?: string
  /** Of what is recorded: tenant, actor, trace, … */
  readonly metadata?: EventMetadata
  readonly signal?: AbortSignal
}

/** What whoever receives a message may use. Its functions need no `this`. */
export interface ReceiveContext<Tx extends StoreTransaction = StoreTransaction> {
  /** Everything through it is committed together, with the note that the message was received. */
  readonly tx: WorkTransaction<Tx>
  /**
   * Has a command sent after a while, never earlier (`0`: at once), in a transaction of its own;
   * committed with `tx`.
   *
   * @returns the timer's id
   */
  readonly after: <C extends AnyCommandDefinition>(
    delay: Duration,
    command: C,
    input: C['~input'],
    options?: TimerOptions,
  ) => string
  /** The same at a time: ISO 8601, or milliseconds since the epoch. */
  readonly at: <C extends AnyCommandDefinition>(
    time: string | number,
    command: C,
    input: C['~input'],
    options?: TimerOptions,
  ) => string
  /** Cancels a timer, if it has not fired by the commit of `tx`. */
  readonly cancelTimer: (timerId: string) => void
  readonly correlationId: string
  /** UTC, ISO 8601, milliseconds. */
  readonly now: string
}

/** What became of a message: its effect, or nothing, since it had its effect before. */
export type Received<Result> =
  | { readonly repeated: false; readonly result: Result }
  | { readonly repeated: true }

/**
 * Runs `work` for a message that was not received before, in one transaction with the note that it
 * was: whoever sends it again, also at the same time, does nothing.
 *
 * @throws whatever `work` throws: nothing is left of it, and the message may come again
 * @throws {UsageError} a source or id that is no text of 1 to 500 characters
 */
export function receiveMessage<Result>(
  store: Store,
  ports: AppStorePorts,
  {
    message,
    work,
  }: {
    readonly message: ForeignMessage
    readonly work: (ctx: ReceiveContext) => Promise<Result>
  },
): Promise<Received<Result>> {
  const { source, id, signal } = message
  const cause = causeOf(currentFrame(), ports.environment, message)
  return runTransaction<Received<Result>>(store, ports, {
    cause,
    signal,
    work: async (unit) => {
      if (!(await unit.once(source, id))) return { repeated: true }
      return { repeated: false, result: await work(makeContext(unit, cause, ports)) }
    },
  })
}

function makeContext(
  unit: UnitOfWork,
  { correlationId }: Cause,
  { environment }: AppStorePorts,
): ReceiveContext {
  return {
    tx: unit,
    after: (delay, command, input, options) =>
      unit.setTimer({ after: delay }, { command, input }, options),
    at: (time, command, input, options) => unit.setTimer({ at: time }, { command, input }, options),
    cancelTimer: (timerId) => unit.cancelTimer(timerId),
    correlationId,
    now: toIsoTime(environment.clock.now()),
  }
}
