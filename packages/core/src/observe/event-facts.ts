import type { Envelope } from '../contract/envelope.ts'

/** What a name is told by, where an event is about somebody. */
export type NameOf = (event: Envelope) => string | undefined

function member(payload: unknown, name: string): unknown {
  return typeof payload === 'object' && payload !== null
    ? (payload as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Whose event it is: `payload.agentId`, else `metadata.source`. */
export function defaultAgentOf(event: Envelope): string | undefined {
  return text(member(event.payload, 'agentId')) ?? text(event.metadata.source)
}

/** The session (conversation, login, job) of an event: `payload.sessionId`, else `metadata.sessionId`. */
export function defaultSessionOf(event: Envelope): string | undefined {
  return text(member(event.payload, 'sessionId')) ?? text(event.metadata['sessionId'])
}

/** Milliseconds that an event itself says something took: `payload.executionTimeMs`. */
export function defaultReportedMsOf(event: Envelope): number | undefined {
  const value = member(event.payload, 'executionTimeMs')
  return typeof value === 'number' && value >= 0 ? value : undefined
}
