import { describe, expect, test } from 'vitest'
import type { App } from '../../src/bootstrap/app.ts'
import { createStoreHealth } from '../../src/bootstrap/store-health.ts'
import { StoreError } from '../../src/errors/store-errors.ts'
import { errorCodes } from '../../src/errors/tidings-error.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { EventReader, Store, StoreTransaction } from '../../src/store/store.ts'
import { breakable } from '../support/breakable.ts'
import { UpdateCounter } from '../support/counter.ts'
import { manualClock, type ManualClock } from '../support/fake-clock.ts'
import { busy, openTimed, startOrders, until, type OrderOptions } from '../support/orders.ts'
import { startCounter, type CounterApp } from '../support/start.ts'
import { withOverrides } from '../support/stores.ts'

const down = new StoreError('TIDINGS_STORE_UNREACHABLE', 'memory:', 'Connection refused.', {
  retryable: true,
})
const full = new StoreError('TIDINGS_STORE_FULL', 'memory:', 'The disk is full.')

/** Whether it was ready, each second of two minutes: the runtime then tries every 30 s only. */
async function readyOver(app: App, clock: ManualClock): Promise<ReadonlySet<boolean>> {
  const seen = new Set<boolean>()
  for (let second = 0; second < 120; second++) {
    await clock.advance(1000)
    seen.add(app.health().ready)
  }
  return seen
}

const never = new Set([false])
const always = new Set([true])

describe('a process that only runs subscriptions', () => {
  test('says that the store is down for as long as it is, and not a try longer', async () => {
    const { store: inner, clock } = openTimed()
    const { store, fail, mend } = breakable(inner)
    const { app } = await startOrders({ store, clock, handle: () => undefined })
    await until(clock, () => app.delivery.subscriptions[0]?.state === 'live')
    expect(app.health()).toMatchObject({ ready: true, reasons: [] })
    fail(down)
    await until(clock, () => !app.health().ready)
    expect(await readyOver(app, clock)).toEqual(never)
    expect(app.health()).toMatchObject({
      live: true,
      ready: false,
      reasons: [expect.stringMatching(/^the store failed \d+ ms ago: Connection refused\.$/)],
    })
    mend()
    await until(clock, () => app.delivery.subscriptions[0]?.state === 'live')
    expect(app.health()).toMatchObject({ ready: true, reasons: [] })
  })

  test('says that nothing can be written, though it can be read and leases are kept', async () => {
    const { store: inner, clock } = openTimed()
    const disk = { isFull: true }
    const transaction: Store['transaction'] = (work, options) =>
      inner.transaction((tx) => work(disk.isFull ? fullFor(tx) : tx), options)
    const store = withOverrides(inner, { transaction })
    const { app, place } = await startOrders({ store, clock, handle: () => undefined })
    await place('a')
    await until(clock, () => !app.health().ready)
    expect(await readyOver(app, clock)).toEqual(never)
    disk.isFull = false
    await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 1)
    expect(app.health()).toMatchObject({ ready: true, reasons: [] })
  })
})

function fullFor<Tx extends StoreTransaction>(tx: Tx): Tx {
  const progress = (): Promise<never> => Promise.reject(full)
  return withOverrides<StoreTransaction>(tx, { progress }) as Tx
}

describe('a handler that always fails makes nothing unready', () => {
  const elsewhere = new StoreError('TIDINGS_STORE_FULL', 'sqlite:other.db', 'The disk is full.')
  const failures: readonly (readonly [string, Error])[] = [
    ['by itself', new Error('nothing works')],
    ['since its rows are locked', busy()],
    [
      'by a statement that the database does not take',
      new StoreError('TIDINGS_STORE_FAILED', 'memory:', 'Not supported.'),
    ],
    ['since another log is full', elsewhere],
  ]
  test.each(failures)('%s', async (_why, failure) => {
    const { store, clock } = openTimed()
    const handle: OrderOptions['handle'] = async (_event, { tx }) => {
      await tx.once('till', 'a')
      throw failure
    }
    const subscription = { outageAfter: 1 }
    const { app, place } = await startOrders({ store, clock, handle, subscription })
    await place('a')
    await until(clock, () => app.delivery.subscriptions[0]?.state === 'outage')
    expect(await readyOver(app, clock)).toEqual(always)
  })

  test('since it keeps the error of a statement to itself, so that its commit fails', async () => {
    const { store: inner, clock } = openTimed()
    const rolledBack = new StoreError('TIDINGS_STORE_FAILED', 'memory:', 'It was rolled back.')
    let commits = 0
    const transaction: Store['transaction'] = (work, options) =>
      inner.transaction(async (tx) => {
        await work(tx)
        commits++
        throw rolledBack
      }, options)
    const store = withOverrides(inner, { transaction })
    const { app, place } = await startOrders({ store, clock, handle: () => undefined })
    await place('a')
    await until(clock, () => commits > 1)
    expect(await readyOver(app, clock)).toEqual(always)
  })
})

describe('whoever only reads', () => {
  const readings: readonly (readonly [string, (app: CounterApp) => Promise<unknown>])[] = [
    ['all at once', ({ store }) => store.readAll().toArray()],
    ['page by page', ({ store }) => first(store.query({}).pages())],
    ['event by event', ({ store }) => first(store.readStream('Test.Counter/a'))],
    ['the head', ({ store }) => store.head()],
    ['subscriptions', ({ admin }) => admin.subscriptions()],
    ['parked events', ({ admin }) => admin.parked.count({})],
  ]
  test.each(readings)('learns that it fails, and works again: %s', async (_what, read) => {
    const { store, fail, mend } = breakable(memoryStore())
    const app = await startCounter({ store })
    await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    fail(down)
    await expect(read(app)).rejects.toBe(down)
    expect(app.health().ready).toBe(false)
    mend()
    await read(app)
    expect(app.health()).toMatchObject({ ready: true, reasons: [] })
  })

  test('a reading that is left is ended in the store, too', async () => {
    let hasEnded = false
    const inner = memoryStore()
    const readAll: Store['readAll'] = () => ({
      ...inner.readAll(),
      pages: async function* () {
        try {
          yield* inner.readAll({ pageSize: 1 }).pages()
        } finally {
          hasEnded = true
        }
      },
    })
    const app = await startCounter({ store: withOverrides(inner, { readAll }) })
    await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    await first(app.store.readAll())
    expect(hasEnded).toBe(true)
  })
})

async function first(events: AsyncIterable<unknown> | EventReader): Promise<unknown> {
  for await (const event of events) return event
  return undefined
}

const codes = Object.keys(errorCodes).filter((code) => code.startsWith('TIDINGS_STORE_'))

test.each(codes as readonly StoreError['code'][])('%s is the fault of the store', async (code) => {
  const { store, fail, mend } = breakable(memoryStore())
  const app = await startCounter({ store })
  fail(new StoreError(code, 'memory:', 'It fails.'))
  await expect(app.store.head()).rejects.toThrow('It fails.')
  expect(app.health().ready).toBe(false)
  mend()
})

test('a clock that steps back holds no failure for as long as it stepped', () => {
  const clock = manualClock(Date.UTC(2026, 10, 21, 9, 30))
  const health = createStoreHealth(clock)
  health.failed('append', full, 'caller')
  clock.jump(-3_600_000)
  health.failed('append', full, 'caller')
  expect(health.reason()).toMatch(/^the store failed 0 ms ago/)
  clock.jump(10_000)
  expect(health.reason()).toBeUndefined()
})
