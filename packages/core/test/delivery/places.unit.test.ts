import { expect, test } from 'vitest'
import type { EventAppend } from '../../src/work/unit-of-work.ts'
import { CounterUpdated } from '../support/counter.ts'
import { busy, openTimed, startOrders, until } from '../support/orders.ts'
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

test('a handler whose events are refused has a place when it runs again, and never more run than may', async () => {
  const { store, clock } = openTimed()
  let running = 0
  let most = 0
  const { app, place } = await startOrders({
    store,
    clock,
    subscription: { concurrency: 2, retry: { attempts: 3, delay: 1 } },
    handle: async ({ payload: { key } }, { tx, attempt }) => {
      most = Math.max(most, ++running)
      for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next))
      running--
      const expectedVersion = attempt < 3 ? 'stream-exists' : 'no-stream'
      await tx.append({ ...note(key), expectedVersion })
    },
  })
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  await place(...keys)
  // Eight orders and eight notes.
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 16)
  expect(most).toBe(2)
  const notes = await store.query({ aggregateType: 'Shop.Note' }).toArray()
  expect(notes.map(({ aggregateId }) => aggregateId).toSorted()).toEqual(keys)
})

test('a handler whose events are refused is told of at once, whoever has begun in its place', async () => {
  const { store, clock } = openTimed()
  const goesOn = Promise.withResolvers<void>()
  const calls: string[] = []
  const { app, place } = await startOrders({
    store,
    clock,
    subscription: { concurrency: 2 },
    handle: async ({ payload: { key } }, { tx }) => {
      calls.push(key)
      if (key === 'a') await tx.append({ ...note(key), expectedVersion: 'stream-exists' })
      else await goesOn.promise
    },
  })
  await place('a', 'b', 'c')
  await until(clock, async () => (await app.admin.subscription('orders')).parked === 1)
  expect(calls).toEqual(['a', 'b', 'c'])
  goesOn.resolve()
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 3)
})

test('a handler whose events the store could not take waits for a place before it runs again', async () => {
  const { store, clock } = openTimed()
  const goesOn = Promise.withResolvers<void>()
  const calls: string[] = []
  let left = 1
  const troubled = withOverrides(store, {
    transaction: async (work, options) => {
      if (calls.length > 0 && left-- > 0) throw busy()
      return store.transaction(work, options)
    },
  })
  const { app, place } = await startOrders({
    store: troubled,
    clock,
    subscription: { concurrency: 2 },
    handle: async ({ payload: { key } }, { tx }) => {
      calls.push(key)
      if (key === 'c' || key === 'd') await goesOn.promise
      else await tx.append(note(key))
    },
  })
  await place('a', 'b', 'c', 'd')
  await until(clock, () => calls.length === 4)
  await clock.advance(5000)
  expect(calls).toEqual(['a', 'b', 'c', 'd'])
  goesOn.resolve()
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 6)
  expect(calls.toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'd'])
})

test('of one at a time each sees what those before it have recorded', async () => {
  const { store, clock } = openTimed()
  const { app, place } = await startOrders({
    store,
    clock,
    subscription: { concurrency: 1 },
    handle: async ({ payload: { key } }, { tx }) => {
      const [first] = await store.readStream('Shop.Note/first').toArray()
      await tx.append(note(first === undefined ? 'first' : key))
    },
  })
  await place('a', 'b', 'c')
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 6)
  const notes = await store.query({ aggregateType: 'Shop.Note' }).toArray()
  expect(notes.map(({ aggregateId }) => aggregateId)).toEqual(['first', 'b', 'c'])
})

function note(counterId: string): EventAppend {
  const events = CounterUpdated({ counterId, by: 1 })
  return { aggregateType: 'Shop.Note', aggregateId: counterId, events }
}
