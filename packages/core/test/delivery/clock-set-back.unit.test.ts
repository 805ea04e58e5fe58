import { expect, onTestFinished, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { openTimed, OrderCreated, startOrders, until } from '../support/orders.ts'

const HOUR_MS = 3_600_000

test('a rate goes on when the clock is set back by an hour', async () => {
  const { store, clock } = openTimed()
  const handled: number[] = []
  const { place } = await startOrders({
    store,
    clock,
    handle: ({ payload: { n } }) => void handled.push(n),
    subscription: { rate: 10 },
    delivery: { leaseMs: 60_000 },
  })
  await place('a', 'b', 'c')
  await until(clock, () => handled.length > 0)
  clock.jump(-HOUR_MS)
  await until(clock, () => handled.length === 3)
})

test('a batch that is not full goes on when the clock is set back by an hour', async () => {
  const { store, clock } = openTimed()
  const handled: number[] = []
  const orders = defineSubscription('orders', {
    events: OrderCreated,
    batch: { size: 100, age: 1000 },
    handleBatch: (events) => events.forEach(({ payload: { n } }) => handled.push(n)),
  })
  const app = await bootstrap({
    store,
    clock,
    modules: [defineModule('shop', [OrderCreated, orders])],
    delivery: { leaseMs: 60_000, pollMs: 20, graceMs: 0 },
  })
  onTestFinished(async () => {
    const closed = app.close().then(() => true)
    await until(clock, () => closed)
  })
  await until(clock, () => app.delivery.subscriptions[0]?.state === 'live')
  const events = OrderCreated({ key: 'a', n: 1 })
  await app.store.append({ aggregateType: 'Shop.Order', aggregateId: 'a', events })
  await clock.advance(100)
  expect(handled).toEqual([])
  clock.jump(-HOUR_MS)
  await until(clock, () => handled.length === 1)
})
