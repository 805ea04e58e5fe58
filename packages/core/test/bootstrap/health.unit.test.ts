import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/errors/store-errors.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import { fakeClock } from '../../../testing/src/fakes/fake-clock.ts'
import { Counter, CounterUpdated, LookAtCounter, UpdateCounter } from '../support/counter.ts'
import { startCounter, type CounterApp } from '../support/start.ts'
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

describe('while an append fails', () => {
  const commandId = '01a22ad3-b887-707e-a932-0228efd3baf7'
  const ofB = { aggregateType: 'Test.Counter', aggregateId: 'b' }
  const updated = { ...ofB, events: CounterUpdated({ counterId: 'b', by: 1 }) }
  const timerId = '01a22ad3-b887-707e-a932-0228efd3baf8'
  type Acts = readonly (readonly [string, (app: CounterApp) => Promise<unknown>])[]

  const writesNothing: Acts = [
    ['a transaction without work', ({ store }) => store.transaction(async () => 1)],
    ['one that loads', ({ store }) => store.transaction((tx) => tx.load(Counter, 'a'))],
    ['a message that came before', (app) => receive(app)],
    ['a timer that is not there', (app) => app.cancelTimer(timerId)],
    ['a command that was sent before', ({ send }) => send(...sentBefore)],
    [
      'a refused one',
      ({ send }) => send(UpdateCounter, { counterId: 'a', by: 1000 }).catch(() => 0),
    ],
    ['a reading', ({ store }) => store.readAll().toArray()],
  ]
  const sentBefore = [UpdateCounter, { counterId: 'a', by: 2 }, { commandId }] as const
  const receive = ({ receive: take }: CounterApp): Promise<unknown> =>
    take({ source: 'till', id: '1' }, async () => undefined)

  async function startFull() {
    const breakable = await startBreakable()
    const { app, state, full, update } = breakable
    await app.send(...sentBefore)
    await receive(app)
    state.failure = full
    await expect(update()).rejects.toBe(full)
    return breakable
  }

  test.each(writesNothing)('what writes nothing shows nothing: %s', async (_what, act) => {
    const { app, clock } = await startFull()
    await act(app)
    await clock.advance(3000)
    expect(app.health().reasons).toEqual([expect.stringContaining('The disk is full')])
  })

  const writes: Acts = [
    ['an append', ({ store }) => store.append(updated)],
    ['a transaction', ({ store }) => store.transaction((tx) => tx.append(updated))],
    ['a message', ({ receive: take }) => take({ source: 'till', id: '2' }, async () => 1)],
    ['a timer', ({ schedule }) => schedule(UpdateCounter, { counterId: 'a', by: 1 }, { after: 1 })],
    ['a command that is kept', ({ send }) => send(LookAtCounter, { counterId: 'a' })],
  ]
  test.each(writes)('what writes shows that it works again: %s', async (_what, act) => {
    const { app, state } = await startFull()
    state.failure = undefined
    await act(app)
    expect(app.health()).toEqual(good)
  })
})

test('a repeated append shows nothing: it is there, and was not written', async () => {
  const inner = memoryStore()
  const state = { isFull: false }
  const full = new StoreError('TIDINGS_STORE_FULL', 'memory:', 'The disk is full.')
  // As a store does it: ids are looked at before anything is written.
  const store = withOverrides(inner, {
    append: async (appends, options) => {
      const found = await inner.findEvent(appends[0]?.events[0]?.envelope.eventId ?? '')
      if (state.isFull && found === undefined) throw full
      return inner.append(appends, options)
    },
  })
  const ids = { newId: () => '01a22ad3-b887-707e-a932-0228efd3baf9' }
  const app = await startCounter({ store, ids })
  const append = (aggregateId: string): Promise<unknown> =>
    app.store.append({
      aggregateType: 'Test.Counter',
      aggregateId,
      events: CounterUpdated({ counterId: aggregateId, by: 1 }),
    })
  await append('a')
  state.isFull = true
  ids.newId = () => '01a22ad3-b887-707e-a932-0228efd3bafa'
  await expect(append('a')).rejects.toBe(full)
  ids.newId = () => '01a22ad3-b887-707e-a932-0228efd3baf9'
  await append('a')
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
