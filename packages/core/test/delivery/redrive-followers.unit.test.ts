import { describe, expect, test } from 'vitest'
import { MOST_REDRIVES } from '../../src/delivery/move-parked.ts'
import { RedrivePace } from '../../src/delivery/redrive-pace.ts'
import type { ParkedEvent } from '../../src/store/parked-store.ts'
import type { ManualClock } from '../support/fake-clock.ts'
import { openTimed, severable, startOrders, until, type OrderApp } from '../support/orders.ts'

const ann = { subscription: 'orders', by: 'ann', reason: 'mended' } as const

interface Parked extends OrderApp {
  readonly clock: ManualClock
  readonly letters: () => Promise<readonly ParkedEvent[]>
  /** Numbers of orders that fail. */
  readonly broken: Set<number>
  /** What was handled, and when, milliseconds from the redrive on. */
  readonly handled: (readonly [n: number, atMs: number])[]
  readonly redrive: (request?: object) => Promise<Readonly<Record<string, unknown>>>
}

/** Keys `a` and `b`, of each the first order failed, and two wait behind it. */
async function openParked(options: { readonly isDoomed?: boolean } = {}) {
  const timed = openTimed()
  const { clock } = timed
  const { store, sever } = severable(timed.store)
  const broken = new Set([1, 2])
  const handled: (readonly [number, number])[] = []
  const start = { atMs: 0 }
  const handle = ({ payload: { n } }: { readonly payload: { readonly n: number } }): void => {
    if (broken.has(n)) throw new Error('not yet')
    handled.push([n, clock.now() - start.atMs])
  }
  const orders = await startOrders({ store, clock, handle, ...options })
  const { admin } = orders.app
  const letters = () => timed.store.parked.list({})
  await orders.place('a', 'b', 'a', 'a', 'b', 'b')
  await until(clock, async () => (await letters()).length === 6)
  const redrive: Parked['redrive'] = async (request = {}) => {
    start.atMs = clock.now()
    const { operationId } = await admin.request({ kind: 'redrive', ...ann, ...request })
    await until(clock, async () => {
      const operation = await timed.store.operations.find(operationId)
      return operation?.state === 'done' || operation?.state === 'cancelled'
    })
    return (await timed.store.operations.find(operationId))?.result ?? {}
  }
  const parked: Parked = { ...orders, clock, letters, broken, handled, redrive }
  return { ...parked, timed, sever, handle, start }
}

describe('those behind a letter that is redriven', () => {
  test('come along, and are counted', async () => {
    const { redrive, broken, handled, app } = await openParked()
    broken.clear()
    const filter = { key: 'a' }
    const [head] = await app.admin.parked.list({ key: 'a' })
    const ids = [head!.parkedId]
    const plan = await app.admin.planRedrive({ subscription: 'orders', filter: { ids } })
    expect(plan.events.map(({ verdict }) => verdict)).toEqual(['runs', 'follows', 'follows'])
    expect(await redrive({ filter: { ids } })).toMatchObject({
      moved: 3,
      followers: 2,
      resolved: 3,
      parkedAgain: 0,
    })
    expect(handled.map(([n]) => n)).toEqual([1, 3, 4])
    const history = (await app.admin.parked.list(filter)).at(-1)!.history
    expect(history.map(({ what, by }) => `${what} by ${by}`)).toEqual([
      'parked by runtime',
      'redriven by ann',
      'resolved by runtime',
    ])
  })

  test('do not come along past one that stays', async () => {
    const { redrive, broken, app, letters } = await openParked()
    broken.delete(1)
    broken.add(3)
    await redrive({ filter: { key: 'a' } })
    // 3 has failed now, and 4 waits behind it.
    const [third, fourth] = await app.admin.parked.list({ key: 'a', states: ['parked'] })
    expect([third?.reason, fourth?.reason]).toEqual(['failed', 'behind'])
    broken.clear()
    const ids = [fourth!.parkedId]
    expect(await redrive({ filter: { ids } })).toMatchObject({ moved: 1, parkedAgain: 1 })
    expect(
      (await letters()).filter(({ key, state }) => key === 'a' && state === 'parked'),
    ).toHaveLength(2)
  })

  test('keep their own count of redrives: that of the one in front is none of theirs', async () => {
    const { redrive, broken, app } = await openParked()
    for (let times = 0; times < MOST_REDRIVES; times++) {
      expect(await redrive({ filter: { key: 'a' } })).toMatchObject({ moved: 3, parkedAgain: 3 })
    }
    const redrives = async () =>
      (await app.admin.parked.list({ key: 'a' })).map((one) => one.redrives)
    expect(await redrives()).toEqual([MOST_REDRIVES, 0, 0])
    // The first goes by force; the next one fails for the first time, and may be redriven as often.
    broken.delete(1)
    broken.add(3)
    await redrive({ filter: { key: 'a' }, force: true })
    expect(await redrive({ filter: { key: 'a' } })).toMatchObject({ moved: 2, refused: 0 })
    expect(await redrives()).toEqual([MOST_REDRIVES + 1, 1, 0])
  })
})

describe('the rate of a redrive', () => {
  test('is that of everything that it has run, whatever it waited behind', async () => {
    const { redrive, broken, handled } = await openParked()
    broken.clear()
    expect(await redrive({ rate: 2 })).toMatchObject({ moved: 6, resolved: 6 })
    const times = handled.map(([, atMs]) => atMs)
    for (const [index, atMs] of times.entries()) {
      if (index > 0) expect(atMs - times[index - 1]!).toBeGreaterThanOrEqual(500)
    }
    expect(times.at(-1)).toBeLessThan(3500)
    // Both keys go on, each in its order.
    expect(handled.map(([n]) => n).filter((n) => [1, 3, 4].includes(n))).toEqual([1, 3, 4])
    expect(handled.map(([n]) => n).filter((n) => [2, 5, 6].includes(n))).toEqual([2, 5, 6])
  })

  test('slows nobody but the redriven', async () => {
    const { app, broken, handled, place, clock } = await openParked()
    broken.clear()
    await app.admin.request({ kind: 'redrive', ...ann, rate: 0.1 })
    await until(clock, () => handled.length === 1)
    await place('c', 'd', 'e')
    await until(clock, () => handled.length === 4)
    expect(handled.slice(1).map(([n]) => n)).toEqual([7, 8, 9])
  })

  test('holds up no pause, and no end of one', async () => {
    const { app, broken, handled, place, clock, timed } = await openParked()
    broken.clear()
    const slow = await app.admin.request({ kind: 'redrive', ...ann, rate: 0.1 })
    await until(clock, () => handled.length === 1)
    const isDone = async (kind: 'pause' | 'resume'): Promise<void> => {
      const { operationId } = await app.admin.request({ kind, ...ann })
      await until(
        clock,
        async () => (await timed.store.operations.find(operationId))?.state === 'done',
      )
    }
    await isDone('pause')
    expect((await app.admin.subscriptions())[0]?.isPaused).toBe(true)
    await place('c')
    await isDone('resume')
    await until(clock, () => handled.some(([n]) => n === 7))
    expect((await timed.store.operations.find(slow.operationId))?.state).toBe('running')
  })

  test('is over with it: the next one goes as fast as it can', async () => {
    const { redrive, broken, handled, start, clock } = await openParked()
    broken.delete(1)
    await redrive({ rate: 1, filter: { key: 'a' } })
    broken.clear()
    handled.length = 0
    await redrive()
    expect(handled).toHaveLength(3)
    expect(handled.at(-1)![1]).toBeLessThan(200)
    expect(clock.now()).toBeGreaterThan(start.atMs)
  })

  test('holds under the next owner from its first moment on', async () => {
    const { app, broken, handled, clock, timed, sever, handle } = await openParked({
      isDoomed: true,
    })
    broken.clear()
    await app.admin.request({ kind: 'redrive', ...ann, rate: 1 })
    await until(clock, () => handled.length === 2)
    sever()
    const successor = severable(timed.store)
    await startOrders({ store: successor.store, clock, handle })
    await until(clock, () => handled.length === 6)
    const times = handled.map(([, atMs]) => atMs)
    for (const [index, atMs] of times.entries()) {
      if (index > 0) expect(atMs - times[index - 1]!).toBeGreaterThanOrEqual(1000)
    }
  })

  test('what is cancelled gives back what it has not come to', async () => {
    const { app, broken, handled, clock, letters } = await openParked()
    broken.clear()
    const { operationId } = await app.admin.request({ kind: 'redrive', ...ann, rate: 1 })
    await until(clock, () => handled.length === 2)
    await app.admin.cancel(operationId, { by: 'bob', reason: 'too slow' })
    await until(
      clock,
      async () => (await app.admin.operations.find(operationId))?.state === 'cancelled',
    )
    const states = (await letters()).map(({ state }) => state)
    expect(states.filter((state) => state === 'redriving')).toEqual([])
    expect((await app.admin.operations.find(operationId))?.result).toMatchObject({ moved: 6 })
  })
})

test('a clock that is set back delays a redrive by no more than a turn', () => {
  const pace = new RedrivePace(2)
  expect(pace.mayBegin(100_000)).toBe(true)
  pace.began(100_000)
  expect(pace.mayBegin(100_499)).toBe(false)
  expect(pace.mayBegin(50_000)).toBe(false)
  expect(pace.nextMs).toBe(50_500)
  expect(pace.mayBegin(50_500)).toBe(true)
})
