import assert from 'node:assert/strict'
import type { Store, TimerRecord, TimerState } from 'tidings'
import { refusal, rejection, scenario } from './expectations.ts'
import { minutesLater, sampleTimer } from './sample-delivery.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

function set(store: Store, ...timers: readonly TimerRecord[]): Promise<void> {
  return store.transaction((tx) => tx.setTimers(timers))
}

function cancel(store: Store, { timerId }: TimerRecord): Promise<boolean> {
  return store.transaction((tx) => tx.cancelTimer(timerId))
}

const fired = { firedAt: minutesLater(3), lateMs: 250, failure: undefined }

function fire(store: Store, { timerId }: TimerRecord): Promise<boolean> {
  return store.transaction((tx) => tx.fireTimer(timerId, fired))
}

function timerIds(timers: readonly TimerRecord[]): string[] {
  return timers.map(({ timerId }) => timerId)
}

async function setOnce({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const plain = sampleTimer(ids)
  const rich = sampleTimer(ids, {
    causationId: ids.newId(1),
    metadata: { tenant: 't1', actor: { id: 'ann' }, traceparent: '00-ab' },
  })
  await set(store, plain, rich)
  assert.deepEqual(await store.timers.find(plain.timerId), plain, 'to the last field')
  assert.deepEqual(await store.timers.find(rich.timerId), rich)
  assert.equal(await store.timers.find('nobody'), undefined)
  await set(store, { ...plain, dueAt: 1, commandType: 'Sample.Counter.Other' })
  assert.deepEqual(await store.timers.find(plain.timerId), plain, 'the same id is the same timer')
  const twice = sampleTimer(ids)
  await set(store, twice, { ...twice, dueAt: 1 })
  assert.deepEqual(await store.timers.find(twice.timerId), twice, 'also in one transaction')
  await cancel(store, plain)
  await set(store, plain)
  assert.equal((await store.timers.find(plain.timerId))?.state, 'cancelled', 'and it stays so')
}

async function findDue({ open, ids, random }: StoreHarness): Promise<void> {
  const store = await open()
  assert.equal(await store.timers.next(), undefined, 'none waits')
  const times = [100, 200, 200, 200, 1000, 2_000_000_000_000]
  const timers = times.map((dueAt) => sampleTimer(ids, { dueAt })).sort(byDueTime)
  await set(store, ...random.shuffle(timers))
  assert.equal(await store.timers.next(), 100)
  const due = async (atMs: number, limit = 100): Promise<string[]> =>
    timerIds(await store.timers.due(atMs, limit))
  assert.deepEqual(await due(99), [])
  assert.deepEqual(await due(100), timerIds(timers.slice(0, 1)), 'at its time')
  assert.deepEqual(await due(1000), timerIds(timers.slice(0, 5)), 'the earliest first')
  assert.deepEqual(await due(1000, 2), timerIds(timers.slice(0, 2)))
  assert.deepEqual(await due(1000, 0), [])
  const [first, second] = timers as [TimerRecord, TimerRecord]
  await fire(store, first)
  await cancel(store, second)
  assert.equal(await store.timers.next(), 200)
  assert.deepEqual(await due(1000), timerIds(timers.slice(2, 5)), 'those that wait')
  for (const timer of timers.slice(2)) await fire(store, timer)
  assert.equal(await store.timers.next(), undefined)
  assert.deepEqual(await due(Number.MAX_SAFE_INTEGER), [])
}

function byDueTime(a: TimerRecord, b: TimerRecord): number {
  return a.dueAt - b.dueAt || (a.timerId < b.timerId ? -1 : 1)
}

async function endOnce({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const [one, two, three] = [sampleTimer(ids), sampleTimer(ids), sampleTimer(ids)]
  await set(store, one, two, three)
  assert.equal(await fire(store, one), true)
  assert.equal(await fire(store, one), false, 'fired once')
  assert.equal(await cancel(store, one), false, 'too late')
  assert.deepEqual(await store.timers.find(one.timerId), { ...one, ...fired, state: 'fired' })
  assert.equal(await cancel(store, two), true)
  assert.equal(await cancel(store, two), false)
  assert.equal(await fire(store, two), false, 'one that was cancelled never fires')
  assert.deepEqual(await store.timers.find(two.timerId), { ...two, state: 'cancelled' })
  const failure = 'NoSuchCounter: 1'
  const failed = await store.transaction((tx) => tx.fireTimer(three.timerId, { ...fired, failure }))
  assert.equal(failed, true)
  assert.equal((await store.timers.find(three.timerId))?.failure, failure)
  const nobody = await store.transaction(async (tx) => [
    await tx.cancelTimer('nobody'),
    await tx.fireTimer('nobody', fired),
  ])
  assert.deepEqual(nobody, [false, false])
}

async function seeOwn({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const [one, two] = [sampleTimer(ids), sampleTimer(ids)]
  const answers = await store.transaction(async (tx) => {
    await tx.setTimers([one, two])
    return [
      await tx.cancelTimer(one.timerId),
      await tx.cancelTimer(one.timerId),
      await tx.fireTimer(one.timerId, fired),
      await tx.fireTimer(two.timerId, fired),
      await tx.cancelTimer(two.timerId),
    ]
  })
  assert.deepEqual(answers, [true, false, false, true, false])
  const third = sampleTimer(ids)
  await set(store, third)
  const reason = new Error('the handler failed')
  const failing = store.transaction(async (tx) => {
    assert.equal(await tx.cancelTimer(third.timerId), true)
    throw reason
  })
  assert.equal(await rejection(failing, 'a transaction whose work throws'), reason)
  assert.deepEqual(await store.timers.find(third.timerId), third, 'it waits as before')
  assert.equal(await fire(store, third), true)
}

async function race({ open, ids }: StoreHarness): Promise<void> {
  const stores = [await open(), await open()] as [Store, Store]
  for (let round = 0; round < 10; round++) {
    const timer = sampleTimer(ids)
    await set(stores[0], timer)
    const answers = await Promise.all([
      fire(stores[round % 2] as Store, timer),
      cancel(stores[1], timer),
      fire(stores[0], timer),
      cancel(stores[0], timer),
    ])
    assert.equal(answers.filter(Boolean).length, 1, 'it ends once')
    const state = answers[0] || answers[2] ? 'fired' : 'cancelled'
    assert.equal((await stores[1].timers.find(timer.timerId))?.state, state)
  }
}

async function list({ open, ids, random }: StoreHarness): Promise<void> {
  const store = await open()
  const timers = Array.from({ length: 18 }, (_, n) =>
    sampleTimer(ids, { dueAt: 1000 * Math.floor(n / 4) }),
  ).sort(byDueTime)
  await set(store, ...random.shuffle(timers))
  const states = new Map<string, TimerState>()
  for (const [index, timer] of timers.entries()) {
    states.set(timer.timerId, (['waiting', 'fired', 'cancelled'] as const)[index % 3] ?? 'waiting')
    if (index % 3 === 1) await fire(store, timer)
    if (index % 3 === 2) await cancel(store, timer)
  }
  assert.deepEqual(timerIds(await store.timers.list()), timerIds(timers), 'by time, then id')
  for (const limit of [1, 4, 5, 18, 19]) {
    for (const wanted of [undefined, ['waiting', 'cancelled'], ['fired']] as const) {
      const seen: TimerRecord[] = []
      for (;;) {
        const page = await store.timers.list({ states: wanted, after: seen.at(-1), limit })
        if (page.length === 0) break
        seen.push(...page)
        assert.ok(seen.length <= timers.length, 'none comes twice')
      }
      const isWanted = ({ timerId }: TimerRecord): boolean =>
        wanted === undefined || wanted.some((state) => state === states.get(timerId))
      assert.deepEqual(timerIds(seen), timerIds(timers.filter(isWanted)), `in pages of ${limit}`)
    }
  }
  const wrong = store.timers.due(0, -1)
  await refusal(wrong, 'TIDINGS_ARGUMENT_INVALID', 'a limit that is none')
}

async function sweep({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const timers = [100, 100, 100, 200, 200].map((dueAt) => sampleTimer(ids, { dueAt }))
  await set(store, ...timers)
  const [waits, gone, called, later, stays] = timers as [
    TimerRecord,
    TimerRecord,
    TimerRecord,
    TimerRecord,
    TimerRecord,
  ]
  await fire(store, gone)
  await cancel(store, called)
  await fire(store, later)
  assert.equal(await store.timers.sweep(100), 0, 'due before, not at')
  assert.equal(await store.timers.sweep(200), 2)
  assert.deepEqual(
    timerIds(await store.timers.list()).sort(),
    timerIds([waits, later, stays]).sort(),
    'one that waits is kept, however late it is',
  )
  const more = [1, 1, 1, 1].map((dueAt) => sampleTimer(ids, { dueAt }))
  await set(store, ...more)
  for (const timer of more.slice(1)) await cancel(store, timer)
  for (const count of [2, 1, 0]) assert.equal(await store.timers.sweep(100, 2), count, 'in parts')
  await refusal(store.timers.sweep(100, 0.5), 'TIDINGS_ARGUMENT_INVALID', 'a limit that is none')
}

/** Commands that are sent at a time. */
export const timingScenarios: readonly Scenario[] = [
  scenario('T01', 'a timer is set once, whole', setOnce),
  scenario('T02', 'those that are due are found, the earliest first', findDue),
  scenario('T03', 'a timer fires or is cancelled, once', endOnce),
  scenario('T04', 'a transaction sees its own timers, and a rollback gives them back', seeOwn),
  scenario('T05', 'of a firing and a cancelling at once, over two instances, one wins', race, {
    needs: ['shared'],
  }),
  scenario('T06', 'timers are listed by their time, page by page', list),
  scenario('T07', 'only what has ended, and was due before a time, is forgotten', sweep),
]
