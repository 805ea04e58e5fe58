import type { Route, Sent } from '../contract/define-aggregate.ts'
import type { AnyCommandDefinition } from '../contract/definition.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import type { JsonValue } from '../contract/json.ts'
import type { Duration } from '../internal/duration.ts'
import type { StoreTransaction } from '../store/store.ts'
import type { TimerOptions } from '../work/plan-timer.ts'
import type { WorkTransaction } from '../work/unit-of-work.ts'

/**
 * What a command handler may use. Its functions need no `this`, so they can be taken apart. Say
 * `CommandContext<SqlTransaction>` where the handler writes rows of its own: then an application on a
 * store without SQL does not compile.
 */
export interface CommandContext<Tx extends StoreTransaction = StoreTransaction> {
  /** Everything through it, and the command itself, is committed together once the handler resolves. */
  readonly tx: WorkTransaction<Tx>
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
  /** A new UUIDv7. */
  readonly newId: () => string
  /** When the command is handled: UTC, ISO 8601, milliseconds. */
  readonly now: string
  readonly commandId: string
  readonly correlationId: string
  readonly actor: string | undefined
  readonly tenant: string | undefined
  readonly signal: AbortSignal | undefined
}

export interface AnyCommandHandler {
  readonly kind: 'command-handler'
  readonly command: AnyCommandDefinition
  readonly handle: (command: never, ctx: never) => unknown
  readonly '~event': never
  readonly '~route': Route
  readonly '~tx': StoreTransaction
}

export interface CommandHandler<
  C extends AnyCommandDefinition,
  Result,
  Tx extends StoreTransaction,
> extends AnyCommandHandler {
  readonly command: C
  readonly '~route': Route<C['type'], Sent<undefined, StoredEnvelope, Result>>
  readonly '~tx': Tx
}

/**
 * Handles a command that is more than one aggregate's decision: it loads aggregates, records on them,
 * writes rows of its own; all of it commits together. It may run again after a version conflict, so
 * what it does outside `ctx.tx` must bear that.
 *
 * The result is kept with the command, so it is JSON.
 */
export function defineCommandHandler<
  C extends AnyCommandDefinition,
  Result extends JsonValue | undefined | void,
  Tx extends StoreTransaction = StoreTransaction,
>(
  command: C,
  handle: (command: C['~payload'], ctx: CommandContext<Tx>) => Promise<Result>,
): CommandHandler<C, Result, Tx> {
  return Object.freeze({ kind: 'command-handler', command, handle }) as unknown as CommandHandler<
    C,
    Result,
    Tx
  >
}
