import { failuresAreLogged } from '../observe/log-owner.ts'
import type { Observations } from '../observe/observations.ts'
import type { Failure } from './failure.ts'

/** The default owner of failures: keeps silent about a handler's where `logTo` writes it already. */
export function reportUnlogged(observations: Observations): (failure: Failure) => void {
  return (failure) => {
    const isHandled = failure.kind === 'listener' && failure.event !== undefined
    if (!isHandled || !failuresAreLogged(observations)) reportFailure(failure)
  }
}

/** One readable entry for a failure that no caller waits for, on standard error. */
export function reportFailure(failure: Failure): void {
  process.stderr.write(`tidings: ${describePlace(failure)}: ${describeError(failure.error)}\n`)
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
export function ownerOf(own: (failure: Failure) => void): (failure: Failure) => void {
  return (failure) => {
    try {
      own(failure)
    } catch (error) {
      reportFailure(failure)
      reportFailure({ kind: 'background', error })
    }
  }
}
