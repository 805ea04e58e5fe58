import {
  isTidingsError,
  TidingsError,
  type ErrorCode,
  type TidingsErrorOptions,
} from './tidings-error.ts'

/** What an append may expect of a stream: an exact version (0 = no event), or one of three words. */
export type ExpectedVersion = number | 'any' | 'no-stream' | 'stream-exists'

/** Another writer was first. Load the stream again and decide again: trying again can help. */
export class ConcurrencyError extends TidingsError<'TIDINGS_CONCURRENCY_CONFLICT'> {
  readonly stream: string
  readonly expected: ExpectedVersion
  /** The version at which the stream is; 0 where it has no event. */
  readonly actual: number

  constructor(stream: string, expected: ExpectedVersion, actual: number) {
    const at = actual === 0 ? 'has no event' : `is at version ${actual}`
    super(
      'TIDINGS_CONCURRENCY_CONFLICT',
      `Stream '${stream}' ${at}, but the append expected ${describeExpected(expected)}. Nothing was stored. Load the stream again and decide again.`,
      { retryable: true },
    )
    this.stream = stream
    this.expected = expected
    this.actual = actual
  }
}

function describeExpected(expected: ExpectedVersion): string {
  if (expected === 'no-stream' || expected === 0) return 'no stream'
  if (expected === 'stream-exists') return 'an existing stream'
  return `version ${expected}`
}

/** Some of the ids are in the log already, but not as this same append: it is no repeat, it is a clash. */
export class EventIdConflictError extends TidingsError<'TIDINGS_EVENT_ID_CONFLICT'> {
  readonly eventId: string
  /** The stream to which the append meant to write. */
  readonly stream: string
  /** Where the event with this id is. */
  readonly foundStream: string
  readonly foundVersion: number

  constructor(facts: {
    eventId: string
    stream: string
    foundStream: string
    foundVersion: number
  }) {
    super(
      'TIDINGS_EVENT_ID_CONFLICT',
      `Event id ${facts.eventId} is in the log already, as version ${facts.foundVersion} of '${facts.foundStream}', and this append to '${facts.stream}' is not a repeat of that one. Nothing was stored. Repeat an append with all its ids in the same order, or give new ids.`,
    )
    this.eventId = facts.eventId
    this.stream = facts.stream
    this.foundStream = facts.foundStream
    this.foundVersion = facts.foundVersion
  }
}

/**
 * A transaction of another library brought an append that is in the log already: it was committed before,
 * and its own rows with it. This time nothing was stored.
 */
export class AppendRepeatedError extends TidingsError<'TIDINGS_APPEND_REPEATED'> {
  readonly eventId: string
  readonly stream: string
  /** The version at which the event is. */
  readonly version: number

  constructor(facts: { eventId: string; stream: string; version: number }) {
    super(
      'TIDINGS_APPEND_REPEATED',
      `A transaction is committed once; event ${facts.eventId} and all that came with it are in the log already, as version ${facts.version} of '${facts.stream}'. The transaction was rolled back, for its own rows were stored the first time. Go on as after a COMMIT, or give new ids.`,
    )
    this.eventId = facts.eventId
    this.stream = facts.stream
    this.version = facts.version
  }
}

/** A command id came a second time with another request. */
export class CommandIdConflictError extends TidingsError<'TIDINGS_COMMAND_ID_CONFLICT'> {
  readonly commandId: string
  readonly type: string

  constructor(commandId: string, type: string) {
    super(
      'TIDINGS_COMMAND_ID_CONFLICT',
      `Command id ${commandId} was used before for another request than this ${type}. Nothing was done. Send the same request to learn its outcome, or take a new id for a new request.`,
    )
    this.commandId = commandId
    this.type = type
  }
}

export type StoreErrorCode = Extract<ErrorCode, `TIDINGS_STORE_${string}`>

/** The database could not do what was asked. What had been acknowledged before is not touched by it. */
export class StoreError extends TidingsError<StoreErrorCode> {
  /** The file or database, without secrets. */
  readonly location: string
  /** The caller's own statement that was refused; undefined where it was none of his. */
  declare readonly statement?: string

  constructor(
    code: StoreErrorCode,
    location: string,
    message: string,
    options: TidingsErrorOptions = {},
  ) {
    super(code, message, options)
    this.location = location
  }
}

/**
 * Whether the store is in trouble, so that the same may succeed later: not where it refused a statement of the
 * user's own, which it will refuse again.
 */
export function isStoreInTrouble(error: unknown): error is StoreError {
  if (!isTidingsError(error) || !error.code.startsWith('TIDINGS_STORE_')) return false
  return error.retryable || (error as StoreError).statement === undefined
}

/** Somebody else owns the subscription now: the lease was lost. Nothing that was under way is stored. */
export class FencedError extends TidingsError<'TIDINGS_FENCED'> {
  readonly subscription: string
  /** The token under which it was tried. */
  readonly token: number

  constructor(subscription: string, token: number) {
    super(
      'TIDINGS_FENCED',
      `Subscription '${subscription}' is no longer owned under token ${token}: another process has taken it over, or it was reset. Nothing was stored. The new owner goes on from what was; a lease that is lost often is too short for what blocks the process.`,
    )
    this.subscription = subscription
    this.token = token
  }
}
