import assert from 'node:assert/strict'
import {
  parsePayload,
  sealDraft,
  type AnyAggregate,
  type AnyCommandDefinition,
  type Clock,
  type DecideContext,
  type Draft,
  type Envelope,
} from 'tidings'
import { seededIds } from './fakes/seeded.ts'

/** The drafts that an aggregate's events can be. */
export type DraftOf<A extends AnyAggregate> = A['~event'] extends infer Event
  ? Event extends Envelope<infer Type, infer Payload>
    ? Draft<Type, Payload>
    : never
  : never

/** The command types that an aggregate decides on. */
type CommandTypeOf<A extends AnyAggregate> = A['~route']['type']

/** What has happened so far. */
export interface Given<A extends AnyAggregate> {
  /**
   * Hands a command to the aggregate's `decide`, with the state that follows from what was given.
   *
   * @param input as a caller of `app.send` would write it; checked by the command's contract
   * @param context what `decide` may ask for: fixed ids and a fixed time, unless given here
   * @throws {ContractError} when the input does not fit the command, or a given draft its event
   */
  when<C extends AnyCommandDefinition & { readonly type: CommandTypeOf<A> }>(
    command: C,
    input: C['~input'],
    context?: Partial<DecideContext>,
  ): Outcome<A>
}

/**
 * What a command led to. (The methods are not named `then`: an object with a `then` is taken for a
 * promise by every `await`.)
 */
export interface Outcome<A extends AnyAggregate> {
  /**
   * Expects exactly these events in this order, compared by type and by the payload that their
   * contract makes of them. None: nothing was to be done.
   *
   * @throws {AssertionError} when they differ, or the command was refused
   */
  thenEvents(...drafts: readonly DraftOf<A>[]): Outcome<A>
  /** Expects the state after those events. @throws {AssertionError} when it differs, or the command was refused */
  thenState(state: A['~state']): Outcome<A>
  /**
   * Expects that the command was refused.
   *
   * @param expected the class of the error, or a pattern of its message
   * @throws {AssertionError} when it was accepted, or refused in another way
   */
  thenThrows(expected: RegExp | (abstract new (...parameters: never[]) => Error)): void
  /** The events as `decide` said them. @throws whatever `decide` threw */
  readonly events: readonly DraftOf<A>[]
}

/**
 * Begins a test of an aggregate without a store: given what happened, when a command comes, then
 * these events.
 *
 * ```ts
 * given(Todo, [TodoCreated({ todoId, title: 'x' })])
 *   .when(CompleteTodo, { todoId })
 *   .thenEvents(TodoCompleted({ todoId }))
 * ```
 */
export function given<A extends AnyAggregate>(
  aggregate: A,
  drafts: readonly DraftOf<A>[] = [],
): Given<A> {
  return {
    when(command, input, context) {
      const payload = parsePayload(command, input)
      const id = aggregate.id(payload as never)
      const before = fold(aggregate, { id, drafts, state: aggregate.initialState })
      const handle = aggregate.decide[command.type]
      if (handle === undefined) {
        throw new TypeError(`'${aggregate.type}' has no case for the command '${command.type}'`)
      }
      const decided = attempt(() =>
        toList(handle(payload as never, before as never, decideContext(context))),
      )
      return makeOutcome(aggregate, { id, before, decided })
    },
  }
}

const TIME_MS = Date.UTC(2026, 10, 21, 9)
const standingClock: Clock = {
  now: () => TIME_MS,
  sleep: () => Promise.reject(new Error('Nothing sleeps in a decision')),
}

function decideContext(given: Partial<DecideContext> = {}): DecideContext {
  const ids = seededIds(1)
  return {
    newId: () => ids.newId(TIME_MS),
    now: new Date(TIME_MS).toISOString(),
    commandId: ids.newId(TIME_MS),
    correlationId: ids.newId(TIME_MS),
    actor: undefined,
    tenant: undefined,
    ...given,
  }
}

type Attempt =
  | { readonly ok: true; readonly drafts: readonly Draft[] }
  | { readonly ok: false; readonly error: unknown }

function attempt(decide: () => readonly Draft[]): Attempt {
  try {
    return { ok: true, drafts: decide() }
  } catch (error) {
    return { ok: false, error }
  }
}

function toList(decided: unknown): readonly Draft[] {
  return Array.isArray(decided) ? (decided as readonly Draft[]) : [decided as Draft]
}

interface Folding {
  readonly id: string
  readonly drafts: readonly Draft[]
  readonly state: unknown
}

function fold(aggregate: AnyAggregate, { id, drafts, state }: Folding): unknown {
  const ids = seededIds(2)
  for (const draft of drafts) {
    const { envelope } = sealDraft(draft, {
      aggregateType: aggregate.type,
      aggregateId: id,
      correlationId: ids.newId(TIME_MS),
      causationId: undefined,
      metadata: undefined,
      clock: standingClock,
      ids,
    })
    const evolve = aggregate.evolve[envelope.eventType]
    if (evolve === undefined) {
      throw new TypeError(`'${aggregate.type}' has no case for the event '${envelope.eventType}'`)
    }
    state = evolve(state as never, envelope as never)
  }
  return state
}

interface Decided {
  readonly id: string
  readonly before: unknown
  readonly decided: Attempt
}

function makeOutcome<A extends AnyAggregate>(
  aggregate: A,
  { id, before, decided }: Decided,
): Outcome<A> {
  const accepted = (): readonly Draft[] => {
    if (decided.ok) return decided.drafts
    throw new assert.AssertionError({
      message: `the command was refused: ${String(decided.error)}`,
      actual: decided.error,
    })
  }
  const outcome: Outcome<A> = {
    get events() {
      if (!decided.ok) throw decided.error
      return decided.drafts as readonly DraftOf<A>[]
    },
    thenEvents(...drafts) {
      assert.deepEqual(accepted().map(describeDraft), drafts.map(describeDraft))
      return outcome
    },
    thenState(state) {
      assert.deepEqual(fold(aggregate, { id, drafts: accepted(), state: before }), state)
      return outcome
    },
    thenThrows(expected) {
      const drafts = decided.ok ? decided.drafts.map((draft) => draft.draftOf).join(', ') : ''
      if (decided.ok) assert.fail(`the command was accepted, with ${drafts || 'no event'}`)
      const { error } = decided
      assert.throws(() => {
        throw error
      }, expected as RegExp)
    },
  }
  return outcome
}

function describeDraft(draft: Draft): { readonly type: string; readonly payload: unknown } {
  return { type: draft.draftOf, payload: parsePayload(draft.definition, draft.payload) }
}
