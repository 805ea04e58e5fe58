import { describe, expect, onTestFinished, test } from 'vitest'
import type { RetentionOptions } from '../../src/delivery/retention.ts'
import type { SweptFact } from '../../src/observe/observations.ts'
import { sqlite } from '../../src/sqlite/sqlite-store.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { manualClock, type ManualClock } from '../support/fake-clock.ts'
import { startOrders, until, type OrderApp } from '../support/orders.ts'
import { temporaryFile, withOverrides } from '../support/stores.ts'

const DAY = 86_400_000
const why = { subscription: 'orders', by: 'ann', reason: 'a test' }

interface Kept {
  readonly app: OrderApp['app']
  readonly store: Store
  readonly clock: ManualClock
  readonly facts: readonly SweptFact[]
  /** How many there are of each. */
  readonly counts: () => Promise<Readonly<Record<string, number>>>
}

/** An application that leaves something finished, and something unfinished, of each kind. */
async function leaveAll(
  open: (clock: ManualClock) => Store,
  retention: RetentionOptions = {},
): Promise<Kept> {
  const clock = manualClock()
  const store = open(clock)
  const { app, place } = await startOrders({
    store,
    clock,
    delivery: { retention, pollMs: 200 },
    handle() {
      throw new Error('never')
    },
  })
  const facts: SweptFact[] = []
  app.observations.swept.observe((fact) => void facts.push(fact))
  await place('a', 'b')
  await until(clock, async () => (await store.parked.count({ states: ['parked'] })) === 2)
  await app.admin.request({ kind: 'discard', filter: { key: 'a' }, ...why })
  await until(clock, async () => (await store.operations.list({ states: ['done'] })).length === 1)
  await setTimers(store, clock)
  await store.transaction(async (tx) => {
    for (const source of ['github', 'stripe']) await tx.once(source, 'm1')
  })
  const counts = async () => ({
    parked: await store.parked.count({}),
    operations: (await store.operations.list()).length,
    timers: (await store.timers.list()).length,
    inbox: (await store.inbox.consumers()).length,
  })
  return { app, store, clock, facts, counts }
}

/** One that is cancelled, and one that waits for another year. */
async function setTimers(store: Store, clock: ManualClock): Promise<void> {
  const timer = (timerId: string, dueAt: number) => ({
    timerId,
    dueAt,
    commandType: 'Shop.Order.Remind',
    input: {},
    correlationId: timerId,
    causationId: undefined,
    metadata: undefined,
    setAt: new Date(clock.now()).toISOString(),
    state: 'waiting' as const,
    firedAt: undefined,
    lateMs: undefined,
    failure: undefined,
  })
  await store.transaction(async (tx) => {
    await tx.setTimers([timer('t1', clock.now() + 1000), timer('t2', clock.now() + 400 * DAY)])
    await tx.cancelTimer('t1')
  })
}

/** Lets it look once more, whatever comes of it. */
async function lookAgain({ clock }: Kept): Promise<void> {
  await clock.advance(7000)
}

const stores: Readonly<Record<string, (clock: ManualClock) => Store>> = {
  memory: (clock) => memoryStore({ clock }),
  sqlite: (clock) => sqlite({ file: temporaryFile(), clock }),
}

describe.each(Object.keys(stores))('what is finished, on %s', (kind) => {
  test('is forgotten when its time is over, and nothing that is unfinished', async () => {
    const kept = await leaveAll(stores[kind]!, { every: '5s', inboxOf: { stripe: '60d' } })
    const { clock, counts, facts } = kept
    expect(await counts()).toEqual({ parked: 2, operations: 1, timers: 2, inbox: 2 })
    clock.jump(29 * DAY)
    await lookAgain(kept)
    expect(facts).toEqual([])
    clock.jump(2 * DAY)
    await until(clock, () => facts.length === 2)
    expect(await counts()).toEqual({ parked: 2, operations: 1, timers: 1, inbox: 1 })
    clock.jump(61 * DAY)
    await until(clock, () => facts.length === 4)
    expect(await counts()).toEqual({ parked: 1, operations: 1, timers: 1, inbox: 0 })
    clock.jump(275 * DAY)
    await until(clock, () => facts.length === 5)
    expect(await counts()).toEqual({ parked: 1, operations: 0, timers: 1, inbox: 0 })
    expect(facts.map(({ what, source, count }) => [what, source, count])).toEqual([
      ['timers', undefined, 1],
      ['inbox', 'github', 1],
      ['parked', undefined, 1],
      ['inbox', 'stripe', 1],
      ['operations', undefined, 1],
    ])
    expect(await kept.store.parked.list({})).toMatchObject([{ key: 'b', state: 'parked' }])
    expect(await kept.store.timers.find('t2')).toMatchObject({ state: 'waiting' })
  })
})

test('with Infinity it is kept for ever', async () => {
  const retention: RetentionOptions = {
    parked: Infinity,
    operations: Infinity,
    timers: Infinity,
    inbox: Infinity,
    every: 1000,
  }
  const kept = await leaveAll(stores['memory']!, retention)
  kept.clock.jump(10_000 * DAY)
  await lookAgain(kept)
  // But for the timer that is due now, and stays because nobody knows its command.
  expect(await kept.counts()).toEqual({ parked: 2, operations: 1, timers: 2, inbox: 2 })
})

test('it goes by the time of the store: a process whose clock is wrong forgets nothing too early', async () => {
  const storeClock = manualClock()
  const kept = await leaveAll(() => memoryStore({ clock: storeClock }), { every: 1000 })
  kept.clock.jump(10_000 * DAY)
  await lookAgain(kept)
  expect(kept.facts).toEqual([])
  expect(await kept.counts()).toMatchObject({ parked: 2, operations: 1, inbox: 2 })
})

test('parked events that an operation has still to count stay until it has ended', async () => {
  const kept = await leaveAll(stores['memory']!, { parked: 0, every: 1000 })
  const { app, store, clock } = kept
  await until(clock, async () => (await store.parked.count({ states: ['discarded'] })) === 0)
  await app.admin.request({ kind: 'pause', ...why })
  await until(clock, () => app.delivery.subscriptions[0]?.state === 'paused')
  // One that nobody carries out: its subscription runs nowhere.
  const operation = (await store.operations.list()).at(-1)!
  const operationId = '01900000-0000-7000-8000-000000000001'
  await store.operations.request({ ...operation, operationId, subscription: 'x', state: 'running' })
  await app.admin.request({ kind: 'discard', filter: { key: 'b' }, ...why })
  await until(clock, async () => (await store.parked.count({ states: ['discarded'] })) === 1)
  await lookAgain(kept)
  expect(await store.parked.count({ states: ['discarded'] })).toBe(1)
  await store.transaction((tx) =>
    tx.putOperations([{ ...operation, operationId, subscription: 'x', state: 'done' }]),
  )
  await until(clock, async () => (await store.parked.count({})) === 0)
})

test('one process does it at a time', async () => {
  const kept = await leaveAll(stores['memory']!, { inbox: 1000, every: 1000 })
  const { store, clock, facts } = kept
  const lease = (await store.leases.acquire('retention', 'another', 600_000))!
  const had = facts.length
  await store.transaction((tx) => tx.once('mail', 'm9'))
  await lookAgain(kept)
  expect(facts.length).toBe(had)
  await store.leases.release(lease)
  await until(clock, () => facts.some(({ source }) => source === 'mail'))
  // And lets go of it, so that another one can.
  expect(await store.leases.find('retention')).toBeUndefined()
})

test('many rows go in small transactions', async () => {
  const clock = manualClock()
  const inner = memoryStore({ clock })
  const limits: (number | undefined)[] = []
  const store = withOverrides(inner, {
    inbox: {
      consumers: () => inner.inbox.consumers(),
      sweep(consumer, before, limit) {
        limits.push(limit)
        return inner.inbox.sweep(consumer, before, limit)
      },
    },
  })
  await inner.transaction(async (tx) => {
    for (let n = 0; n < 1200; n++) await tx.once('mail', `m${n}`)
  })
  const { app } = await startOrders({
    store,
    clock,
    delivery: { retention: { inbox: 1000, every: 5000 } },
    handle: () => undefined,
  })
  const counts: number[] = []
  app.observations.swept.observe(({ count }) => void counts.push(count))
  await until(clock, () => counts.length > 0)
  expect(counts).toEqual([1200])
  expect(limits).toEqual([500, 500, 500])
})

test('a store in trouble is tried again', async () => {
  const clock = manualClock()
  const inner = memoryStore({ clock })
  let troubles = 0
  const store = withOverrides(inner, {
    inbox: {
      consumers: async () => {
        if (++troubles < 3) throw new Error('not now')
        return inner.inbox.consumers()
      },
      sweep: (...args) => inner.inbox.sweep(...args),
    },
  })
  await inner.transaction((tx) => tx.once('mail', 'm'))
  await startOrders({
    store,
    clock,
    delivery: { retention: { inbox: 0, every: 1000 } },
    handle: () => undefined,
  })
  await until(clock, async () => (await inner.inbox.consumers()).length === 0)
  expect(troubles).toBeGreaterThanOrEqual(3)
})

test.each([
  [{ parked: -1 }, /delivery\.retention\.parked .* got -1/],
  [{ inboxOf: { github: 'soon' as never } }, /delivery\.retention\.inboxOf\.github .* got soon/],
  [{ every: 10 }, /delivery\.retention\.every .* from 1000 up.* got 10/],
  [{ every: Infinity }, /delivery\.retention\.every .* got Infinity/],
] as const)('%j is refused', async (retention, message) => {
  const clock = manualClock()
  const store = memoryStore({ clock })
  onTestFinished(() => store.close())
  const started = startOrders({ store, clock, delivery: { retention }, handle: () => undefined })
  await expect(started).rejects.toThrow(message)
})
