import {
  AppendRepeatedError,
  ConcurrencyError,
  EventIdConflictError,
  type ExpectedVersion,
} from 'tidings'

/** As deep as libraries wrap what the driver threw. */
const MAX_CAUSES = 10

/**
 * What the failure of a COMMIT means, where a transaction of another library brought events: a
 * `ConcurrencyError`, an `EventIdConflictError`, or an `AppendRepeatedError` when the same transaction was
 * committed before. Any other error comes back as it is.
 *
 * @param error what the COMMIT threw, also within the error of a library
 */
export function explainCommit(error: unknown): unknown {
  let cause = error
  for (let depth = 0; depth < MAX_CAUSES && isObject(cause); depth++) {
    const { code, detail } = cause
    if (code === 'TD001' && typeof detail === 'string') return conflict(detail)
    if (code === 'TD002' && typeof detail === 'string') return clash(detail)
    cause = cause['cause']
  }
  return error
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function conflict(detail: string): ConcurrencyError {
  const { stream, expected, actual } = JSON.parse(detail) as {
    readonly stream: string
    readonly expected: number
    readonly actual: number
  }
  return new ConcurrencyError(stream, expectedOf(expected), actual)
}

function expectedOf(expected: number): ExpectedVersion {
  return expected === -2 ? 'stream-exists' : expected
}

function clash(detail: string): AppendRepeatedError | EventIdConflictError {
  const { stream, eventId, foundStream, foundVersion, repeated } = JSON.parse(detail) as {
    readonly stream: string
    readonly eventId: string
    readonly foundStream: string
    readonly foundVersion: number
    readonly repeated: boolean
  }
  if (repeated) return new AppendRepeatedError({ eventId, stream, version: foundVersion })
  return new EventIdConflictError({ eventId, stream, foundStream, foundVersion })
}
