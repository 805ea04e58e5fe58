import { bootstrap, ContractError, defineEvent, defineModule, memoryStore } from 'tidings'
import { expect, test } from 'vitest'
import { z } from 'zod'

const Placed = defineEvent('Shop.Order.Placed', { payload: z.object({ total: z.int() }) })

test('sealed events are checked and whole, nothing is stored, and a store takes them', async () => {
  const store = memoryStore()
  await using app = await bootstrap({ store, modules: [defineModule('shop', [Placed])] })
  const home = { aggregateType: 'Shop.Order', aggregateId: '1', expectedVersion: 0 }
  const [sealed] = app.store.seal({ ...home, events: [Placed({ total: 1 }), Placed({ total: 2 })] })
  expect(await app.store.head()).toBe(0)
  expect(sealed).toMatchObject({ stream: 'Shop.Order/1', expectedVersion: 0 })
  const correlations = new Set(sealed?.events.map(({ envelope }) => envelope.correlationId))
  expect(correlations.size).toBe(1)
  await store.append(sealed === undefined ? [] : [sealed])
  expect(
    (await app.store.readStream('Shop.Order/1').toArray()).map(({ eventId }) => eventId),
  ).toEqual(sealed?.events.map(({ envelope }) => envelope.eventId))
  const wrong = Placed({ total: 'much' as unknown as number })
  expect(() => app.store.seal({ ...home, events: wrong })).toThrow(ContractError)
})
