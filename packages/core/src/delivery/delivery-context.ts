import type { AnyCommandDefinition } from '../contract/definition.ts'
import type { Sent } from '../contract/define-aggregate.ts'
import type { Envelope, StoredEnvelope } from '../contract/envelope.ts'
import type { Duration } from '../internal/duration.ts'
import type { StoreTransaction } from '../store/store.ts'
import type { WorkTransaction } from '../work/unit-of-work.ts'
import type { TimerOptions } from '../work/plan-timer.ts'

/** What a handler may set off, as effects of one event. The functions need no `this`. */
export interface Effects<Tx extends StoreTransaction = StoreTransaction> {
  /**
   * Everything through it is committed with the subscription's progress: exactly once, whatever happens
   * to the process. Begun by its first statement.
   */
  readonly tx: WorkTransaction<Tx>
  /**
   * Sends a command, in a transaction of its own and at once, with an id derived from the event: when
   * the event is handled again, what was done is not done again, and the first answer comes back.
   * Send before the first statement of `tx`, which would hold the command up; or use `after(0, …)`.
   *
   * @throws whatever the command's handler throws
   */
  readonly send: <C extends AnyCommandDefinition>(
    command: C,
    input: C['~input'],
  ) => Promise<Sent<unknown, StoredEnvelope, unknown>>
  /**
   * Has a command sent after a while, never earlier; committed with `tx`.
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
}

interface Circumstances {
  readonly subscription: string
  /** Aborted when the time is over, the subscription stops, or somebody else took it over. */
  readonly signal: AbortSignal
  /** From 1; rises with each attempt in place. */
  readonly attempt: number
  /** How many of the policy's later attempts are used up. */
  readonly laterUsed: number
  /** How often a person sent the event again; 0 the first time. */
  readonly redrives: number
  /** UTC, ISO 8601, milliseconds. */
  readonly now: string
  /** A new UUIDv7. */
  readonly newId: () => string
}

/** What the handler of one event gets. */
export interface DeliveryContext<Tx extends StoreTransaction = StoreTransaction>
  extends Effects<Tx>, Circumstances {
  /** Where the event is in the log. */
  readonly position: number
  /** The same whenever this subscription handles this event: for whatever is outside `tx`. */
  readonly idempotencyKey: string
}

/** What the handler of a batch gets. What it sets off is an effect of one of its events: say of which. */
export interface BatchContext<
  Tx extends StoreTransaction = StoreTransaction,
> extends Circumstances {
  readonly causedBy: (event: Envelope) => Effects<Tx>
  /** The user's own rows; committed with the progress of the whole batch. */
  readonly sql: Tx extends { readonly sql: infer Sql } ? Sql : never
  /** The same for the same batch; an event that is handled again may come in another one. */
  readonly idempotencyKeyOf: (event: Envelope) => string
}
