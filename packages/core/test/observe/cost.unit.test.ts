import { afterEach, expect, test, vi } from 'vitest'
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import { ObservationPoint } from '../../src/observe/point.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import { CounterUpdated, UpdateCounter } from '../support/counter.ts'
import { openTimed, startOrders, until } from '../support/orders.ts'
import { startCounter } from '../support/start.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Every kind of fact that there is happens once at least. */
async function useEverything(bus: ReturnType<typeof createEventBus>): Promise<void> {
  const updated = CounterUpdated({ counterId: 'a', by: 1 })
  const listener = bus.subscribe(CounterUpdated, () => undefined)
  const failing = bus.subscribe(CounterUpdated, () => Promise.reject(new Error('no')))
  await bus.publish(updated)
  bus.publishSync(updated)
  void bus.enqueue(updated)
  expect(() => bus.enqueue(updated)).toThrow(/queue/i)
  await bus.drain()
  listener.unsubscribe()
  failing.unsubscribe()
  await bus.publish(updated)
}

test('while nobody looks, no fact is made and no clock is read for one', async () => {
  await using bus = createEventBus({
    onFailure: () => undefined,
    queue: { maxQueueSize: 1, overflow: 'reject' },
  })
  const app = await startCounter()
  const emit = vi.spyOn(ObservationPoint.prototype, 'emit')
  const read = vi.spyOn(performance, 'now')

  await useEverything(bus)
  await app.send(UpdateCounter, { counterId: 'a', by: 1 })
  expect([emit.mock.calls.length, read.mock.calls.length]).toEqual([0, 0])

  const ofBus = createStatistics(bus.observations)
  const ofApp = createStatistics(app.observations)
  await useEverything(bus)
  await app.send(UpdateCounter, { counterId: 'b', by: 1 })
  // published 4, handled 3 × 2, unhandled 1, dropped 1; the command and its event, published to nobody.
  expect(emit.mock.calls.length).toBe(12 + 3)
  expect(read.mock.calls.length).toBeGreaterThan(0)

  ofBus[Symbol.dispose]()
  ofApp[Symbol.dispose]()
  emit.mockClear()
  await useEverything(bus)
  await app.send(UpdateCounter, { counterId: 'c', by: 1 })
  expect(emit.mock.calls.length).toBe(0)
})

test('neither is one of what subscriptions do', async () => {
  const { store, clock } = openTimed()
  const { app, place, stopWatching } = await startOrders({
    store,
    clock,
    handle: ({ payload }) => {
      if (payload.key === 'a') throw new Error('no')
    },
  })
  stopWatching()
  const emit = vi.spyOn(ObservationPoint.prototype, 'emit')
  const handled = (): number | undefined => app.delivery.subscriptions[0]?.handledUpTo
  await place('a', 'b', 'a')
  await until(clock, () => handled() === 3)
  expect(await app.admin.parked.count({})).toBe(2)
  const ofOrders = emit.mock.calls.length
  const statistics = createStatistics(app.observations)
  await place('a', 'b')
  await until(clock, () => handled() === 5)
  expect(ofOrders).toBe(0)
  expect(emit.mock.calls.length).toBeGreaterThan(2)
  expect(statistics.summary().bySubscription['orders']).toMatchObject({ handled: 1, parked: 1 })
})
