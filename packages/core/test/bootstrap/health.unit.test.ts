import { expect, test } from 'vitest'
import { StoreError } from '../../src/errors/store-errors.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { fakeClock } from '../../../testing/src/fakes/fake-clock.ts'
import { CounterUpdated, UpdateCounter } from '../support/counter.ts'
import { startCounter } from '../support/start.ts'
import { withOverrides } from '../support/stores.ts'

const good = { live: true, ready: true, reasons: [], subscriptions: [] }

async function startBreakable() {
  const inner = memoryStore()
  const full = new StoreError('TIDINGS_STORE_FULL', 'memory:', 'The disk is full.')
  const state: { failure: Error | undefined } = { failure: undefined }
  const store = withOverrides(inner, {
    append: (...args) =>
      state.failure === undefined ? inner.append(...args) : Promise.reject(state.failure),
  })
  const clock = fakeClock(Date.parse('2026-11-21T09:30:00.000Z'))
  const app = await startCounter({ store, clock })
  const update = () => app.send(UpdateCounter, { counterId: 'a', by: 1 })
  return { app, clock, state, full, update }
}

test('a store that fails makes the application unready, until it works or ten seconds are over', async () => {
  const { app, clock, state, full, update } = await startBreakable()
  expect(app.health()).toEqual(good)
  state.failure = full
  await expect(update()).rejects.toBe(full)
  await clock.advance(3000)
  expect(app.health()).toEqual({
    live: true,
    ready: false,
    reasons: [expect.stringMatching(/^the store failed 3000 ms ago: .*The disk is full/)],
    subscriptions: [],
  })
  await clock.advance(7000)
  expect(app.health()).toEqual(good)
  await expect(update()).rejects.toBe(full)
  expect(app.health().ready).toBe(false)
  state.failure = undefined
  await update()
  expect(app.health()).toEqual(good)
})

test('a statement of its own that the store refuses does not', async () => {
  const { app, state, update } = await startBreakable()
  const refused = new StoreError('TIDINGS_STORE_FAILED', 'memory:', 'A row breaks a constraint.')
  state.failure = Object.assign(refused, { statement: 'insert into mails values (?)' })
  await expect(update()).rejects.toBe(refused)
  expect(app.health()).toEqual(good)
})

test('also where the application appends itself', async () => {
  const { app, state, full } = await startBreakable()
  state.failure = full
  const append = app.store.append({
    aggregateType: 'Test.Counter',
    aggregateId: 'a',
    events: CounterUpdated({ counterId: 'a', by: 1 }),
  })
  await expect(append).rejects.toBe(full)
  expect(app.health().ready).toBe(false)
})

test('what a request is refused for says nothing against the store', async () => {
  const { app, update } = await startBreakable()
  await expect(app.send(UpdateCounter, { counterId: 'a', by: 1000 })).rejects.toThrow(/up to/)
  expect(app.health()).toEqual(good)
  await update()
})

test('a full queue makes it unready until there is room', async () => {
  const app = await startCounter({ bus: { queue: { maxQueueSize: 2 } } })
  const updated = CounterUpdated({ counterId: 'a', by: 1 })
  void app.bus.enqueue(updated)
  expect(app.health()).toEqual(good)
  void app.bus.enqueue(updated)
  expect(app.health()).toEqual({
    live: true,
    ready: false,
    reasons: ['the queue of the bus is full: 2 events wait'],
    subscriptions: [],
  })
  await app.bus.drain()
  expect(app.health()).toEqual(good)
})
