import { defineEvent } from '../contract/define-event.ts'
import { systemClock } from '../internal/clock.ts'
import { systemIds } from '../internal/ids.ts'
import { createObservations } from '../observe/observations.ts'
import { DeliveryFrame } from './delivery-frame.ts'
import { RunningDelivery, type DeliveryPorts } from './delivery.ts'
import { enrich } from './enrich.ts'

const nothing = (): void => undefined

const nobody: DeliveryPorts = {
  observations: createObservations(nothing),
  timings: false,
  onFailure: nothing,
  onStarted: nothing,
  onEnded: nothing,
}

let kept: readonly object[] | undefined

/**
 * Keeps one object of each shape that a publish makes. A full collection that finds none of a shape,
 * as when the bus happens to be quiet, also throws away all code that was optimised for it: compiling
 * it anew takes 70 ms of a processor, and publishes are slow until then.
 */
export function keepShapes(): void {
  kept ??= makeShapes()
}

function makeShapes(): readonly object[] {
  const Example = defineEvent('Bus.Example.Kept', {
    payload: { '~standard': { version: 1, vendor: 'tidings', validate: (value) => ({ value }) } },
  })
  const draft = Example({})
  const event = enrich(draft, undefined, {
    clock: systemClock,
    ids: systemIds,
    source: undefined,
    check: false,
  })
  const frame = new DeliveryFrame(nobody, event, {
    list: { entries: [], handled: [] },
    within: undefined,
  })
  return [draft, frame, new RunningDelivery(frame)]
}
