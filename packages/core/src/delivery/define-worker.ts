import type { AnyPart } from '../contract/define-module.ts'
import type { AnyTaskDefinition, Draft } from '../contract/definition.ts'
import type { Envelope } from '../contract/envelope.ts'
import { DefinitionError } from '../errors/usage-errors.ts'
import type { Duration } from '../internal/duration.ts'
import { newId } from '../internal/ids.ts'
import type { StoreTransaction } from '../store/store.ts'
import type { EventAppend } from '../work/unit-of-work.ts'
import type { Effects } from './delivery-context.ts'
import type { RetryPolicy } from './retry-policy.ts'

export interface WorkerOptions {
  /** Tasks at the same time; 10 by default. */
  readonly concurrency?: number
  /** After which an attempt has failed; `10m` by default, `Infinity` for never. */
  readonly timeout?: Duration
  /**
   * After which an attempt has failed that has said nothing (by `ctx.progress` or `ctx.heartbeat`);
   * never by default.
   */
  readonly heartbeat?: Duration
  readonly retry?: RetryPolicy
  /** A task rises by one priority for each of these since it was recorded; never by default. */
  readonly aging?: Duration
  /** Tasks read and not begun yet, at the most: among these a priority counts; 1,000 by default. */
  readonly buffer?: number
}

/** What a worker gets beside its task. */
export interface TaskContext<Tx extends StoreTransaction = StoreTransaction> extends Effects<Tx> {
  readonly taskId: string
  /** From 1; over all processes and redrives. */
  readonly attempt: number
  /** Aborted when the task is cancelled, its time is over, or the process stops. */
  readonly signal: AbortSignal
  /**
   * Says how far the work is. Recorded once a second at the most, the last word included.
   *
   * @param fraction from 0 to 1
   */
  readonly progress: (fraction: number, note?: string) => void
  /** Says that the work goes on. */
  readonly heartbeat: () => void
  /** The same whenever this task is attempted. */
  readonly idempotencyKey: string
  readonly now: string
  readonly newId: () => string
}

/** Does the work of a task, and answers with the fact in which it ends. */
export type RunTask = (task: Envelope, ctx: TaskContext) => Promise<Draft>

export interface AnyWorker extends AnyPart {
  readonly kind: 'worker'
  readonly task: AnyTaskDefinition
  readonly run: RunTask
  readonly options: WorkerOptions
}

export interface Worker<
  T extends AnyTaskDefinition,
  Tx extends StoreTransaction,
> extends AnyWorker {
  readonly task: T
  readonly '~tx': Tx
}

/**
 * Does the work that a task asks for, in whichever process runs it, and records the fact in which it
 * ends: exactly once, in one transaction with what was done through `ctx.tx`. The work itself is done
 * at least once.
 */
export function defineWorker<
  T extends AnyTaskDefinition,
  Tx extends StoreTransaction = StoreTransaction,
>(
  task: T,
  run: (task: T['~event'], ctx: TaskContext<Tx>) => Promise<T['~result']>,
  options: WorkerOptions = {},
): Worker<T, Tx> {
  if ((task as { kind?: string } | undefined)?.kind !== 'task') {
    throw new DefinitionError(
      'worker',
      'a worker does the work of a task: give it what defineTask made',
    )
  }
  if (typeof run !== 'function') {
    throw new DefinitionError(
      task.type,
      "a worker's second argument is the function that does the work",
    )
  }
  return Object.freeze({ kind: 'worker', task, run, options }) as unknown as Worker<T, Tx>
}

export interface StartOptions {
  /** UUID. The same one twice is one task. */
  readonly taskId?: string
  /**
   * Higher ones begin first, among those that the worker's process has read (its `buffer`); 0 by
   * default. A number, negative ones and fractions too.
   */
  readonly priority?: number
}

/** Asks for work: give it to `append` of the transaction that causes it. Its id is `taskId`. */
export function startTask<T extends AnyTaskDefinition>(
  task: T & ((payload: T['~input'], options: { readonly eventId: string }) => Draft),
  payload: T['~input'],
  { taskId = newId(), priority }: StartOptions = {},
): EventAppend & { readonly taskId: string } {
  const metadata = priority === undefined ? undefined : { metadata: { priority } }
  return {
    taskId,
    aggregateType: task.type.slice(0, task.type.lastIndexOf('.')),
    // A stream of its own: nothing else is held up by it, and all that becomes of it stands there.
    aggregateId: taskId,
    events: task(payload, { eventId: taskId, ...metadata }),
  }
}
