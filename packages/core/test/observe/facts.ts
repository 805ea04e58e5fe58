import { onTestFinished } from 'vitest'
import type { Envelope } from '../../src/contract/envelope.ts'
import { createObservations, type Observations } from '../../src/observe/observations.ts'

/** The points alone; an observer that throws fails the test. */
export function openObservations(): Observations {
  const errors: unknown[] = []
  onTestFinished(() => {
    if (errors.length > 0) throw new AggregateError(errors, 'an observer threw')
  })
  return createObservations((error) => errors.push(error))
}

let lastId = 0

export function eventOf(eventType: string, fields: Partial<Envelope> = {}): Envelope {
  return {
    eventId: `event-${++lastId}`,
    eventType,
    eventVersion: 1,
    timestamp: '2026-11-21T09:30:00.000Z',
    aggregateType: 'Test.Agent',
    aggregateId: 'a',
    correlationId: 'correlation-1',
    payload: {},
    metadata: {},
    ...fields,
  }
}

export function publish(observations: Observations, event: Envelope): void {
  observations.published.emit({ event, handlers: 1 })
}

export function handle(
  observations: Observations,
  event: Envelope,
  outcome: {
    readonly handler?: string
    readonly durationMs?: number
    readonly error?: unknown
  } = {},
): void {
  observations.handled.emit({
    event,
    handlerId: 'listener-1',
    handler: outcome.handler ?? 'mail',
    durationMs: outcome.durationMs ?? 1,
    failed: 'error' in outcome,
    error: outcome.error,
  })
}

export function command(
  observations: Observations,
  outcome: { readonly durationMs?: number; readonly error?: unknown } = {},
): void {
  observations.command.emit({
    type: 'Test.Agent.Start',
    commandId: `command-${++lastId}`,
    correlationId: 'correlation-1',
    durationMs: outcome.durationMs ?? 1,
    failed: 'error' in outcome,
    error: outcome.error,
    redact: (text) => text,
  })
}

export function isObserved(observations: Observations): boolean {
  const points: readonly { readonly active: boolean }[] = Object.values(observations)
  return points.some(({ active }) => active)
}
