import type { Failure } from './failure.ts'

/** The default owner of a failure that no caller waits for: one readable entry on standard error. */
export function reportFailure(failure: Failure): void {
  const where =
    failure.kind === 'listener'
      ? `listener '${failure.name}' failed on ${failure.event.eventType} ${failure.event.eventId} (correlation ${failure.event.correlationId})`
      : 'a background task failed'
  process.stderr.write(`tidings: ${where}: ${describeError(failure.error)}\n`)
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error)
}
