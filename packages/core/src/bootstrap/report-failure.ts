import type { Failure } from './failure.ts'

/** The default owner of a failure that no caller waits for: one readable entry on standard error. */
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
