import { deepFreeze } from './json.ts'
import { DefinitionError } from '../errors/usage-errors.ts'
import type { AnyCommandDefinition, AnyEventDefinition, Draft } from './definition.ts'
import type { Envelope } from './envelope.ts'

/** What `decide` may use beside command and state; everything else would make it impure. */
export interface DecideContext {
  /** A new UUIDv7. */
  newId(): string
  /** When the command is handled: UTC, ISO 8601, milliseconds. */
  readonly now: string
  readonly commandId: string
  readonly correlationId: string
  readonly actor: string | undefined
  readonly tenant: string | undefined
}

/**
 * A function per event. Keyed by the event's type and looked up by `Extract`, which is what gives every
 * case its types; the wrapper around State keeps its literals and lets `initialState` alone say it.
 */
export type Evolve<State, E extends AnyEventDefinition> = {
  readonly [T in E['type']]: [State] extends [infer S]
    ? (state: S, event: Extract<E, { type: T }>['~event']) => S
    : never
}

/** A function per command: it answers with what happened: one event, several, or none (`[]`). */
export type Decide<State, E extends AnyEventDefinition, C extends AnyCommandDefinition> = {
  readonly [T in C['type']]: (
    command: Extract<C, { type: T }>['~payload'],
    state: State,
    ctx: DecideContext,
  ) => E['~draft'] | readonly E['~draft'][]
}

export interface SnapshotOptions {
  /** A snapshot is taken when this many events have come since the last one. */
  readonly every: number
  /** Raise it whenever `State` or `evolve` changes: snapshots of another version are ignored. */
  readonly version: number
}

/** What a handled command answers. */
export interface Sent<State, Event, Result = undefined> {
  /** The events it recorded, in order; empty where nothing was to be done. */
  readonly events: readonly Event[]
  /** The state after them; undefined for a command handler without an aggregate. */
  readonly state: State
  readonly result: Result
  /** The position of the last event; undefined where there is none. */
  readonly position: number | undefined
  readonly commandId: string
  readonly correlationId: string
  /** Whether this is the outcome of an earlier send with the same command id. */
  readonly repeated: boolean
}

/** A command that something handles, and its answer. For the compiler only. */
export interface Route<Type extends string = string, Answer = unknown> {
  readonly type: Type
  readonly answer: Answer
}

export interface AnyAggregate {
  readonly kind: 'aggregate'
  readonly type: string
  readonly events: readonly AnyEventDefinition[]
  readonly commands: readonly AnyCommandDefinition[]
  readonly id: (command: never) => string
  readonly initialState: unknown
  readonly evolve: Readonly<Record<string, (state: never, event: never) => unknown>>
  readonly decide: Readonly<
    Record<string, (command: never, state: never, ctx: DecideContext) => unknown>
  >
  readonly snapshot: SnapshotOptions | undefined
  readonly '~event': Envelope
  readonly '~draft': Draft
  readonly '~route': Route
  readonly '~state': unknown
}

export interface AggregateDefinition<
  Type extends string,
  State,
  E extends AnyEventDefinition,
  C extends AnyCommandDefinition,
> extends AnyAggregate {
  readonly type: Type
  readonly initialState: State
  readonly '~event': E['~event']
  readonly '~draft': E['~draft']
  readonly '~route': RoutesOf<C, Sent<State, E['~event']>>
  readonly '~state': State
}

type RoutesOf<C extends AnyCommandDefinition, Answer> = {
  [T in C['type']]: Route<T, Answer>
}[C['type']]

export interface AggregateOptions<
  State,
  Events extends readonly AnyEventDefinition[],
  Commands extends readonly AnyCommandDefinition[],
> {
  readonly events: Events
  readonly commands: Commands
  /** Which aggregate a command is for. */
  readonly id: (command: Commands[number]['~payload']) => string
  /** The state before any event; it is frozen. Say its type with `as`, not with `satisfies`, which would narrow it. */
  readonly initialState: State
  /**
   * State after an event: pure, and total: an event that happened cannot be refused. A case that needs
   * neither names one all the same, `(_state) => ({ status: 'done' })`: of a function without
   * parameters the compiler makes `status: string`.
   */
  readonly evolve: Evolve<State, Events[number]>
  /** What a command leads to: pure. Throw to refuse; the error reaches the caller as it is. */
  readonly decide: Decide<State, Events[number], Commands[number]>
  readonly snapshot?: SnapshotOptions
}

/**
 * Describes an aggregate: the commands it takes, the events it decides on, and how its state follows
 * from them. The stream of one is `type/id`.
 *
 * @throws {DefinitionError} when a case of `evolve` or `decide` is missing (also a compile error), or
 *   the snapshot options are no whole numbers from 1 up.
 */
export function defineAggregate<
  const Type extends string,
  State,
  const Events extends readonly AnyEventDefinition[],
  const Commands extends readonly AnyCommandDefinition[],
>(
  type: Type,
  options: AggregateOptions<State, Events, Commands>,
): AggregateDefinition<Type, State, Events[number], Commands[number]> {
  if (type === '' || type.includes('/'))
    throw new DefinitionError(type, 'an aggregate type is dotted and holds no slash')
  requireCases(type, 'evolve', options.evolve, options.events)
  requireCases(type, 'decide', options.decide, options.commands)
  requireWhole(type, options.snapshot)
  return Object.freeze({
    kind: 'aggregate',
    type,
    snapshot: undefined,
    ...options,
    // One object for all aggregates of the type: an 'evolve' that changed it would change them all.
    initialState: deepFreeze(options.initialState),
  }) as unknown as AggregateDefinition<Type, State, Events[number], Commands[number]>
}

function requireCases(
  type: string,
  table: 'evolve' | 'decide',
  cases: object,
  definitions: readonly { readonly type: string }[],
): void {
  const missing = definitions.filter((definition) => !Object.hasOwn(cases, definition.type))
  if (missing.length === 0) return
  throw new DefinitionError(
    type,
    `'${table}' lacks a case for ${missing.map((one) => `'${one.type}'`).join(', ')}`,
  )
}

function requireWhole(type: string, snapshot: SnapshotOptions | undefined): void {
  if (snapshot === undefined) return
  for (const field of ['every', 'version'] as const) {
    if (Number.isInteger(snapshot[field]) && snapshot[field] >= 1) continue
    throw new DefinitionError(
      type,
      `snapshot.${field} must be a whole number from 1 up, got ${snapshot[field]}`,
    )
  }
}
