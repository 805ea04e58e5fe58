import type { Envelope } from '../../src/contract/envelope.ts'
import { freezeEnvelope } from '../../src/contract/envelope.ts'
import type { HandlerContext } from '../../src/bus/handler.ts'
import { manualClock, type ManualClock } from './fake-clock.ts'

const CORRELATION = '0199e2c4-1111-7111-8111-111111111111'

/** An event, frozen as every one is. */
export function anEvent<Type extends string = string, Payload = unknown>(
  fields: Partial<Envelope<Type, Payload>> = {},
): Envelope<Type, Payload> {
  return freezeEnvelope({
    eventId: 'e1',
    eventType: 'Test.Counter.Updated' as Type,
    eventVersion: 1,
    timestamp: '2026-11-21T09:30:00.000Z',
    aggregateType: 'Test.Counter',
    aggregateId: 'a',
    correlationId: CORRELATION,
    payload: {} as Payload,
    metadata: {},
    ...fields,
  })
}

/** Events that carry their number as id. */
export function numbered(...numbers: readonly number[]): Envelope[] {
  return numbers.map((number) => anEvent({ eventId: String(number) }))
}

export const idsOf = (events: readonly Envelope[]): string =>
  events.map((event) => event.eventId).join(' ')

export interface TestContext extends HandlerContext {
  readonly clock: ManualClock
  readonly reported: unknown[]
  abort(reason: unknown): void
}

/** What a handler is given, without a bus. */
export function aContext(clock: ManualClock = manualClock()): TestContext {
  const controller = new AbortController()
  const reported: unknown[] = []
  return {
    listenerId: 'listener-1',
    name: 'counting',
    signal: controller.signal,
    listenerSignal: controller.signal,
    clock,
    reported,
    reportFailure: (error) => void reported.push(error),
    abort: (reason) => controller.abort(reason),
  }
}

/** A handler that throws whatever it is given: handlers do. */
export function throwing(error: unknown): () => never {
  return () => {
    throw error as Error
  }
}
