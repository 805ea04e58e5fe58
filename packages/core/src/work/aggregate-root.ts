import type { AnyAggregate } from '../contract/define-aggregate.ts'
import type { AnyEventDefinition, Draft } from '../contract/definition.ts'
import { streamName, type Envelope } from '../contract/envelope.ts'
import { sealDraft, type SealedEvent } from '../contract/seal.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { originOf, type Cause, type Environment } from './origin.ts'

/** An aggregate as its events made it. */
export interface LoadedState {
  readonly state: unknown
  /** The version of its stream; 0 where there is no event. */
  readonly version: number
  /** The version that its latest usable snapshot holds; 0 where there is none. */
  readonly snapshotVersion: number
}

/**
 * One aggregate in a unit of work: its state, and the events that were recorded on it but are not
 * committed. `record` moves the state on; the unit of work commits the events and only then
 * publishes them.
 */
export class AggregateRoot<State = unknown, D extends Draft = Draft> {
  readonly id: string
  readonly stream: string
  readonly aggregate: AnyAggregate
  /** The version of the stream when it was loaded: what the commit expects. */
  readonly loadedVersion: number
  readonly snapshotVersion: number
  readonly #environment: Environment
  readonly #cause: Cause
  readonly #recorded: SealedEvent[] = []
  #state: unknown
  #ended = false

  constructor(
    aggregate: AnyAggregate,
    id: string,
    from: LoadedState & { readonly environment: Environment; readonly cause: Cause },
  ) {
    this.id = id
    this.aggregate = aggregate
    this.stream = streamName(aggregate.type, id)
    this.loadedVersion = from.version
    this.snapshotVersion = from.snapshotVersion
    this.#environment = from.environment
    this.#cause = from.cause
    this.#state = from.state
  }

  /** The state, with the recorded events folded in. */
  get state(): State {
    return this.#state as State
  }

  /** The version that the stream will have once the recorded events are committed. */
  get version(): number {
    return this.loadedVersion + this.#recorded.length
  }

  /** The events that are recorded and not committed. */
  get recorded(): readonly SealedEvent[] {
    return this.#recorded
  }

  /**
   * Records what happened, and moves the state on.
   *
   * @throws {ContractError} a payload does not fit its contract: nothing of this call is recorded
   * @throws {UsageError} an event is not one of the aggregate's; the unit of work is over
   */
  record(...drafts: readonly D[]): void {
    if (this.#ended) throw endedError()
    const origin = originOf(this.#environment, this.#cause, this.aggregate.type, this.id)
    const sealed = drafts.map((draft) => sealDraft(this.#requireOwn(draft), origin))
    for (const event of sealed) {
      this.#state = evolve(this.aggregate, this.#state, event.envelope)
      this.#recorded.push(event)
    }
  }

  /** @internal Called by the unit of work when it takes what was recorded. */
  end(): void {
    this.#ended = true
  }

  #requireOwn(draft: Draft): Draft {
    const known = this.aggregate.events.some(
      (definition: AnyEventDefinition) => definition === draft.definition,
    )
    if (known) return draft
    throw new UsageError(
      'TIDINGS_ARGUMENT_INVALID',
      `'${this.aggregate.type}' cannot record '${draft.draftOf}': it is not among its events. Add the definition to 'events', with its case in 'evolve'.`,
    )
  }
}

/** Recorded too late: it would be committed by nothing, and lost without a word. */
export function endedError(): UsageError {
  return new UsageError(
    'TIDINGS_TRANSACTION_CLOSED',
    "The transaction has ended: what is recorded now would be lost. Is an 'await' missing before the work that records it?",
  )
}

/** The state after an event. A type that the aggregate has no case for leaves the state as it is. */
export function evolve(aggregate: AnyAggregate, state: unknown, event: Envelope): unknown {
  const step = aggregate.evolve[event.eventType] as
    | ((state: unknown, event: Envelope) => unknown)
    | undefined
  return step === undefined ? state : step(state, event)
}
