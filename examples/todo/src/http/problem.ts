import type { ContractIssue } from 'tidings'

/** An error as RFC 9457 says it (`application/problem+json`), with a stable code and the next step. */
export interface Problem {
  readonly type: 'about:blank'
  readonly status: number
  readonly title: string
  readonly code: string
  readonly detail: string
  readonly nextStep: string
  /** What is wrong with which field; the value of a sensitive one is never in it. */
  readonly issues?: readonly ContractIssue[]
}

/** A request that cannot even be tried. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestErrorCode
  readonly nextStep: string
  readonly issues: readonly ContractIssue[] | undefined

  constructor(
    code: RequestErrorCode,
    message: string,
    help: { readonly nextStep: string; readonly issues?: readonly ContractIssue[] },
  ) {
    super(message)
    this.code = code
    this.nextStep = help.nextStep
    this.issues = help.issues
  }
}

const statusOfRequest = {
  BODY_NOT_JSON: [400, 'Bad Request'],
  HEADER_INVALID: [400, 'Bad Request'],
  QUERY_INVALID: [400, 'Bad Request'],
  ORIGIN_FOREIGN: [403, 'Forbidden'],
  ROUTE_UNKNOWN: [404, 'Not Found'],
  FEED_POSITION_UNKNOWN: [409, 'Conflict'],
  BODY_TOO_LARGE: [413, 'Content Too Large'],
  CONTENT_TYPE_UNSUPPORTED: [415, 'Unsupported Media Type'],
  FIELD_UNKNOWN: [422, 'Unprocessable Content'],
} as const

export type RequestErrorCode = keyof typeof statusOfRequest

const statuses: Readonly<Record<string, readonly [status: number, title: string]>> = {
  ...statusOfRequest,
  TODO_EXISTS: [409, 'Conflict'],
  TODO_UNKNOWN: [404, 'Not Found'],
  TODO_DELETED: [410, 'Gone'],
  TODO_ALREADY_COMPLETED: [409, 'Conflict'],
  TODO_NOT_COMPLETED: [409, 'Conflict'],
  TODO_UNCHANGED: [422, 'Unprocessable Content'],
  REMINDER_EXISTS: [409, 'Conflict'],
  REMINDER_UNKNOWN: [404, 'Not Found'],
  REMINDER_OVER: [409, 'Conflict'],
  SESSION_UNKNOWN: [404, 'Not Found'],
  SESSION_OVER: [409, 'Conflict'],
  PERMISSION_UNCHANGED: [422, 'Unprocessable Content'],
  PERMISSION_UNKNOWN: [404, 'Not Found'],
  TIDINGS_PAYLOAD_INVALID: [422, 'Unprocessable Content'],
  TIDINGS_PAYLOAD_NOT_JSON: [422, 'Unprocessable Content'],
  TIDINGS_EVENT_TOO_LARGE: [413, 'Content Too Large'],
  TIDINGS_COMMAND_ID_CONFLICT: [422, 'Unprocessable Content'],
  TIDINGS_CONCURRENCY_CONFLICT: [409, 'Conflict'],
  TIDINGS_SUBSCRIPTION_UNKNOWN: [404, 'Not Found'],
  TIDINGS_NOTHING_PARKED: [409, 'Conflict'],
  TIDINGS_CLOSED: [503, 'Service Unavailable'],
  TIDINGS_STORE_BUSY: [503, 'Service Unavailable'],
  TIDINGS_STORE_FULL: [507, 'Insufficient Storage'],
  TIDINGS_STORE_READ_ONLY: [503, 'Service Unavailable'],
}

const nextSteps: Readonly<Record<string, string>> = {
  TIDINGS_PAYLOAD_INVALID: 'Mend the fields that are named, and send it again.',
  TIDINGS_PAYLOAD_NOT_JSON: 'Mend the fields that are named, and send it again.',
  TIDINGS_EVENT_TOO_LARGE: 'Send less.',
  TIDINGS_COMMAND_ID_CONFLICT: 'Take a new Idempotency-Key for a new request.',
  TIDINGS_CONCURRENCY_CONFLICT: 'Somebody else was first. Send it again.',
  TIDINGS_SUBSCRIPTION_UNKNOWN: 'Take one that GET /dead-letters names.',
  TIDINGS_NOTHING_PARKED: 'Nothing is left to do; GET /dead-letters shows what waits.',
  TIDINGS_CLOSED: 'The service is stopping. Send it again when it is back.',
}

/** What an error may carry; an error that a repeated command throws has it too, but not its class. */
interface Facts {
  readonly code?: unknown
  readonly nextStep?: unknown
  readonly issues?: readonly ContractIssue[]
}

/**
 * What a caller may know of an error. By its code and not by its class, because the repeat of a command
 * throws what is kept of the first error.
 *
 * @returns undefined for an error that is none of the caller's business: a fault of the service
 */
export function toProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, nextStep, issues } = error as Facts
  const known =
    typeof code === 'string' && Object.hasOwn(statuses, code) ? statuses[code] : undefined
  if (known === undefined) return undefined
  const [status, title] = known
  const step = nextStep ?? nextSteps[code as string]
  return {
    type: 'about:blank',
    status,
    title,
    code: code as string,
    detail: error.message,
    nextStep:
      typeof step === 'string' ? step : 'Send it again later, and tell whoever runs the service.',
    ...(issues === undefined ? {} : { issues }),
  }
}

/** What is said of a fault of the service: nothing that would tell about its inside. */
export const internalProblem: Problem = {
  type: 'about:blank',
  status: 500,
  title: 'Internal Server Error',
  code: 'INTERNAL',
  detail: 'The service failed. What happened is on its standard error.',
  nextStep: 'Send it again with the same Idempotency-Key: nothing is done twice.',
}
