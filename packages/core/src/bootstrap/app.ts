import type { Route, Sent } from '../contract/define-aggregate.ts'
import type { AnyModule } from '../contract/define-module.ts'
import type { AnyCommandDefinition } from '../contract/definition.ts'
import type { Envelope } from '../contract/envelope.ts'
import type { Registry } from '../contract/registry.ts'
import type { CloseOptions } from '../bus/closing.ts'
import type { EventBus } from '../bus/event-bus.ts'
import type { Admin } from '../delivery/admin.ts'
import type { Delivery, RunningSubscription } from '../delivery/delivery.ts'
import type { Tasks } from '../delivery/task-desk.ts'
import type { SendOptions } from '../messaging/request.ts'
import type { Observations } from '../observe/observations.ts'
import type { StoreTransaction } from '../store/store.ts'
import type { AppStore } from '../work/app-store.ts'
import type { TimerDue, TimerOptions } from '../work/plan-timer.ts'
import type { ForeignMessage, Received, ReceiveContext } from '../work/receive.ts'

/** The command itself, or a sentence that says that nobody handles it. */
export type HandledCommand<
  C extends AnyCommandDefinition,
  Routes extends Route,
> = C['type'] extends Routes['type'] ? C : `✗ no module of this app handles '${C['type']}'`

/** What the handler of a command answers. */
export type AnswerTo<Type extends string, Routes extends Route> =
  Extract<Routes, { readonly type: Type }> extends { readonly answer: infer Answer }
    ? Answer
    : Sent<unknown, Envelope>

export interface Health {
  /** Whether the process can still do its work: false once it is closed. Restart it then. */
  readonly live: boolean
  /** Whether commands should be sent here now. */
  readonly ready: boolean
  /**
   * Why they should not, in sentences: it is draining or closed; the bus's queue is full; the store failed,
   * whoever asked it, and the same has not succeeded since. Where a caller asked, that holds for 10 s: then
   * somebody has to try again, since who stays unready until it works never gets a command that shows that it
   * does. Where the runtime asked, for subscriptions or timers, it holds until its own next try says otherwise.
   */
  readonly reasons: readonly string[]
  /**
   * The subscriptions that this process owns and that do not go on now, and why: `failed` and `paused`
   * until a person resumes them, `outage` and `waiting` until something changes. By themselves they say nothing
   * against sending commands here: what is recorded waits for them. Of a store that fails `reasons` tell, too.
   */
  readonly subscriptions: readonly Pick<RunningSubscription, 'name' | 'state' | 'reason'>[]
}

/** The subscriptions of an application, from outside. */
export type AppDelivery = Pick<Delivery, 'subscriptions' | 'caughtUp' | 'requested' | 'start'>

/** An application: modules, wired to a store. */
export interface App<
  Known extends Envelope = Envelope,
  Routes extends Route = Route,
  Tx extends StoreTransaction = StoreTransaction,
> extends AsyncDisposable {
  /**
   * Sends a command to its handler.
   *
   * @returns the events that it recorded, the state after them, the handler's result
   * @throws whatever the handler throws, as it is; {@link ContractError} for an input that does not fit;
   *   {@link ConcurrencyError} when other writers were first on every attempt;
   *   {@link CommandIdConflictError} when the command id was used for another request
   */
  send<C extends AnyCommandDefinition>(
    command: HandledCommand<C, Routes> & C,
    input: C['~input'],
    options?: SendOptions,
  ): Promise<AnswerTo<C['type'], Routes>>
  /**
   * Has a command sent at a time or after a while, never earlier, by whichever process runs then.
   *
   * @returns the timer's id, by which it can be cancelled
   */
  schedule<C extends AnyCommandDefinition>(
    command: HandledCommand<C, Routes> & C,
    input: C['~input'],
    due: TimerDue & TimerOptions,
  ): Promise<string>
  /**
   * Has the effect of a message from elsewhere (a webhook, a record of somebody else's broker) once,
   * however often it comes: within the `inbox` of `delivery.retention`, counted from the first time.
   * Answer the sender when this resolves.
   *
   * @param work everything through its `ctx.tx` is committed together with the note that the message was received
   * @throws whatever `work` throws, and {@link ConcurrencyError}: nothing is left of it then, and the
   *   message may come again
   * @throws {UsageError} a source or id that is no text of 1 to 500 characters
   */
  receive<Result>(
    message: ForeignMessage,
    work: (ctx: ReceiveContext<Tx>) => Promise<Result>,
  ): Promise<Received<Result>>
  /** @returns whether it was still waiting */
  cancelTimer(timerId: string): Promise<boolean>
  /** Ephemeral listeners to what this process commits. */
  readonly bus: EventBus<Known>
  readonly store: AppStore<Tx>
  readonly registry: Registry
  /** The subscriptions that this process runs. */
  readonly delivery: AppDelivery
  /** Slow work: what becomes of it, whoever does it. */
  readonly tasks: Tasks
  /**
   * Subscriptions of the whole log, whoever runs them: what they do, what is parked, and what can be
   * asked of them (pause, resume, reset, redrive, discard).
   */
  readonly admin: Admin
  /** Where what happens can be seen: statistics, traces, alerts and logs are built on it. */
  readonly observations: Observations
  /** Answers at once, from what is known: it asks neither the store nor anybody else. */
  readonly health: () => Health
  /**
   * Takes no further work, waits for that under way (commands, appends, transactions, listeners), then
   * closes the store. Twice is once. Called within a handler or a command, it resolves at once and
   * closes after that one: it could not wait for it.
   *
   * @throws {CloseTimeoutError} it took longer than `timeoutMs`; the store stays open until what runs has ended
   * @throws the signal's reason
   */
  close(options?: CloseOptions): Promise<void>
}

/** The application that a list of modules makes; `export interface MyApp extends AppOf<typeof modules> {}` names it. */
export type AppOf<
  Modules extends readonly AnyModule[],
  Tx extends StoreTransaction = StoreTransaction,
> = App<Modules[number]['~event'], Modules[number]['~route'], Tx>
