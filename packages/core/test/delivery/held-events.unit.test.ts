import { describe, expect, test } from 'vitest'
import { TimeoutError } from '../../src/errors/queue-errors.ts'
import { Interruption } from '../../src/delivery/interruption.ts'
import { failing, openTimed, startOrders, until, type OrderApp } from '../support/orders.ts'
import { withOverrides } from '../support/stores.ts'

// Each of these was found by the simulation of @tidings/testing.

const ann = { subscription: 'orders', by: 'ann', reason: 'looked at it' }

const openOperations = async ({ admin }: OrderApp['app']): Promise<number> =>
  (await admin.operations.list({ states: ['requested', 'running'] })).length

describe('an event for which there is no room among the parked ones', () => {
  test.each(['single', 'batch'])(
    'leaves its key to whoever makes room: %s handler',
    async (kind) => {
      const { store, clock } = openTimed()
      let isBroken = true
      const handled: number[] = []
      const handle = ({ payload }: { readonly payload: { readonly n: number } }): void => {
        if (isBroken) throw new Error('not yet')
        handled.push(payload.n)
      }
      const { place, app } = await startOrders({
        store,
        clock,
        ...(kind === 'single' ? { handle } : { handleBatch: (events) => events.forEach(handle) }),
        subscription: { maxParkedOfKey: 2 },
      })
      await place('a', 'a', 'a')
      await until(clock, () => app.delivery.subscriptions[0]?.state === 'paused')
      isBroken = false
      await app.admin.request({ kind: 'redrive', ...ann })
      await until(clock, async () => (await openOperations(app)) === 0)
      expect(handled).toEqual([1, 2])
      await app.admin.request({ kind: 'resume', ...ann })
      await until(clock, () => handled.length === 3)
    },
  )
})

test.each(['group', 'batch'])(
  'keys that fail now and then are no outage, where all between them succeed in a %s',
  async (shape) => {
    const { store, clock } = openTimed()
    const handled: number[] = []
    const handle = ({
      payload,
    }: {
      readonly payload: { readonly n: number; readonly key: string }
    }) => {
      if (payload.key.startsWith('bad')) throw new Error('this one never')
      handled.push(payload.n)
    }
    const { place, app, states } = await startOrders({
      store,
      clock,
      ...(shape === 'group' ? { handle } : { handleBatch: (events) => events.forEach(handle) }),
      subscription: { outageAfter: 3, effects: 'database' },
    })
    for (const [round, bad] of ['bad-1', 'bad-2', 'bad-3', 'bad-4'].entries()) {
      await place(bad)
      const isParked = async (): Promise<boolean> =>
        (await app.admin.parked.list({})).length === round + 1
      await until(clock, isParked)
      await place('a', 'b')
      await until(clock, () => handled.length === 2 * (round + 1))
    }
    expect(states).not.toContain('outage')
  },
)

test('in an outage operations on parked events are carried out', async () => {
  const { store, clock } = openTimed()
  const { place, app } = await startOrders({
    store,
    clock,
    subscription: { outageAfter: 2, retry: { attempts: 1, later: [50, 50, 50, 50, 50, 50] } },
    handle: () => {
      throw new Error('nothing works')
    },
  })
  await place('a', 'b')
  await until(clock, () => app.delivery.subscriptions[0]?.state === 'outage')
  await app.admin.request({ kind: 'discard', ...ann })
  await until(clock, async () => (await openOperations(app)) === 0)
  expect((await app.admin.parked.list({})).map(({ state }) => state)).toEqual(['discarded'])
})

test('in an outage an event is tried from time to time, and with it everything goes on', async () => {
  const { store, clock } = openTimed()
  let isBroken = true
  const handled: number[] = []
  const { place, app } = await startOrders({
    store,
    clock,
    subscription: { outageAfter: 2 },
    handle({ payload }) {
      if (isBroken) throw new Error('nothing works')
      handled.push(payload.n)
    },
  })
  await place('a', 'b', 'c')
  await until(clock, () => app.delivery.subscriptions[0]?.state === 'outage')
  isBroken = false
  await until(clock, () => handled.length >= 2)
  expect(app.delivery.subscriptions[0]?.state).toBe('live')
})

test('an event that fails for ever does not make an outage of that length: others are tried too', async () => {
  const { store, clock } = openTimed()
  let isBroken = true
  const handled: number[] = []
  const { place, app } = await startOrders({
    store,
    clock,
    subscription: { outageAfter: 2 },
    handle({ payload }) {
      if (isBroken || payload.n === 2) throw new Error('it does not work')
      handled.push(payload.n)
    },
  })
  await place('a', 'b', 'c')
  await until(clock, () => app.delivery.subscriptions[0]?.state === 'outage')
  isBroken = false
  await until(clock, async () => (await app.admin.parked.list({})).length > 0)
  await until(clock, () => handled.length >= 1 && app.delivery.subscriptions[0]?.state === 'live')
})

test('the rest of a batch that failed is not handled once somebody has paused it', async () => {
  const { store, clock } = openTimed()
  const handled: number[] = []
  const { place, app } = await startOrders({
    store,
    clock,
    subscription: { retry: { attempts: 2, delay: 500, jitter: false } },
    handleBatch(events) {
      if (events.some(({ payload }) => payload.n === 1)) throw new Error('not this one')
      handled.push(...events.map(({ payload }) => payload.n))
    },
  })
  await place('a', 'b', 'c')
  await until(clock, async () => (await store.subscriptions.find('orders')) !== undefined)
  await app.admin.request({ kind: 'pause', ...ann })
  await until(clock, async () => (await app.admin.parked.list({})).length === 1)
  await clock.advance(5000)
  expect(handled).toEqual([])
  await app.admin.request({ kind: 'resume', ...ann })
  await until(clock, () => handled.length === 2)
})

test('the rule `stop` on a parked event makes it a dead letter: it cannot run again by itself', async () => {
  const { store, clock } = openTimed()
  let runs = 0
  const { place, app } = await startOrders({
    store,
    clock,
    subscription: {
      retry: {
        attempts: 1,
        later: [50],
        // oxlint-disable-next-line unicorn/no-thenable -- that is what a rule of a policy is called
        rules: [{ when: { test: () => runs > 1 }, then: 'stop' }],
      },
    },
    handle() {
      runs++
      throw new Error('not yet')
    },
  })
  await place('a')
  await until(clock, () => app.delivery.subscriptions[0]?.state === 'failed')
  await clock.advance(5000)
  expect(runs).toBe(2)
  expect(await app.admin.parked.list({})).toMatchObject([{ state: 'parked', attemptCount: 2 }])
})

test('a later attempt comes also when the clock is set back at the moment when it is due', async () => {
  const { store, clock } = openTimed()
  const handled: number[] = []
  let isBroken = true
  const slow = Promise.withResolvers<void>()
  const { place } = await startOrders({
    store,
    clock,
    subscription: { concurrency: 1, retry: { attempts: 1, later: [100] } },
    async handle({ payload: { n } }) {
      if (n === 2) await slow.promise
      if (n === 1 && isBroken) throw new Error('not yet')
      handled.push(n)
    },
  })
  await place('a', 'b')
  // The only place is taken when it is due.
  await clock.advance(500)
  isBroken = false
  clock.jump(-3000)
  slow.resolve()
  await until(clock, () => handled.includes(1))
})

test('what a redrive has moved is counted once, also when the store fails in the middle', async () => {
  const { store, clock } = openTimed()
  const { place, app } = await startOrders({
    // The second write of a step that moves: what is moved, and then how far it came.
    store: withOverrides(store, {
      transaction: ((work: never) =>
        failing(fails.shift() === true ? 1 : 0, store.transaction.bind(store))(work)) as never,
    }),
    clock,
    handle: () => {
      throw new Error('never')
    },
  })
  const fails: boolean[] = []
  await place('a', 'b', 'c')
  await until(clock, async () => (await app.admin.parked.list({})).length === 3)
  // It is begun, a, b and c are moved, then the store is in trouble.
  fails.push(false, false, true)
  await app.admin.request({ kind: 'redrive', ...ann })
  await until(clock, async () => (await openOperations(app)) === 0)
  const [operation] = await app.admin.operations.list()
  expect(operation?.result).toMatchObject({ moved: 3, parkedAgain: 3, resolved: 0 })
})

test('a runtime that fails is seen to fail by everybody, and begins again', async () => {
  const { store, clock } = openTimed()
  let isBroken = false
  const { app, place } = await startOrders({
    store: withOverrides(store, {
      readAll: (...args) => {
        if (isBroken) throw new TypeError('a mistake of the runtime')
        return store.readAll(...args)
      },
      // What is handed over would not be read.
      onCommitted: () => () => undefined,
    }),
    clock,
    handle: () => undefined,
  })
  await until(clock, () => app.delivery.subscriptions[0]?.state === 'live')
  isBroken = true
  await place('a')
  await until(clock, () => app.delivery.subscriptions[0]?.state === 'failed')
  const reason = 'TypeError: a mistake of the runtime'
  expect(await store.subscriptions.find('orders')).toMatchObject({ state: 'failed', reason })
  expect(app.health().subscriptions).toEqual([{ name: 'orders', state: 'failed', reason }])
  isBroken = false
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 1)
  expect(await store.subscriptions.find('orders')).toMatchObject({ state: 'live', position: 1 })
})

test('why a subscription is paused is known after a restart, too', async () => {
  const { store, clock } = openTimed()
  const shared = withOverrides(store, { close: async () => undefined })
  const start = (): Promise<OrderApp> =>
    startOrders({ store: shared, clock, handle: () => undefined })
  const stateOf = ({ app }: OrderApp): unknown => app.delivery.subscriptions[0]
  const first = await start()
  await until(clock, () => first.states.includes('live'))
  await first.app.admin.request({ kind: 'pause', ...ann })
  await until(clock, () => first.states.includes('paused'))
  const closed = first.app.close().then(() => true)
  await until(clock, () => closed)
  expect(await first.app.admin.subscription('orders')).toMatchObject({
    state: 'stopped',
    isPaused: true,
    reason: 'ann: looked at it',
  })
  const second = await start()
  await until(clock, () => second.states.includes('paused'))
  expect(stateOf(second)).toMatchObject({ state: 'paused', reason: 'ann: looked at it' })
})

test('every lane of a group hears that the time is over, not only the last that began to wait', async () => {
  const interruption = new Interruption()
  const first = interruption.race(new Promise(() => undefined))
  const second = interruption.race(new Promise(() => undefined))
  const error = new TimeoutError('The handler', 100)
  interruption.interrupt(error)
  await expect(first).rejects.toBe(error)
  await expect(second).rejects.toBe(error)
})
