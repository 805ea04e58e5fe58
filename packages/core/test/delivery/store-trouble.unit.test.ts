import { expect, test } from 'vitest'
import { FencedError } from '../../src/errors/store-errors.ts'
import type { Store } from '../../src/store/store.ts'
import { failing, openTimed, startOrders, until } from '../support/orders.ts'
import { withOverrides } from '../support/stores.ts'

// Each of these was found by the simulation of @tidings/testing.

test('a store too busy to begin the transaction of a handler ends no process', async () => {
  const { store, clock } = openTimed()
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  const isBusy = { now: true }
  const transaction: Store['transaction'] = (work, options) =>
    isBusy.now ? failing(1, store.transaction)(work, options) : store.transaction(work, options)
  const { place, app } = await startOrders({
    store: withOverrides(store, { transaction }),
    clock,
    async handle({ payload }, { tx }) {
      isBusy.now = clock.now() < startMs + 200
      // A statement: what is only appended needs no transaction before the commit.
      await tx.once('till', `${payload.n}`)
    },
  })
  const startMs = clock.now()
  await place('a')
  isBusy.now = true
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 1)
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

test('what a handler did elsewhere is not done twice because its progress cannot be written', async () => {
  const { store, clock } = openTimed()
  const handled: number[] = []
  const transaction = failing(3, store.transaction.bind(store))
  const { place } = await startOrders({
    store: withOverrides(store, { transaction }),
    clock,
    handle: ({ payload }) => void handled.push(payload.n),
  })
  await place('a', 'a')
  await until(clock, async () => (await store.subscriptions.find('orders'))?.position === 2)
  expect(handled).toEqual([1, 2])
})

test('neither is it for a parked event', async () => {
  const { store, clock } = openTimed()
  const handled: number[] = []
  let isBroken = true
  const trouble = { left: 0 }
  const transaction: Store['transaction'] = (work, options) =>
    failing(trouble.left-- > 0 ? 1 : 0, store.transaction.bind(store))(work, options)
  const { place, app } = await startOrders({
    store: withOverrides(store, { transaction }),
    clock,
    handle({ payload }) {
      if (isBroken) throw new Error('not yet')
      handled.push(payload.n)
      trouble.left = 2
    },
  })
  await place('a')
  await until(clock, async () => (await app.admin.parked.list({})).length === 1)
  isBroken = false
  await app.admin.request({ kind: 'redrive', subscription: 'orders', by: 'ann' })
  await until(clock, async () => (await app.admin.parked.list({}))[0]?.state === 'resolved')
  expect(handled).toEqual([1])
})

test('a subscription that has nothing to do is live again when the store is', async () => {
  const { store, clock } = openTimed()
  const trouble = { isOn: false }
  const list: Store['operations']['list'] = (...args) =>
    failing(trouble.isOn ? 1 : 0, store.operations.list)(...args)
  const operations = withOverrides(store.operations, { list })
  const { app, states } = await startOrders({
    store: withOverrides(store, { operations }),
    clock,
    handle: () => undefined,
  })
  const stateOf = (): string | undefined => app.delivery.subscriptions[0]?.state
  await until(clock, () => stateOf() === 'live')
  trouble.isOn = true
  await until(clock, () => stateOf() === 'outage')
  trouble.isOn = false
  await until(clock, () => stateOf() === 'live')
  expect(states.slice(-2)).toEqual(['outage', 'live'])
})

test('a state that the store could not take is shown later, and not never', async () => {
  const { store, clock } = openTimed()
  const describe = failing(3, store.subscriptions.describe)
  const subscriptions = withOverrides(store.subscriptions, { describe })
  await startOrders({
    store: withOverrides(store, { subscriptions }),
    clock,
    handle: () => undefined,
  })
  await until(clock, async () => (await store.subscriptions.find('orders'))?.state === 'live')
})

test('one whose lease was taken before it began has lost it, and has not failed', async () => {
  const { store, clock } = openTimed()
  const taken = (): Error => new FencedError('orders', 1)
  const claim = failing(2, store.subscriptions.claim, taken)
  const subscriptions = withOverrides(store.subscriptions, { claim })
  const { states, place, app } = await startOrders({
    store: withOverrides(store, { subscriptions }),
    clock,
    handle: () => undefined,
  })
  await place('a')
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 1)
  expect(states).not.toContain('failed')
})

test('a key goes on whose parked events were discarded while the store was in trouble', async () => {
  const { store, clock } = openTimed()
  const handled: number[] = []
  const trouble = { left: 0 }
  const head: Store['parked']['head'] = (...args) =>
    failing(trouble.left-- > 0 ? 1 : 0, store.parked.head)(...args)
  const { place, app } = await startOrders({
    store: withOverrides(store, { parked: withOverrides(store.parked, { head }) }),
    clock,
    handle({ payload }) {
      if (payload.n === 1) throw new Error('never')
      handled.push(payload.n)
    },
  })
  await place('a')
  await until(clock, async () => (await app.admin.parked.list({})).length === 1)
  trouble.left = 2
  const asked = { subscription: 'orders', by: 'ann', reason: 'of no use' }
  await app.admin.request({ kind: 'discard', ...asked })
  await until(clock, async () => (await app.admin.operations.list())[0]?.state === 'done')
  await place('a')
  await until(clock, () => handled.length === 1)
})
