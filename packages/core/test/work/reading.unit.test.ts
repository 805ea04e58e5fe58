import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import {
  Counter,
  counterModule,
  CounterCompleted,
  CounterUpdated,
  UpdateCounter,
} from '../support/counter.ts'
import { startCounter } from '../support/start.ts'
import { stores, withOverrides } from '../support/stores.ts'

// What an earlier release of the same team wrote, before the name was dotted.
const OldMoved = defineEvent('Legacy.Counter.Updated', {
  payload: z.object({ counterId: z.string(), by: z.number() }),
})

describe.each(stores)('on $kind', ({ open }) => {
  test.each([
    ['the dotted name', 'Test.Counter.Updated'],
    ['an alias', 'CounterMoved'],
    ['an alias in capitals', 'COUNTER_MOVED'],
    ['the enum name', 'TEST_COUNTER_UPDATED'],
    ['a glob', 'Test.*.Updated'],
  ])('a filter takes %s', async (_what, name) => {
    const app = await startCounter({ store: await open() })
    await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    await app.store.append({
      aggregateType: 'Test.Counter',
      aggregateId: 'a',
      events: CounterCompleted({ counterId: 'a' }),
    })
    const found = await app.store.query({ types: [name] }).toArray()
    expect(found.map(({ eventType }) => eventType)).toEqual(['Test.Counter.Updated'])
  })

  test('an unknown name finds nothing, and no name at all everything', async () => {
    const app = await startCounter({ store: await open() })
    await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    expect(await app.store.query({ types: ['Test.Counter.Moved'] }).toArray()).toEqual([])
    expect(await app.store.query({ types: [] }).toArray()).toEqual([])
    expect(await app.store.query({}).toArray()).toHaveLength(1)
  })

  test('events that were stored under an alias are found, read and folded under the name of today', async () => {
    const inner = await open()
    const store = withOverrides(inner, { close: async () => undefined })
    const legacy = await bootstrap({ store, modules: [defineModule('legacy', [OldMoved])] })
    await legacy.store.append({
      aggregateType: 'Test.Counter',
      aggregateId: 'a',
      events: OldMoved({ counterId: 'a', by: 5 }),
    })
    await legacy.close()

    const Moved = defineEvent('Test.Counter.Updated', {
      payload: z.object({ counterId: z.string(), by: z.number() }),
      aliases: ['Legacy.Counter.Updated'],
    })
    const app = await bootstrap({ store, modules: [defineModule('today', [Moved])] })
    const types = ['Test.Counter.*']
    const found = await app.store.query({ types }).toArray()
    expect(found.map(({ eventType, payload }) => [eventType, payload])).toEqual([
      ['Test.Counter.Updated', { counterId: 'a', by: 5 }],
    ])
    expect((await app.store.findEvent(found[0]!.eventId))?.eventType).toBe('Test.Counter.Updated')
    for await (const page of app.store.readAll().pages()) {
      expect(page.map(({ eventType }) => eventType)).toEqual(['Test.Counter.Updated'])
    }
    // In the log it stands as it was written.
    expect((await inner.findEvent(found[0]!.eventId))?.eventType).toBe('Legacy.Counter.Updated')
    await app.close()
    await inner.close()
  })

  test('an event that nobody here knows is read as it is, but no aggregate decides without it', async () => {
    const inner = await open()
    const store = withOverrides(inner, { close: async () => undefined })
    const legacy = await bootstrap({ store, modules: [defineModule('legacy', [OldMoved])] })
    await legacy.store.append({
      aggregateType: 'Test.Counter',
      aggregateId: 'a',
      events: OldMoved({ counterId: 'a', by: 5 }),
    })
    await legacy.close()

    const app = await startCounter({ store })
    expect(await app.store.readStream('Test.Counter/a').toArray()).toMatchObject([
      { eventType: 'Legacy.Counter.Updated', payload: { by: 5 } },
    ])
    const unknown = { code: 'TIDINGS_NAME_UNKNOWN', unknown: 'Legacy.Counter.Updated' }
    await expect(app.store.load(Counter, 'a')).rejects.toMatchObject(unknown)
    await expect(app.send(UpdateCounter, { counterId: 'a', by: 1 })).rejects.toMatchObject(unknown)
    await app.close()
    await inner.close()
  })

  test('an event of an earlier version is folded as its upcaster makes it', async () => {
    const inner = await open()
    const store = withOverrides(inner, { close: async () => undefined })
    const before = await startCounter({ store })
    await before.send(UpdateCounter, { counterId: 'a', by: 5 })
    await before.close()

    const V2 = defineEvent('Test.Counter.Updated', {
      version: 2,
      payload: z.object({ counterId: z.string(), by: z.number(), unit: z.string() }),
      upcast: { 1: (old: object) => ({ ...old, unit: 'pieces' }) as never },
    })
    const app = await bootstrap({ store, modules: [defineModule('today', [V2])] })
    const [event] = await app.store.readStream('Test.Counter/a').toArray()
    expect(event).toMatchObject({
      eventVersion: 2,
      payload: { counterId: 'a', by: 5, unit: 'pieces' },
    })
    await app.close()
    await inner.close()
  })

  test('waitBeyond ends with an append of this process, or with its signal', async () => {
    const app = await startCounter({ store: await open() })
    const waited = app.store.waitBeyond(0)
    await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    await expect(waited).resolves.toBeUndefined()
    const reason = new Error('enough')
    await expect(app.store.waitBeyond(1, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
  })
})

test('the sample module is what these tests think', () => {
  expect(counterModule.parts).toEqual([Counter])
  expect(CounterUpdated.aliases).toContain('CounterMoved')
})
