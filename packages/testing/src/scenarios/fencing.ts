import assert from 'node:assert/strict'
import type { Fence, SqlTransaction, Store } from 'tidings'
import { gate, logIds, refusal, rejection, scenario, turns } from './expectations.ts'
import {
  claimAs,
  fenced,
  fenceOf,
  markOf,
  sampleOperation,
  sampleParked,
  sampleTimer,
  step,
  SUBSCRIPTION,
} from './sample-delivery.ts'
import { appendOf, sampleEvent } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

async function claimRising({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const first = await claimAs(store, 5, { startAt: 3 })
  assert.equal(first.wasReleased, true, 'one that nobody ever had has nothing in flight')
  assert.equal(first.record.generation, 1)
  for (const token of [5, 4, 1]) {
    const fence = { ...fenceOf(first.record), token }
    await fenced(claimAs(store, token), fence, `a claim with token ${token} after 5`)
  }
  assert.deepEqual(await store.subscriptions.find(SUBSCRIPTION), first.record)
  const second = await claimAs(store, 9, { startAt: 100 })
  assert.equal(second.record.position, 3, 'only what was never there begins where it is told')
  assert.equal(second.record.owner, 'owner-9')
  assert.equal(second.record.token, 9)
  assert.deepEqual(await store.subscriptions.find(SUBSCRIPTION), second.record)
}

async function letGo({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const { record } = await claimAs(store, 1)
  assert.equal(record.released, false)
  await store.subscriptions.release(fenceOf(record))
  const released = await store.subscriptions.find(SUBSCRIPTION)
  assert.equal(released?.released, true)
  assert.equal(released?.owner, 'owner-1', 'who held it last')
  const second = await claimAs(store, 2)
  assert.equal(second.wasReleased, true)
  assert.equal(second.record.released, false)
  const third = await claimAs(store, 3)
  assert.equal(third.wasReleased, false, 'the second owner did not let go')
  await fenced(
    store.subscriptions.release(fenceOf(second.record)),
    fenceOf(second.record),
    'a release by an owner that has lost it',
  )
  assert.equal((await claimAs(store, 4)).wasReleased, false, 'and it has released nothing')
}

/** What somebody tries who no longer owns the subscription, or never did. */
function attempts(store: Store, fence: Fence): [string, () => Promise<unknown>][] {
  const { subscriptions } = store
  return [
    ['describe', () => subscriptions.describe(fence, { state: 'failed', reason: 'x' })],
    ['setPaused', () => subscriptions.setPaused(fence, true)],
    ['reset', () => subscriptions.reset(fence, 0)],
    ['begin', () => subscriptions.begin(fence, 9)],
    ['release', () => subscriptions.release(fence)],
    ['a step', () => step(store, fence, { mark: { from: 2, to: 3 } })],
    ['a step ahead', () => step(store, fence, { ahead: [7] })],
    ['a check', () => step(store, fence)],
  ]
}

async function refuseStale({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const stale = fenceOf((await claimAs(store, 1, { startAt: 2 })).record)
  const { record } = await claimAs(store, 2)
  const others: [string, Fence][] = [
    ['the earlier token', stale],
    ['a later token', { ...stale, token: 3 }],
    ['an earlier generation', { ...stale, token: 2, generation: 0 }],
    ['a later generation', { ...stale, token: 2, generation: 2 }],
    ['an unknown subscription', { ...stale, token: 2, subscription: 'nobody' }],
  ]
  for (const [who, fence] of others) {
    for (const [what, attempt] of attempts(store, fence)) {
      await fenced(attempt(), fence, `${what} under ${who}`)
    }
  }
  assert.deepEqual(await store.subscriptions.find(SUBSCRIPTION), record, 'nothing has changed')
  assert.equal(await store.subscriptions.find('nobody'), undefined)
  const claimed = await claimAs(store, 4)
  assert.deepEqual([claimed.ahead, [...claimed.begun]], [[], []])
}

async function rollBackStale({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const stale = fenceOf((await claimAs(store, 1)).record)
  await claimAs(store, 2)
  const [parked, operation, timer] = [sampleParked(ids), sampleOperation(ids), sampleTimer(ids)]
  for (const last of [true, false]) {
    const change = { ...stale, mark: { from: 0, to: 1 } }
    const work = store.transaction(async (tx) => {
      if (!last) await tx.progress(change)
      await tx.append([appendOf('any', sampleEvent(ids))])
      await tx.park([parked])
      await tx.putOperations([operation])
      await tx.setTimers([timer])
      await tx.once('mail', 'm1')
      await tx.progress(change)
    })
    await fenced(work, stale, 'the transaction of an owner that has lost it')
  }
  const swallowed = store.transaction(async (tx) => {
    await tx.append([appendOf('any', sampleEvent(ids))])
    await rejection(tx.progress(stale), 'a check under a fence that is void')
  })
  await rejection(swallowed, 'a transaction that swallows it')
  assert.deepEqual(await logIds(store), [], 'no event')
  assert.equal(await markOf(store), 0)
  assert.equal(await store.parked.find(parked.parkedId), undefined)
  assert.equal(await store.operations.find(operation.operationId), undefined)
  assert.equal(await store.timers.find(timer.timerId), undefined)
  assert.equal(await store.transaction((tx) => tx.once('mail', 'm1')), true)
}

async function rollBackRows({ open, ids }: StoreHarness): Promise<void> {
  const store = (await open()) as Store<SqlTransaction>
  const stale = fenceOf((await claimAs(store, 1)).record)
  await store.transaction((tx) => tx.sql`create table sample_rows (name text)`)
  await claimAs(store, 2)
  const work = store.transaction(async (tx) => {
    await tx.sql`insert into sample_rows values ('stale')`
    await tx.append([appendOf('any', sampleEvent(ids))])
    await tx.progress({ ...stale, mark: { from: 0, to: 1 } })
  })
  await fenced(work, stale, 'own rows of an owner that has lost it')
  await store.transaction(async (tx) => {
    await tx.sql`insert into sample_rows values ('kept')`
    await tx.progress({ ...stale, token: 2, mark: { from: 0, to: 1 } })
  })
  const rows = await store.transaction(
    (tx) => tx.sql<{ name: string }>`select name from sample_rows`,
  )
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['kept'],
  )
  assert.deepEqual(await logIds(store), [])
}

/** Who was let through commits first; the successor goes on from there. */
async function claimAfterCommit(
  first: Store,
  second: Store,
  ids: StoreHarness['ids'],
): Promise<void> {
  const fence = fenceOf((await claimAs(first, 1)).record)
  const go = gate()
  const event = sampleEvent(ids)
  const passed = gate()
  const working = first.transaction(async (tx) => {
    await tx.progress({ ...fence, mark: { from: 0, to: 1 } })
    passed.open()
    await go.passed
    await tx.append([appendOf('any', event)])
  })
  await passed.passed
  const claiming = claimAs(second, 2)
  await turns()
  go.open()
  await working
  const { record } = await claiming
  assert.equal(record.position, 1, 'the claim sees what was committed under the fence before it')
  assert.deepEqual(await logIds(second), [event.envelope.eventId])
  await fenced(step(first, fence, { mark: { from: 1, to: 2 } }), fence, 'the next step')
}

/** A process that was paused in the middle of its work, and wakes up as if nothing had been. */
async function wakeUp({ open, ids }: StoreHarness): Promise<void> {
  const paused = await open()
  const successor = await open()
  const stale = fenceOf((await claimAs(paused, 1)).record)
  const go = gate()
  const work = paused.transaction(async (tx) => {
    await go.passed
    await tx.append([appendOf('any', sampleEvent(ids))])
    await tx.progress({ ...stale, mark: { from: 0, to: 1 } })
  })
  const { record } = await claimAs(successor, 2)
  const event = sampleEvent(ids)
  await successor.transaction(async (tx) => {
    await tx.append([appendOf('any', event)])
    await tx.progress({ ...fenceOf(record), mark: { from: 0, to: 1 } })
  })
  go.open()
  await fenced(work, stale, 'the work of the process that was paused')
  assert.deepEqual(await logIds(paused), [event.envelope.eventId], 'the effect is there once')
}

async function contestClaim({ open }: StoreHarness): Promise<void> {
  const stores = [await open(), await open()]
  const claims = Array.from({ length: 10 }, (_, n) => claimAs(stores[n % 2] as Store, 7))
  const answers = await Promise.allSettled(claims)
  const lost = answers.filter((answer) => answer.status === 'rejected')
  assert.equal(lost.length, 9, 'one of those with the same token has it')
  for (const { reason } of lost) {
    await refusal(Promise.reject(reason as Error), 'TIDINGS_FENCED', 'a claim that came later')
  }
}

/** Who owns a subscription, and what becomes of those who did. */
export const fencingScenarios: readonly Scenario[] = [
  scenario('H01', 'a claim needs a higher token than any before it', claimRising),
  scenario('H02', 'a successor learns whether the owner before let go in good order', letGo),
  scenario('H03', 'under a fence that is void nothing is written', refuseStale),
  scenario('H04', 'a transaction under a fence that is void is rolled back whole', rollBackStale),
  scenario('H05', 'own rows under a fence that is void are rolled back', rollBackRows, {
    needs: ['sql'],
  }),
  scenario(
    'H06',
    'a claim waits for what was let through, and goes on from there',
    async (harness) => {
      const store = await harness.open()
      await claimAfterCommit(store, store, harness.ids)
    },
  ),
  scenario(
    'H07',
    'a claim by another instance does too',
    async ({ open, ids }) => claimAfterCommit(await open(), await open(), ids),
    { needs: ['shared'] },
  ),
  scenario('H08', 'an instance that wakes up after another took over writes nothing', wakeUp, {
    needs: ['shared'],
  }),
  scenario('H09', 'of many claims with one token, over two instances, one succeeds', contestClaim, {
    needs: ['shared'],
  }),
]
