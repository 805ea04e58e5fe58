import { describe, expect, onTestFinished, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import type { DeliveryContext } from '../../src/delivery/delivery-context.ts'
import { StoreError } from '../../src/errors/store-errors.ts'
import type { Store } from '../../src/store/store.ts'
import type { EventAppend } from '../../src/work/unit-of-work.ts'
import {
  openTimed,
  OrderCreated,
  startOrders,
  until,
  type OrderOptions,
} from '../support/orders.ts'
import { CounterUpdated } from '../support/counter.ts'
import { stores, withOverrides } from '../support/stores.ts'

/** Four orders whose handlers end in the same turn, each with a note to append. */
async function handleFour(
  options: Partial<OrderOptions> & { readonly watched?: (s: Store) => Store },
) {
  const { store, clock } = openTimed()
  const before = await startOrders({
    store,
    clock,
    delivery: { run: false },
    handle: () => undefined,
  })
  await before.place('a', 'b', 'c', 'd')
  const calls: number[] = []
  const commits: string[] = []
  let allCame: PromiseWithResolvers<void> | undefined = Promise.withResolvers()
  const counted = withOverrides(store, {
    transaction: async (work, how) => {
      let moved = 0
      const result = await store.transaction(
        (tx) =>
          work(
            withOverrides(tx, {
              progress: async (change) => {
                await tx.progress(change)
                moved = (change.mark === undefined ? 0 : change.mark.to) || moved
              },
            }),
          ),
        how,
      )
      if (moved > 0) commits.push(`→${moved}`)
      return result
    },
  })
  const { app } = await startOrders({
    store: options.watched?.(counted) ?? counted,
    clock,
    handle: async (event, ctx) => {
      calls.push(event.payload.n)
      if (calls.length === 4) allCame?.resolve()
      await allCame?.promise
      await (options.handle ?? note)(event, ctx)
    },
  })
  await until(clock, () => (app.delivery.subscriptions[0]?.handledUpTo ?? 0) >= 4)
  allCame = undefined
  const notes: string[] = []
  for await (const { aggregateId, position } of store.readAll({ after: 4 })) {
    notes.push(`${position} ${aggregateId}`)
  }
  return { app, calls: calls.toSorted((a, b) => a - b), commits, notes }
}

type Handle = (event: (typeof OrderCreated)['~event'], ctx: DeliveryContext) => Promise<void>

const note: Handle = ({ payload }, { tx }) =>
  tx.append({
    aggregateType: 'Shop.Note',
    aggregateId: payload.key,
    events: CounterUpdated({ counterId: payload.key, by: 1 }),
  })

/** b's note is refused: it expects a stream that is not there. */
const noteButOne: Handle = async ({ payload: { key } }, { tx }) => {
  const append = {
    aggregateType: 'Shop.Note',
    aggregateId: key,
    events: CounterUpdated({ counterId: key, by: 1 }),
  }
  await tx.append(key === 'b' ? { ...append, expectedVersion: 'stream-exists' } : append)
}

describe('handlers that only append, and end in the same turn', () => {
  test('share a transaction: their events and one step of the mark', async () => {
    const { calls, commits, notes } = await handleFour({})
    expect(calls).toEqual([1, 2, 3, 4])
    expect(commits).toEqual(['→4'])
    expect(notes).toEqual(['5 a', '6 b', '7 c', '8 d'])
  })

  test('have own transactions where they use it for more', async () => {
    const { commits, notes } = await handleFour({
      handle: async (event, ctx) => {
        await ctx.tx.once('till', event.eventId)
        await note(event, ctx)
      },
    })
    expect(commits).toHaveLength(4)
    expect(notes).toHaveLength(4)
  })

  test('where one is refused, that one fails, and the others are recorded without being handled again', async () => {
    const { app, calls, notes } = await handleFour({ handle: noteButOne })
    expect(calls).toEqual([1, 2, 3, 4])
    expect(notes).toEqual(['5 a', '6 c', '7 d'])
    const parked = await app.admin.parked.list({ subscription: 'orders' })
    expect(parked.map(({ position }) => position)).toEqual([2])
  })

  test('nothing of it is there twice where the store is in trouble, which is nobody’s own', async () => {
    let left = 1
    const { calls, notes } = await handleFour({
      watched: (store) =>
        withOverrides(store, {
          transaction: (work, how) =>
            store.transaction(async (tx) => {
              const result = await work(tx)
              if (result === undefined && left-- > 0) throw busy()
              return result
            }, how),
        }),
    })
    // The handlers ran again, since nothing of theirs was committed.
    expect(calls).toEqual([1, 1, 2, 2, 3, 3, 4, 4])
    expect(new Set(notes.map((line) => line.split(' ')[1]))).toEqual(new Set(['a', 'b', 'c', 'd']))
    expect(notes).toHaveLength(4)
  })
})

describe.each(stores)('on $kind, events with ids of their own', ({ open }) => {
  test.each([{ concurrency: 8 }, { effects: 'database' }] as const)(
    'are not doubled where others of their handler cannot be repeated: %o',
    async (options) => {
      const store = await open()
      const orders = defineSubscription('orders', {
        events: OrderCreated,
        retry: { attempts: 1 },
        ...options,
        handle: async ({ payload: { key, n } }, { tx }) => {
          const own = idOf(n)
          if (key === 'a') return tx.append(noteOn('A', { eventId: own }))
          await tx.append(noteOn('B', { eventId: own }), noteOn('A'))
        },
      })
      const app = await bootstrap({
        store,
        modules: [defineModule('shop', [OrderCreated, orders])],
        onFailure: () => undefined,
      })
      onTestFinished(() => app.close())
      const place = ['a', 'b'].map((key, index) => ({
        aggregateType: 'Shop.Order',
        aggregateId: key,
        events: OrderCreated({ key, n: index + 1 }),
      }))
      const notes = async () => {
        const events = await store.query({ aggregateType: 'Shop.Note' }).toArray()
        return events.map(({ aggregateId }) => aggregateId)
      }
      await app.store.append(...place)
      await app.delivery.caughtUp()
      expect(await notes()).toEqual(['A', 'B', 'A'])
      const ask = { kind: 'reset', subscription: 'orders', to: 'beginning', by: 'ann' } as const
      await app.admin.ended((await app.admin.request(ask)).operationId)
      await app.delivery.caughtUp()
      // Of the second order one event is there and one is new: that is no repeat, and it is put aside.
      expect(await notes()).toEqual(['A', 'B', 'A'])
      expect(await app.admin.subscription('orders')).toMatchObject({ parked: 1 })
    },
  )
})

const idOf = (n: number): string => `01890000-0000-8000-8000-00000000000${n}`

function noteOn(aggregateId: string, options: { readonly eventId?: string } = {}): EventAppend {
  const events = CounterUpdated({ counterId: aggregateId, by: 1 }, options)
  return { aggregateType: 'Shop.Note', aggregateId, events }
}

function busy(): StoreError {
  return new StoreError('TIDINGS_STORE_BUSY', 'memory:', 'Too busy.', { retryable: true })
}
