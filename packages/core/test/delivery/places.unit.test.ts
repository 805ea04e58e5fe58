import { expect, test } from 'vitest'
import { openTimed, startOrders, until } from '../support/orders.ts'
import { withOverrides } from '../support/stores.ts'

test('a handler that wrote nothing keeps no place while that is noted, and twice as many are under way at the most', async () => {
  const { store, clock } = openTimed()
  const before = await startOrders({
    store,
    clock,
    delivery: { run: false },
    handle: () => undefined,
  })
  await before.place('a', 'b', 'c', 'd', 'e', 'f', 'g')
  const noting = Promise.withResolvers<void>()
  const slow = withOverrides(store, {
    transaction: async (work, options) => {
      await noting.promise
      return store.transaction(work, options)
    },
  })
  const calls: number[] = []
  const { app } = await startOrders({
    store: slow,
    clock,
    subscription: { concurrency: 2 },
    handle: ({ payload: { n } }) => calls.push(n),
  })
  await until(clock, () => calls.length >= 4)
  for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next))
  expect(calls).toEqual([1, 2, 3, 4])
  noting.resolve()
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 7)
  expect(calls).toEqual([1, 2, 3, 4, 5, 6, 7])
})
