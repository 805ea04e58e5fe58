import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineAggregate } from '../../src/contract/define-aggregate.ts'
import { defineCommand } from '../../src/contract/define-command.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import type { Store } from '../../src/store/store.ts'
import { stores, withOverrides } from '../support/stores.ts'

const payload = z.object({ id: z.string(), by: z.number() })
const Raised = defineEvent('Shop.Score.Raised', { payload })
const Raise = defineCommand('Shop.Score.Raise', { payload })
const Score = defineAggregate('Shop.Score', {
  events: [Raised],
  commands: [Raise],
  id: (command) => command.id,
  initialState: { sum: 0, times: 0 },
  evolve: {
    'Shop.Score.Raised': (state, event) => ({
      sum: state.sum + event.payload.by,
      times: state.times + 1,
    }),
  },
  decide: { 'Shop.Score.Raise': (command) => Raised(command) },
})

describe.each(stores)('what was deleted and erased, on $kind', ({ open }) => {
  /** It outlives the application that is started with it. */
  async function openKept(): Promise<Store> {
    const store = await open()
    onTestFinished(() => store.close())
    return withOverrides(store, { close: async () => undefined })
  }

  async function start(conflicts?: { readonly retries: number }, opened?: Store) {
    const store = opened ?? (await openKept())
    const seen: number[] = []
    const marks = defineSubscription('marks', {
      events: [Raised],
      handle: async (event) => void seen.push(event.payload.by),
    })
    const app = await bootstrap({
      store,
      modules: [defineModule('shop', [Score, marks])],
      ...(conflicts === undefined ? {} : { conflicts }),
    })
    onTestFinished(() => app.close())
    const raise = (id: string, by: number) => app.send(Raise, { id, by })
    return { app, store, seen, raise }
  }

  async function empty(stream: string, started: Awaited<ReturnType<typeof start>>): Promise<void> {
    const { app, store, raise } = started
    await raise('end', 1)
    await app.delivery.caughtUp()
    const choice = { before: '2100-01-01T00:00:00.000Z', streams: [stream] }
    await expect
      .poll(async () => {
        const due = await store.retention.due(choice, { limit: 10 })
        return store.retention.remove(choice, due)
      })
      .toBe(2)
  }

  test.each([{ retries: 3 }, { retries: 0 }])(
    'an aggregate of which nothing is left begins anew, at the version that it had (%o)',
    async (conflicts) => {
      const started = await start(conflicts)
      const { app, store, raise } = started
      await raise('a', 5)
      await raise('a', 6)
      await empty('Shop.Score/a', started)
      expect(await app.store.load(Score, 'a')).toEqual({ state: { sum: 0, times: 0 }, version: 2 })
      const { state, events } = await raise('a', 7)
      expect([state, events[0]?.streamVersion]).toEqual([{ sum: 7, times: 1 }, 3])
      await app.store.transaction(async (tx) => {
        const root = await tx.load(Score, 'a')
        root.record(Raised({ id: 'a', by: 1 }))
      })
      expect(await app.store.load(Score, 'a')).toMatchObject({ state: { sum: 8 }, version: 4 })
      expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
    },
  )

  test('a transaction finds it too, where nothing was sent before', async () => {
    const started = await start()
    const { app, raise } = started
    await raise('a', 5)
    await raise('a', 6)
    await empty('Shop.Score/a', started)
    await app.store.transaction(async (tx) => {
      const root = await tx.load(Score, 'a')
      root.record(Raised({ id: 'a', by: 1 }))
    })
    expect(await app.store.load(Score, 'a')).toMatchObject({ state: { sum: 1 }, version: 3 })
  })

  test('what was erased is folded into no state, and given to no handler', async () => {
    const { app, store, seen, raise } = await start()
    const { events } = await raise('a', 5)
    await raise('a', 6)
    await app.delivery.caughtUp()
    expect(seen).toEqual([5, 6])
    const erasureId = events[0]!.eventId
    const why = { erasureId, requestedBy: 'dpo', reason: 'a test' }
    await store.retention.erase({ eventIds: [events[0]!.eventId], ...why })
    expect(await app.store.load(Score, 'a')).toEqual({ state: { sum: 6, times: 1 }, version: 2 })
    const [erased] = await app.store.readStream('Shop.Score/a').toArray()
    expect(erased).toMatchObject({ payload: null, erased: true, streamVersion: 1 })
    const { state } = await raise('a', 1)
    expect(state).toEqual({ sum: 7, times: 2 })
    // A process that has read it before it was erased may still have it in its memory.
    await app.close()
    const again = await start({ retries: 3 }, store)
    const position = { kind: 'reset', subscription: 'marks', to: 'beginning' } as const
    await again.app.admin.request({ ...position, by: 'ann', reason: 'a test' })
    await expect.poll(() => again.seen).toEqual([6, 1])
  })
})
