import { expect, test } from 'vitest'
import { withOverrides } from '../support/stores.ts'
import { openTimed, startOrders, until } from '../support/orders.ts'
import { CounterUpdated } from '../support/counter.ts'

// Found by processes that were killed again and again.

test('a subscription that stops leaves its mark behind all that it has read', async () => {
  const { store, clock } = openTimed()
  const { app, place } = await startOrders({
    // Looked at when the application has gone.
    store: withOverrides(store, { close: async () => undefined }),
    clock,
    handle: () => undefined,
  })
  await place('a')
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 1)
  // Not one of the subscription's: nothing but a look now and then moves the mark over it.
  await app.store.append({
    aggregateType: 'Test.Counter',
    aggregateId: 'c',
    events: CounterUpdated({ counterId: 'c', by: 1 }),
  })
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 2)
  const closed = app.close().then(() => true)
  await until(clock, () => closed)
  const [record] = await store.subscriptions.list()
  expect(record).toMatchObject({ position: await store.head(), state: 'stopped' })
})
