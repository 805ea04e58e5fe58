import type { Envelope } from '../contract/envelope.ts'
import { describeThrown, redactorOfAll, type Redact } from '../observe/describe-error.ts'
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
    if (failure.kind === 'listener' && failuresAreLogged(observations)) return
    reportFailure(failure, sensitiveOf)
  }
}

/** One readable entry for a failure that no caller waits for, on standard error; nothing sensitive in it. */
export function reportFailure(failure: Failure, sensitiveOf: SensitiveOf): void {
  const redact = redactorOfAll(eventsOf(failure), sensitiveOf)
  process.stderr.write(`tidings: ${describePlace(failure)}: ${textOf(failure.error, redact)}\n`)
}

/** Whoever owns failures has nobody to tell of its own: it must not throw. */
function textOf(error: unknown, redact: Redact): string {
  try {
    return describeThrown(error, redact)
  } catch {
    return 'an error that cannot be shown, since its sensitive values cannot be told'
  }
}

function eventsOf(failure: Failure): readonly Envelope[] {
  if (failure.kind === 'background') return []
  const { event, lateFor = [] } = failure
  return event === undefined ? lateFor : [event]
}

function describePlace(failure: Failure): string {
  if (failure.kind === 'background') return 'a background task failed'
  const { name, event, lateFor = [] } = failure
  if (event !== undefined)
    return `listener '${name}' failed on ${event.eventType} ${event.eventId} (correlation ${event.correlationId})`
  return lateFor.length === 0
    ? `listener '${name}' failed while closing`
    : `listener '${name}' failed on ${lateFor.length} events, of which ${lateFor[0]!.eventType} ${lateFor[0]!.eventId} is the first`
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
