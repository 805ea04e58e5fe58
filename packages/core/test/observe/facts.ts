import { onTestFinished } from 'vitest'
import type { Envelope } from '../../src/contract/envelope.ts'
import {
  createObservations,
  type AttemptFailedFact,
  type Observations,
  type ParkedFact,
} from '../../src/observe/observations.ts'

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
    /** Where it is one that handles it. */
    readonly subscription?: string
  } = {},
): void {
  observations.handled.emit({
    event,
    ...(outcome.subscription === undefined ? {} : { subscription: outcome.subscription }),
    handlerId: 'listener-1',
    handler: outcome.handler ?? outcome.subscription ?? 'mail',
    durationMs: outcome.durationMs ?? 1,
    failed: 'error' in outcome,
    error: outcome.error,
  })
}

/** An attempt of a subscription, and what is done about it where it fails. */
export function attempt(
  observations: Observations,
  event: Envelope,
  failure?: { readonly error: unknown; readonly decision: AttemptFailedFact['decision'] },
): void {
  const subscription = 'mail'
  handle(observations, event, {
    subscription,
    durationMs: 2,
    ...(failure === undefined ? {} : { error: failure.error }),
  })
  if (failure !== undefined)
    observations.attemptFailed.emit({ subscription, event, attempt: 1, ...failure })
}

export function park(
  observations: Observations,
  event: Envelope,
  fact: Partial<ParkedFact> = {},
): void {
  observations.parked.emit({
    subscription: 'mail',
    event,
    key: event.aggregateId,
    what: 'parked',
    reason: 'failed',
    total: 1,
    ...fact,
  })
}

export function command(
  observations: Observations,
  outcome: {
    readonly type?: string
    readonly durationMs?: number
    readonly error?: unknown
  } = {},
): void {
  observations.command.emit({
    type: outcome.type ?? 'Test.Agent.Start',
    commandId: `command-${++lastId}`,
    correlationId: 'correlation-1',
    durationMs: outcome.durationMs ?? 1,
    failed: 'error' in outcome,
    error: outcome.error,
    redact: (text) => text,
  })
}

/** A hundred of each kind of work: 50 of them took 10 ms, 95 up to 100, 99 up to 1,000, and one took 9,000. */
export function seeHundred(observations: Observations): void {
  for (let nth = 1; nth <= 100; nth++) {
    const durationMs = nth <= 50 ? 10 : nth <= 95 ? 100 : nth <= 99 ? 1000 : 9000
    const payload = { agentId: 'writer', executionTimeMs: durationMs }
    const event = eventOf('A.Run.Done', { payload })
    publish(observations, event)
    handle(observations, event, { durationMs })
    handle(observations, event, { subscription: 'bill', durationMs })
    command(observations, { durationMs })
  }
}

export function isObserved(observations: Observations): boolean {
  const points: readonly { readonly active: boolean }[] = Object.values(observations)
  return points.some(({ active }) => active)
}
