import { redactorOf } from '../observe/describe-error.ts'
import { failuresAreLogged } from '../observe/log-owner.ts'
import type { Observations } from '../observe/observations.ts'
import type { SensitiveOf } from '../observe/redact.ts'
import type { Failure } from './failure.ts'

/** The default owner of failures: keeps silent about a handler's where `logTo` writes it already. */
export function reportUnlogged(
  observations: Observations,
  sensitiveOf: SensitiveOf,
): (failure: Failure) => void {
  return (failure) => {
    const isHandled = failure.kind === 'listener' && failure.event !== undefined
    if (!isHandled || !failuresAreLogged(observations)) reportFailure(failure, sensitiveOf)
  }
}

/** One readable entry for a failure that no caller waits for, on standard error; nothing sensitive in it. */
export function reportFailure(failure: Failure, sensitiveOf: SensitiveOf): void {
  const event = failure.kind === 'listener' ? failure.event : undefined
  const error = describeError(failure.error)
  const shown = event === undefined ? error : redactorOf(event, sensitiveOf)(error)
  process.stderr.write(`tidings: ${describePlace(failure)}: ${shown}\n`)
}

function describePlace(failure: Failure): string {
  if (failure.kind === 'background') return 'a background task failed'
  const { name, event } = failure
  if (event === undefined) return `listener '${name}' failed while closing`
  return `listener '${name}' failed on ${event.eventType} ${event.eventId} (correlation ${event.correlationId})`
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error)
}

/** What is committed or delivered must not seem to have failed because the owner of failures threw. */
export function ownerOf(
  own: (failure: Failure) => void,
  sensitiveOf: SensitiveOf,
): (failure: Failure) => void {
  return (failure) => {
    try {
      own(failure)
    } catch (error) {
      reportFailure(failure, sensitiveOf)
      reportFailure({ kind: 'background', error }, sensitiveOf)
    }
  }
}
