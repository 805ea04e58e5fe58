// tidy-allow sleep: that a timer keeps its cause is what is tested; nothing is waited for with it
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { StoredEnvelope } from '../../src/contract/envelope.ts'
import { nameId, newId } from '../../src/internal/ids.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { CounterUpdated, UpdateCounter, UpdateTwice } from '../support/counter.ts'
import { startCounter, type CounterApp } from '../support/start.ts'
import { stores } from '../support/stores.ts'

/** What a handler may wait for between its cause and its effect. */
const detours: Readonly<Record<string, (effect: () => Promise<unknown>) => Promise<unknown>>> = {
  'at once': (effect) => effect(),
  'after an await': async (effect) => {
    await Promise.resolve()
    return effect()
  },
  'after a timer': async (effect) => {
    await wait(1)
    return effect()
  },
  'in a callback of setImmediate': (effect) =>
    new Promise((resolve, reject) => setImmediate(() => void effect().then(resolve, reject))),
  'beside others in Promise.all': (effect) => Promise.all([wait(1), effect(), Promise.resolve()]),
}

/** Waits until the log holds so many events. */
async function waitFor(store: Store, events: number): Promise<readonly StoredEnvelope[]> {
  await store.waitBeyond(events - 1)
  return store.readAll().toArray()
}

/** Each step of `first` leads to one of `second`, by way of a detour. */
function chain(
  app: CounterApp,
  detour: (effect: () => Promise<unknown>) => Promise<unknown>,
): void {
  app.bus.subscribe(CounterUpdated, ({ payload }) => {
    if (!payload.counterId.startsWith('first')) return undefined
    const counterId = payload.counterId.replace('first', 'second')
    return detour(() => app.send(UpdateCounter, { counterId, by: 1 }))
  })
}

describe.each(stores)('on $kind', ({ open }) => {
  test.each(Object.entries(detours))(
    'a command that a listener sends %s is caused by the event',
    async (_name, detour) => {
      const store = await open()
      const app = await startCounter({ store })
      chain(app, detour)
      const { events, correlationId } = await app.send(
        UpdateCounter,
        { counterId: 'first', by: 1 },
        { correlationId: 'order 7', actor: 'ada', tenant: 'acme' },
      )
      const [first, second] = await waitFor(store, 2)
      expect(correlationId).toBe(nameId('order 7'))
      expect(first).toEqual(events[0])
      expect(second).toMatchObject({ correlationId, metadata: { actor: 'ada', tenant: 'acme' } })
      expect(await store.commands.find(second!.causationId!)).toMatchObject({
        correlationId,
        causationId: first!.eventId,
        actor: 'ada',
      })
    },
  )

  test('a hundred chains at once, sharing transactions, are not mixed up', async () => {
    const store = await open()
    const app = await startCounter({ store })
    chain(app, detours['after a timer']!)
    const sends = Array.from({ length: 100 }, (_, index) =>
      app.send(UpdateCounter, { counterId: `first-${index}`, by: 1 }, { correlationId: newId() }),
    )
    const firsts = (await Promise.all(sends)).map(({ events }) => events[0]!)
    const log = await waitFor(store, 200)

    for (const first of firsts) {
      const counterId = first.aggregateId.replace('first', 'second')
      const second = log.find((event) => event.aggregateId === counterId)
      expect(second?.correlationId).toBe(first.correlationId)
      const command = await store.commands.find(second!.causationId!)
      expect(command?.causationId).toBe(first.eventId)
    }
    expect(new Set(firsts.map(({ correlationId }) => correlationId)).size).toBe(100)
  })

  test('appends that are flushed together keep the cause of their own caller, and so does what follows', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const append = (counterId: string) =>
      app.store.append({
        aggregateType: 'Test.Counter',
        aggregateId: counterId,
        events: CounterUpdated({ counterId, by: 1 }),
      })
    const done: Promise<unknown>[] = []
    app.bus.subscribe(CounterUpdated, ({ aggregateId }) => {
      if (!aggregateId.startsWith('first')) return
      const index = aggregateId.slice('first-'.length)
      done.push(append(`second-${index}`).then(() => append(`third-${index}`)))
    })
    const sends = Array.from({ length: 32 }, (_, index) =>
      app.send(UpdateCounter, { counterId: `first-${index}`, by: 1 }),
    )
    await Promise.all(sends)
    await Promise.all(done)
    const log = await store.readAll().toArray()
    expect(log).toHaveLength(96)
    const byId = new Map(log.map((event) => [event.aggregateId, event]))
    for (let index = 0; index < 32; index++) {
      const first = byId.get(`first-${index}`)!
      for (const name of ['second', 'third']) {
        expect(byId.get(`${name}-${index}`)).toMatchObject({
          correlationId: first.correlationId,
          causationId: first.eventId,
        })
      }
    }
  })

  test('all events of a command share its cause, those of a transaction as well', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const sent = await app.send(UpdateTwice, { counterId: 'a', by: 1 })
    const [one, two] = sent.events
    expect([one?.causationId, two?.causationId]).toEqual([sent.commandId, sent.commandId])
    expect(one?.eventId).not.toBe(two?.eventId)

    await app.store.transaction(
      async (tx) => {
        for (const counterId of ['b', 'c']) {
          await tx.append({
            aggregateType: 'Test.Counter',
            aggregateId: counterId,
            events: CounterUpdated({ counterId, by: 1 }),
          })
        }
      },
      { correlationId: 'night run' },
    )
    const correlationId = nameId('night run')
    const events = await store.query({ correlationId }).toArray()
    expect(events.map((event) => [event.aggregateId, event.causationId])).toEqual([
      ['b', undefined],
      ['c', undefined],
    ])
  })
})

test('a command that nothing led to begins a trace of its own, named after it', async () => {
  const app = await startCounter()
  const [one, two] = await Promise.all([
    app.send(UpdateCounter, { counterId: 'a', by: 1 }),
    app.send(UpdateCounter, { counterId: 'b', by: 1 }),
  ])
  expect(one.correlationId).toBe(one.commandId)
  expect(two.correlationId).toBe(two.commandId)
  expect(one.correlationId).not.toBe(two.correlationId)
})

test('a correlation id that is given wins over that of the code that sends', async () => {
  const store = memoryStore()
  const app = await startCounter({ store })
  app.bus.subscribe(CounterUpdated, ({ payload }) =>
    payload.counterId === 'a'
      ? app.send(UpdateCounter, { counterId: 'b', by: 1 }, { correlationId: 'another story' })
      : undefined,
  )
  const { events } = await app.send(UpdateCounter, { counterId: 'a', by: 1 })
  const [, second] = await waitFor(store, 2)
  expect(second?.correlationId).toBe(nameId('another story'))
  // What led to it is told all the same.
  const command = await store.commands.find(second!.causationId!)
  expect(command?.causationId).toBe(events[0]?.eventId)
})

test('what an event carries of its own is not passed on to its effects', async () => {
  const store = memoryStore()
  const app = await startCounter({ store, source: 'test' })
  app.bus.subscribe(CounterUpdated, ({ payload }) =>
    payload.counterId === 'a' ? app.send(UpdateCounter, { counterId: 'b', by: 1 }) : undefined,
  )
  const metadata = { traceparent: '00-1-2-01', note: 'mine' }
  await app.send(UpdateCounter, { counterId: 'a', by: 1 }, { metadata })
  const [first, second] = await waitFor(store, 2)
  expect(first?.metadata).toEqual({ source: 'test', ...metadata })
  expect(second?.metadata).toEqual({ source: 'test', traceparent: '00-1-2-01' })
})
