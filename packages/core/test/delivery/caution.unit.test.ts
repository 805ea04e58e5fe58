import { describe, expect, test } from 'vitest'
import { Caution } from '../../src/delivery/caution.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import type { ClaimedProgress } from '../../src/store/subscription-store.ts'
import type { Store } from '../../src/store/store.ts'
import type { ManualClock } from '../support/fake-clock.ts'
import {
  OrderCreated,
  openTimed,
  severable,
  startOrders,
  until,
  type OrderOptions,
} from '../support/orders.ts'

const { plan } = defineSubscription('orders', {
  events: OrderCreated,
  concurrency: 1,
  buffer: 5,
  handle: () => undefined,
})

const claimed = (wasReleased: boolean, begun: readonly (readonly [number, number])[] = []) =>
  ({ wasReleased, begun: new Map(begun) }) as unknown as ClaimedProgress

describe('after an owner that died', () => {
  test('as many run alone as can have begun and not been noted, and all that was handed out is watched', () => {
    const caution = new Caution(claimed(false), plan, 100)
    const cares = Array.from({ length: 40 }, (_, index) => caution.of(index + 1))
    // Three of one place: running, ended, on its way out; and those that may share a commit.
    expect(cares.map(({ isAlone }) => isAlone)).toEqual(cares.map((_, index) => index < 36))
    expect(cares.every(({ isWatched }) => isWatched)).toBe(true)
    expect(caution.of(101)).toEqual({ isWatched: false, isAlone: false })
  })

  test('what had begun when a process ended runs alone, wherever it stands', () => {
    const caution = new Caution(claimed(false, [[70, 1]]), plan, 100)
    for (let position = 1; position <= 36; position++) caution.of(position)
    expect([37, 38, 70].map((position) => caution.of(position).isAlone)).toEqual([
      false,
      false,
      true,
    ])
  })

  test('there is none after one that let go in good order', () => {
    expect(new Caution(claimed(true), plan, 100).of(1).isWatched).toBe(false)
  })
})

/** Starts an application whose process ends when its handler comes to `deadly`. */
async function startMortal(
  { store, clock }: { readonly store: Store; readonly clock: ManualClock },
  deadly: (n: number) => boolean,
  options: Partial<OrderOptions> = {},
): Promise<{ readonly isDead: () => boolean; readonly handled: readonly number[] }> {
  const own = severable(store)
  const handled: number[] = []
  let isDead = false
  const { place: _, ...__ } = await startOrders({
    store: own.store,
    clock,
    isDoomed: true,
    ...options,
    async handle({ payload: { n } }) {
      if (isDead) return
      if (deadly(n)) {
        isDead = true
        own.sever()
        await new Promise(() => undefined)
      }
      handled.push(n)
    },
  })
  return { isDead: () => isDead, handled }
}

describe('an event that ends its process each time', () => {
  test('is put aside, and the others are handled', async () => {
    const timed = openTimed()
    const producer = await startOrders({
      ...timed,
      handle: () => undefined,
      delivery: { run: false },
    })
    await producer.place('a', 'b', 'c')
    let deaths = 0
    for (; deaths < 10; deaths++) {
      const { isDead, handled } = await startMortal(timed, (n) => n === 1)
      const isOver = async (): Promise<boolean> =>
        isDead() || (handled.length === 2 && (await timed.store.parked.list({})).length === 1)
      await until(timed.clock, isOver)
      if (!isDead()) break
    }
    expect(deaths).toBeLessThanOrEqual(3)
    const [parked] = await timed.store.parked.list({})
    expect(parked).toMatchObject({ reason: 'killed', state: 'parked', dueAt: undefined })
  })

  test('is put aside also where it was parked before, and would be tried later', async () => {
    const timed = openTimed()
    const subscription = { retry: { attempts: 1, later: [50, 50, 50] } }
    const first = severable(timed.store)
    const { place } = await startOrders({
      ...timed,
      store: first.store,
      isDoomed: true,
      subscription,
      handle: () => {
        throw new Error('not yet')
      },
    })
    await place('a')
    await until(timed.clock, async () => (await timed.store.parked.list({})).length === 1)
    first.sever()
    let deaths = 0
    for (; deaths < 10; deaths++) {
      const { isDead } = await startMortal(timed, () => true, { subscription })
      const isDeadLetter = async (): Promise<boolean> =>
        (await timed.store.parked.list({}))[0]?.reason === 'killed'
      await until(timed.clock, async () => isDead() || (await isDeadLetter()))
      if (!isDead()) break
    }
    expect(deaths).toBe(2)
    expect(await timed.store.parked.list({})).toMatchObject([
      { reason: 'killed', dueAt: undefined },
    ])
  })
})
