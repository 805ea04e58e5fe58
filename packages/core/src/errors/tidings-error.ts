/** Every code that the library throws, with its meaning. A test walks this table; docs list it. */
export const errorCodes = {
  TIDINGS_DEFINITION_INVALID:
    'A definition (event, command, topic, task, aggregate, module) contradicts itself.',
  TIDINGS_REGISTRY_INVALID:
    'The definitions of an application do not fit together; all problems are listed.',
  TIDINGS_NAME_UNKNOWN: 'No contract has this name.',
  TIDINGS_VERSION_UNKNOWN: 'An event is of a version that this process does not know.',
  TIDINGS_PAYLOAD_INVALID: 'A payload does not fit its contract.',
  TIDINGS_PAYLOAD_NOT_JSON: 'A payload would not survive JSON unchanged.',
  TIDINGS_UPCAST_FAILED: 'An upcaster threw, or made a payload that does not fit the next version.',
  TIDINGS_SCHEMA_ASYNC: 'A schema answered with a promise; only synchronous schemas are taken.',
  TIDINGS_ENVELOPE_INVALID: 'An envelope lacks a field or has one of the wrong kind.',
  TIDINGS_EVENT_UNREADABLE: 'Bytes are no JSON object in UTF-8.',
  TIDINGS_EVENT_TOO_LARGE: 'An event is larger than the limit.',
  TIDINGS_CONCURRENCY_CONFLICT: 'A stream is not at the version that the append expected.',
  TIDINGS_EVENT_ID_CONFLICT:
    'An event id is in the log already, in another place or in other company.',
  TIDINGS_APPEND_REPEATED:
    'A transaction of another library brought events that it has committed before.',
  TIDINGS_COMMAND_ID_CONFLICT: 'A command id was used before, for another request.',
  TIDINGS_SUBSCRIPTION_UNKNOWN: 'No subscription of this log has this name.',
  TIDINGS_NOTHING_PARKED: 'No parked event fits what was asked to be redriven or discarded.',
  TIDINGS_SHARDS_CHANGED:
    'A subscription runs in another number of shards than it is recorded under.',
  TIDINGS_OPERATION_UNKNOWN: 'No operation has this id.',
  TIDINGS_OPERATION_ID_CONFLICT: 'An operation id was used before, for another request.',
  TIDINGS_FENCED: 'A subscription was written by an owner that has lost it.',
  TIDINGS_COMMAND_UNHANDLED: 'No module of this application handles the command.',
  TIDINGS_ARGUMENT_INVALID: 'A call was made with an argument that it cannot take.',
  TIDINGS_TRANSACTION_NESTED:
    'A transaction waits for itself: the store was called instead of the transaction.',
  TIDINGS_TRANSACTION_CLOSED: 'A transaction was used after it had ended.',
  TIDINGS_QUEUE_FULL: 'A full queue refused an event.',
  TIDINGS_TIMEOUT: 'What was waited for did not come in time.',
  TIDINGS_EVENT_LATE: 'An event came after the window that it belongs to was over.',
  TIDINGS_PUBLISH_LOOP: 'Handlers published within handlers, deeper than any program means.',
  TIDINGS_WEBHOOK_FAILED: 'A webhook did not take an alert.',
  TIDINGS_CLOSED: 'The store, bus or application is closed.',
  TIDINGS_STORE_BUSY: 'Another process held the store for too long.',
  TIDINGS_STORE_FULL: 'The disk, or the limit of the file, is full.',
  TIDINGS_STORE_READ_ONLY: 'The store cannot be written.',
  TIDINGS_STORE_CORRUPT: 'The file is damaged or is no store.',
  TIDINGS_STORE_MISSING: 'The file is not there, or is no longer the one that was opened.',
  TIDINGS_STORE_UNREACHABLE:
    'The server of the store cannot be reached, or the connection was cut.',
  TIDINGS_STORE_REFUSED: 'The server of the store does not let this user in, or do it.',
  TIDINGS_STORE_TOO_NEW: 'The file was made by a newer version than this one can read.',
  TIDINGS_STORE_TOO_OLD:
    'The log has an older form than this version works with, and was not to be changed.',
  TIDINGS_STORE_FAILED: 'The database reported an error that has no code of its own.',
} as const

export type ErrorCode = keyof typeof errorCodes

/** Known to every copy of the library: two installed versions must recognise each other's errors. */
const brand = Symbol.for('tidings.error')

export interface TidingsErrorOptions {
  /** Whether the same call may succeed later without a change. */
  readonly retryable?: boolean
  readonly cause?: unknown
}

/**
 * The base of every error that Tidings throws: a stable `code`, whether trying again can help, and a
 * message that says the rule, what was expected, what came, and what to do. Facts are fields.
 */
export class TidingsError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code
  readonly retryable: boolean

  static {
    // On the prototype, where it is not printed with every error.
    Object.defineProperty(this.prototype, brand, { value: true })
  }

  constructor(code: Code, message: string, options: TidingsErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = new.target.name
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** Whether a thrown value is one of Tidings' errors, also of another copy of the library. */
export function isTidingsError(error: unknown): error is TidingsError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as Record<symbol, unknown>)[brand] === true
  )
}

/** Whether trying again can help; false for everything that does not say so. */
export function isRetryable(error: unknown): boolean {
  return isTidingsError(error) && error.retryable
}
