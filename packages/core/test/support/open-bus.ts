import { onTestFinished } from 'vitest'
import {
  createEventBus,
  type EventBusOptions,
  type StandaloneBus,
} from '../../src/bootstrap/create-event-bus.ts'
import type { Failure } from '../../src/bootstrap/failure.ts'
import type { AnyEventDefinition } from '../../src/contract/definition.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { manualClock, type ManualClock } from './fake-clock.ts'
import { anEvent } from './handling.ts'

export interface OpenBus {
  readonly bus: StandaloneBus<Envelope>
  readonly clock: ManualClock
  readonly failures: Failure[]
}

/** A bus on a clock of the test's, closed when the test ends. It knows no types unless it is told. */
export function openBus(options: EventBusOptions<AnyEventDefinition> = {}): OpenBus {
  const clock = manualClock()
  const failures: Failure[] = []
  const bus = createEventBus({
    clock,
    onFailure: (failure) => void failures.push(failure),
    ...options,
  })
  onTestFinished(() => bus.close())
  return { bus, clock, failures }
}

/** An event of a type, whose id is the type. */
export const ofType = (eventType: string): Envelope => anEvent({ eventType, eventId: eventType })
