import { describe, expect, test } from 'vitest'
import type { StoreTransaction } from '../../src/store/store.ts'
import { withOverrides } from '../support/stores.ts'
import { openTimed, startOrders, until } from '../support/orders.ts'

/** A log of orders, handled in groups by a handler that fails where it is told to. */
async function handleInGroups(
  keys: readonly string[],
  fails: (n: number, times: number) => boolean,
): Promise<{
  readonly calls: readonly number[]
  readonly commits: readonly string[]
  readonly states: readonly string[]
}> {
  const { store, clock } = openTimed()
  const before = await startOrders({
    store,
    clock,
    delivery: { run: false },
    handle: () => undefined,
  })
  await before.place(...keys)
  const calls: number[] = []
  const commits: string[] = []
  const watched = withOverrides(store, {
    transaction: (work, options) =>
      store.transaction(
        (tx) => work(withOverrides(tx, { progress: noteProgress(tx, commits) })),
        options,
      ),
  })
  const times = new Map<number, number>()
  const { app, states } = await startOrders({
    store: watched,
    clock,
    subscription: {
      effects: 'database',
      outageAfter: 2,
      retry: { attempts: 3, delay: 100, jitter: false },
    },
    handle: async ({ payload: { n, key } }, { tx }) => {
      calls.push(n)
      const before = times.get(n) ?? 0
      times.set(n, before + 1)
      await tx.append({ aggregateType: 'Shop.Note', aggregateId: key, events: [] })
      if (fails(n, before)) throw new Error(`${n} failed`)
    },
  })
  let isDone = false
  void app.delivery.caughtUp().then(() => (isDone = true))
  await until(clock, () => isDone)
  return { calls, commits, states }
}

/** Writes down what the progress of each transaction says: `0→3`, or what ran ahead. */
function noteProgress(tx: StoreTransaction, commits: string[]): StoreTransaction['progress'] {
  return async (change) => {
    await tx.progress(change)
    const { mark, ahead = [] } = change
    const moved = mark === undefined ? '' : `${mark.from}→${mark.to}`
    if (moved !== '' || ahead.length > 0) commits.push([moved, ...ahead].filter(Boolean).join(' +'))
  }
}

/** What a handler is called for that has 1,000 ms, and waits for as long as it is told. */
async function handleSlowly(
  keys: readonly string[],
  waitMs: (n: number, times: number) => number,
): Promise<readonly number[]> {
  const { store, clock } = openTimed()
  const before = await startOrders({
    store,
    clock,
    delivery: { run: false },
    handle: () => undefined,
  })
  await before.place(...keys)
  const calls: number[] = []
  const { app } = await startOrders({
    store,
    clock,
    subscription: { effects: 'database', timeout: 1000, retry: { attempts: 2, delay: 0 } },
    handle: async ({ payload: { n } }) => {
      calls.push(n)
      await clock.sleep(waitMs(n, calls.filter((one) => one === n).length))
    },
  })
  let isDone = false
  void app.delivery.caughtUp().then(() => (isDone = true))
  await until(clock, () => isDone)
  return calls
}

describe('the time of a handler in a group', () => {
  const keys = ['a', 'b', 'a', 'a']

  test('is its own, also behind another event of its key', async () => {
    expect(await handleSlowly(keys, () => 600)).toEqual([1, 2, 3, 4])
  })

  test.each([
    ['the first of its key', 2],
    ['one behind it', 3],
  ])('is over for %s, and then each runs alone', async (_what, hanging) => {
    const calls = await handleSlowly(keys, (n, times) => (n === hanging && times === 1 ? 1e6 : 0))
    expect(calls.filter((n) => n === hanging)).toHaveLength(2)
    expect(new Set(calls)).toEqual(new Set([1, 2, 3, 4]))
  })
})

describe('events that share a transaction', () => {
  test('are committed in one, with one step of the mark', async () => {
    const { calls, commits } = await handleInGroups(['a', 'b', 'a', 'c'], () => false)
    expect(calls.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4])
    expect(commits).toEqual(['0→4'])
  })

  test('of those that fail each runs again alone, and the others once more together', async () => {
    const { calls, commits } = await handleInGroups(
      ['a', 'b', 'c', 'd', 'b'],
      (n, times) => n === 2 && times === 0,
    )
    const timesOf = (n: number): number => calls.filter((one) => one === n).length
    // 5 waits behind 2, which has its key.
    expect([1, 2, 3, 4, 5].map(timesOf)).toEqual([2, 2, 2, 2, 1])
    expect(commits).toEqual(['0→1 +3 +4', '1→4', '4→5'])
  })

  test('one that pauses between two attempts holds up its own key only', async () => {
    const { commits } = await handleInGroups(
      ['a', 'b', 'c', 'b', 'd'],
      (n, times) => n === 2 && times < 3,
    )
    expect(commits).toEqual(['0→1 +3 +5', '1→3', '3→5'])
  })

  test('several that fail among many that succeed are no outage', async () => {
    const keys = Array.from({ length: 40 }, (_, n) => `k${n}`)
    const { states } = await handleInGroups(keys, (n) => n <= 3)
    expect(states).not.toContain('outage')
  })

  test('where most fail it is one', async () => {
    const keys = Array.from({ length: 8 }, (_, n) => `k${n}`)
    const { states } = await handleInGroups(keys, (n, times) => n <= 5 && times < 6)
    expect(states).toContain('outage')
  })
})
