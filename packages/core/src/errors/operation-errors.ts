import { TidingsError } from './tidings-error.ts'

/** No subscription of this name has ever run on this log. */
export class UnknownSubscriptionError extends TidingsError<'TIDINGS_SUBSCRIPTION_UNKNOWN'> {
  /** The name as it came. */
  readonly subscription: string
  /** The nearest known names, nearest first. */
  readonly nearest: readonly string[]

  constructor(subscription: string, nearest: readonly string[]) {
    const hint =
      nearest.length > 0
        ? ` Did you mean ${nearest.map((name) => `'${name}'`).join(' or ')}?`
        : ' It is there from its first run on; start the application that has it.'
    super(
      'TIDINGS_SUBSCRIPTION_UNKNOWN',
      `No subscription of this log is named '${subscription}'.${hint} Nothing was changed.`,
    )
    this.subscription = subscription
    this.nearest = nearest
  }
}

/** Why a filter finds nothing that could be redriven or discarded. */
export interface NothingParkedFacts {
  /** Being redriven at this moment. */
  readonly redriving: number
  /** Handled after all, or discarded. */
  readonly finished: number
  /** Parked under an earlier generation: history since the reset. */
  readonly earlier: number
}

/** No parked event of a subscription fits a filter. */
export class NothingParkedError extends TidingsError<'TIDINGS_NOTHING_PARKED'> {
  readonly subscription: string
  readonly facts: NothingParkedFacts

  constructor(subscription: string, facts: NothingParkedFacts) {
    super(
      'TIDINGS_NOTHING_PARKED',
      `No parked event of '${subscription}' fits: ${describeNothing(facts)}. Nothing was changed. Look at what is parked, and at the filter.`,
    )
    this.subscription = subscription
    this.facts = facts
  }
}

function describeNothing({ redriving, finished, earlier }: NothingParkedFacts): string {
  const found = [
    redriving === 0 ? undefined : `${redriving} being redriven already`,
    finished === 0 ? undefined : `${finished} resolved or discarded already`,
    earlier === 0 ? undefined : `${earlier} of an earlier generation, history since a reset`,
  ].filter((part) => part !== undefined)
  return found.length === 0 ? 'the filter matches none' : found.join(', ')
}

/** An operation that is not there, or an id that was used before for another request. */
export class OperationError extends TidingsError<
  'TIDINGS_OPERATION_UNKNOWN' | 'TIDINGS_OPERATION_ID_CONFLICT'
> {
  readonly operationId: string

  constructor(code: 'TIDINGS_OPERATION_UNKNOWN' | 'TIDINGS_OPERATION_ID_CONFLICT', id: string) {
    super(
      code,
      code === 'TIDINGS_OPERATION_UNKNOWN'
        ? `This log has no operation ${id}. List the operations to find its id.`
        : `Operation id ${id} was used before for another request. Nothing was changed. Send the same request to get the same operation, or take a new id for a new request.`,
    )
    this.operationId = id
  }
}

/** What is recorded of the shards of a subscription. */
export interface ShardsChangedFacts {
  /** As many as this application gives it. */
  readonly shards: number
  /** As many as it ran in; empty: nothing is recorded yet. */
  readonly recorded: readonly number[]
  /** Who still owns one of those, where a reset was asked for and waits for it. */
  readonly heldBy: string | undefined
}

/** A subscription runs in another number of shards than it is recorded under. */
export class ShardsChangedError extends TidingsError<'TIDINGS_SHARDS_CHANGED'> {
  readonly subscription: string
  readonly facts: ShardsChangedFacts

  constructor(subscription: string, facts: ShardsChangedFacts) {
    const { shards, recorded, heldBy } = facts
    const next =
      heldBy === undefined
        ? `Give it the number it ran in again, or stop whoever runs it so and ask for a reset (tidings subscriptions reset ${subscription} --to <position>): it begins there with ${shards}.`
        : `The reset that was asked for begins as soon as ${heldBy} has let go of them: stop it.`
    super(
      'TIDINGS_SHARDS_CHANGED',
      `A subscription keeps the number of shards that its progress is recorded under; '${subscription}' has 'shards: ${shards}', and its records are of ${recorded.length === 0 ? 'none' : recorded.join(' and ')}. It handles nothing. ${next}`,
    )
    this.subscription = subscription
    this.facts = facts
  }
}
