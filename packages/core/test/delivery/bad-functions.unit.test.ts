import { describe, expect, test } from 'vitest'
import type { DeliveryContext } from '../../src/delivery/delivery-context.ts'
import type { SubscriptionOptions } from '../../src/delivery/define-subscription.ts'
import {
  openTimed,
  startOrders,
  until,
  type OrderApp,
  type OrderOptions,
} from '../support/orders.ts'
import { withOverrides } from '../support/stores.ts'

type Order = Parameters<NonNullable<OrderOptions['handle']>>[0]

const ann = { subscription: 'orders', by: 'ann', reason: 'mended it' }

async function redriveAll({ app }: OrderApp): Promise<string> {
  return (await app.admin.request({ kind: 'redrive', ...ann })).operationId
}

describe('a function of the subscription that throws', () => {
  const isBroken = { now: true }
  const breakAt = (n: number, error: () => unknown): void => {
    if (isBroken.now && n === 2) throw error()
  }
  const functions: readonly (readonly [
    what: string,
    options: Partial<SubscriptionOptions<Order>>,
    says: string,
  ])[] = [
    [
      'a filter that throws',
      {
        filter: ({ payload }) => {
          breakAt(payload.n, () => new RangeError('no such depot'))
          return true
        },
      },
      'no such depot',
    ],
    [
      'a key function that throws',
      {
        key: ({ payload }) => {
          breakAt(payload.n, () => new RangeError('no such depot'))
          return payload.key
        },
      },
      'no such depot',
    ],
    [
      'a key function that answers with no text',
      {
        key: ({ payload }) =>
          (isBroken.now && payload.n === 2 ? payload.n : payload.key) as unknown as string,
      },
      'The key of an event is a text; the key function answered with number. Mend it, then redrive the event.',
    ],
    [
      'a filter that throws no error at all',
      {
        filter: ({ payload }) => {
          breakAt(payload.n, () => undefined)
          return true
        },
      },
      'nothing',
    ],
  ]

  test.each(functions)(
    '%s parks its event, and what follows of its key; the rest goes on, and after the mending all is handled',
    async (_, subscription, says) => {
      isBroken.now = true
      const { store, clock } = openTimed()
      const handled: number[] = []
      const orders = await startOrders({
        store,
        clock,
        subscription,
        handle: ({ payload }) => void handled.push(payload.n),
      })
      const { app, place } = orders
      await place('a', 'b', 'c', 'b')
      await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 4)
      expect(app.delivery.subscriptions[0]?.state).toBe('live')
      expect(handled).toEqual([1, 3])
      const [letter, follower, ...others] = await app.admin.parked.list({})
      expect(letter).toMatchObject({ position: 2, key: 'b', reason: 'failed', state: 'parked' })
      expect(letter?.attempts.at(-1)?.error.message).toBe(says)
      expect(follower).toMatchObject({ position: 4, key: 'b', reason: 'behind' })
      expect(others).toEqual([])
      isBroken.now = false
      await redriveAll(orders)
      await until(clock, () => handled.length === 4)
      expect(handled.slice(2)).toEqual([2, 4])
    },
  )

  test('a retry rule that throws parks its event at once, with both errors, and the rest goes on', async () => {
    const { store, clock } = openTimed()
    const handled: number[] = []
    const { app, place, states } = await startOrders({
      store,
      clock,
      subscription: {
        retry: {
          attempts: 2,
          rules: [
            {
              when: {
                test: () => {
                  throw new RangeError('a rule with a bug')
                },
              },
              // oxlint-disable-next-line unicorn/no-thenable -- a rule's word for what is done
              then: { skip: 'never' },
            },
          ],
        },
      },
      handle({ payload }) {
        if (payload.n === 1) throw new Error('its own')
        handled.push(payload.n)
      },
    })
    await place('a', 'b')
    await until(clock, async () => (await app.admin.parked.list({})).length === 1)
    await until(clock, () => handled.length === 1)
    const [letter] = await app.admin.parked.list({})
    expect(letter?.attempts.map(({ error }) => error.message)).toEqual([
      "A retry rule of 'orders' tells whether an error is its own; it threw 'a rule with a bug' when it was asked about 'its own'. Mend the rule, then redrive the event.",
    ])
    expect(states).not.toContain('failed')
  })
})

describe('a handler that never returns', () => {
  const never = (): Promise<void> => new Promise(() => undefined)

  const shapes: readonly (readonly [shape: string, options: Partial<OrderOptions>])[] = [
    ['alone', {}],
    ['in a group that shares a transaction', { subscription: { effects: 'database' } }],
    ['in a batch', { handleBatch: () => undefined }],
  ]

  test.each(shapes)(
    '%s: ends by its time, is parked with that as its error, and holds nobody up',
    async (_, options) => {
      const { store, clock } = openTimed()
      const handled: number[] = []
      const reasons: unknown[] = []
      const isBroken = { now: true }
      const run = (
        orders: readonly Order[],
        { signal }: Pick<DeliveryContext, 'signal'>,
      ): unknown => {
        if (isBroken.now && orders.some(({ payload }) => payload.n === 1)) {
          signal.addEventListener('abort', () => reasons.push(signal.reason), { once: true })
          return never()
        }
        handled.push(...orders.map(({ payload }) => payload.n))
        return undefined
      }
      const orders = await startOrders({
        store,
        clock,
        ...(options.handleBatch === undefined
          ? { handle: (event, ctx) => run([event], ctx) }
          : { handleBatch: (events, ctx) => run(events, ctx) }),
        subscription: { timeout: 100, retry: { attempts: 2, delay: 10 }, ...options.subscription },
      })
      const { app, place } = orders
      await place('a', 'b', 'a')
      await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 3)
      expect(handled, 'a group may have tried it before it was rolled back').toContain(2)
      const [letter, follower] = await app.admin.parked.list({})
      expect(letter).toMatchObject({ position: 1, reason: 'failed', state: 'parked' })
      const { error } = letter!.attempts.at(-1)!
      expect(error.code).toBe('TIDINGS_TIMEOUT')
      expect(error.message).toBe(
        "The handler of 'orders' did not come to its end within 100 ms. Raise the limit, or find out what holds it up.",
      )
      expect(reasons.at(-1), 'its signal was aborted').toMatchObject({ code: 'TIDINGS_TIMEOUT' })
      expect(follower).toMatchObject({ position: 3, reason: 'behind' })
      isBroken.now = false
      await redriveAll(orders)
      await until(clock, () => handled.includes(3))
      expect(handled.slice(-2)).toEqual([1, 3])
    },
  )

  test('until its time is over: what it writes after that is refused, and in no later attempt', async () => {
    const { store, clock } = openTimed()
    const late: unknown[] = []
    const gate = Promise.withResolvers<void>()
    const { app, place } = await startOrders({
      store,
      clock,
      subscription: { timeout: 100 },
      async handle(_, { tx }) {
        await gate.promise
        const receipt = { aggregateType: 'Shop.Receipt', aggregateId: 'a', events: [] }
        await tx.append(receipt).catch((error: unknown) => late.push(error))
      },
    })
    await place('a')
    await until(clock, async () => (await app.admin.parked.list({})).length === 1)
    gate.resolve()
    await until(clock, () => late.length === 1)
    expect(late).toMatchObject([{ code: 'TIDINGS_TIMEOUT' }])
    expect(await store.head()).toBe(1)
  })

  test('and has no time at all: a close cuts it off, and its event is neither handled nor parked', async () => {
    const { store, clock } = openTimed()
    const begun: number[] = []
    const slow = await startOrders({
      // It is looked at afterwards.
      store: withOverrides(store, { close: async () => undefined }),
      clock,
      isDoomed: true,
      subscription: { timeout: Number.POSITIVE_INFINITY },
      delivery: { graceMs: 500 },
      handle: ({ payload }) => {
        begun.push(payload.n)
        return never()
      },
    })
    await slow.place('a')
    await until(clock, () => begun.length === 1)
    const closed = slow.app.close().then(() => true)
    await until(clock, () => closed)
    expect(await store.parked.list({})).toEqual([])
    expect(await store.subscriptions.find('orders')).toMatchObject({
      position: 0,
      state: 'stopped',
    })
    expect(begun).toEqual([1])
  })
})
