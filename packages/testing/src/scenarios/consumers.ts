import assert from 'node:assert/strict'
import type { IdSource, Lease, Store, StoreTransaction } from 'tidings'
import { rejection, refusal, scenario } from './expectations.ts'
import {
  claimAs,
  fenceOf,
  minutesLater,
  sampleOperation,
  sampleParked,
  sampleTimer,
  SUBSCRIPTION,
} from './sample-delivery.ts'
import { appendOf, sampleEvent } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const fence = { subscription: SUBSCRIPTION, generation: 1, token: 1 }

/** All that a transaction can leave for consumers. */
async function leave(tx: StoreTransaction, left: ReturnType<typeof leftovers>): Promise<void> {
  await tx.append([appendOf('any', left.event)])
  await tx.progress({ ...fence, mark: { from: 0, to: 3 }, ahead: [5, 8] })
  await tx.park([left.parked])
  await tx.putOperations([left.operation])
  await tx.setTimers([left.timer, left.cancelled])
  await tx.cancelTimer(left.cancelled.timerId)
  await tx.once('mail', 'm1')
}

function leftovers(ids: IdSource) {
  return {
    event: sampleEvent(ids),
    parked: sampleParked(ids),
    operation: sampleOperation(ids),
    timer: sampleTimer(ids),
    cancelled: sampleTimer(ids),
  }
}

/** What everybody can see of it. */
async function look(store: Store, left: ReturnType<typeof leftovers>): Promise<unknown> {
  return {
    event: (await store.findEvent(left.event.envelope.eventId))?.eventId,
    record: await store.subscriptions.find(SUBSCRIPTION),
    leases: await store.leases.list(),
    parked: await store.parked.list({}),
    keys: await store.parked.keys(SUBSCRIPTION, 1),
    operations: await store.operations.list(),
    timers: await store.timers.list(),
    next: await store.timers.next(),
  }
}

async function commitTogether({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await claimAs(store, 1)
  const left = leftovers(ids)
  const before = await look(store, left)
  await store.transaction(async (tx) => {
    await leave(tx, left)
    assert.deepEqual(await look(store, left), before, 'nobody sees it before the commit')
  })
  assert.deepEqual(await look(store, left), {
    event: left.event.envelope.eventId,
    record: { ...(await store.subscriptions.find(SUBSCRIPTION)), position: 3 },
    leases: [],
    parked: [left.parked],
    keys: await store.parked.keys(SUBSCRIPTION, 1),
    operations: [left.operation],
    timers: [left.timer, { ...left.cancelled, state: 'cancelled' }].sort((a, b) =>
      a.timerId < b.timerId ? -1 : 1,
    ),
    next: left.timer.dueAt,
  })
  assert.deepEqual((await claimAs(store, 2)).ahead, [5, 8])
}

async function rollBackTogether({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await claimAs(store, 1)
  const left = leftovers(ids)
  const before = await look(store, left)
  const reason = new Error('the handler failed')
  const failing = store.transaction(async (tx) => {
    await leave(tx, left)
    throw reason
  })
  assert.equal(await rejection(failing, 'a transaction whose work throws'), reason)
  assert.deepEqual(await look(store, left), before, 'nothing is left')
  const conflicting = store.transaction(async (tx) => {
    await leave(tx, left)
    await tx.append([appendOf(9, sampleEvent(ids, { stream: 'Sample.Counter/2' }))])
  })
  await refusal(conflicting, 'TIDINGS_CONCURRENCY_CONFLICT', 'a conflict after all of it')
  assert.deepEqual(await look(store, left), before, 'nor after a conflict')
  await store.transaction((tx) => leave(tx, left))
  assert.notDeepEqual(await look(store, left), before, 'and all of it can be done again')
}

async function refuseNested({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const { record } = await claimAs(store, 1)
  const lease = (await store.leases.acquire('mail', 'a', 60_000)) as Lease
  const { subscriptions, leases, operations } = store
  const calls: [string, () => Promise<unknown>][] = [
    ['claim', () => claimAs(store, 2)],
    ['describe', () => subscriptions.describe(fence, { state: 'live', reason: '' })],
    ['begin', () => subscriptions.begin(fence, 1)],
    ['release', () => subscriptions.release(fence)],
    ['leases.acquire', () => leases.acquire('push', 'a', 1)],
    ['leases.renew', () => leases.renew(lease, 1)],
    ['leases.release', () => leases.release(lease)],
    ['parked.sweep', () => store.parked.sweep(minutesLater(0))],
    ['operations.request', () => operations.request(sampleOperation(ids))],
    ['operations.cancel', () => operations.cancel('o', 'ann', '')],
    ['operations.sweep', () => operations.sweep(minutesLater(0))],
    ['timers.sweep', () => store.timers.sweep(0)],
    ['inbox.sweep', () => store.inbox.sweep('mail', minutesLater(0))],
  ]
  await store.transaction(async (tx) => {
    await tx.progress(fenceOf(record))
    for (const [name, call] of calls) {
      await refusal(call(), 'TIDINGS_TRANSACTION_NESTED', `${name} inside a transaction`)
    }
  })
  assert.deepEqual(await subscriptions.find(SUBSCRIPTION), record)
  assert.deepEqual(await leases.list(), [lease])
}

async function refuseEnded({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await claimAs(store, 1)
  let ended: StoreTransaction | undefined
  await store.transaction(async (tx) => {
    ended = tx
    await tx.progress(fence)
  })
  const left = leftovers(ids)
  const late = ended as StoreTransaction
  const calls: (() => Promise<unknown>)[] = [
    () => late.progress({ ...fence, mark: { from: 0, to: 1 } }),
    () => late.park([left.parked]),
    () => late.putOperations([left.operation]),
    () => late.setTimers([left.timer]),
    () => late.cancelTimer('t'),
    () => late.fireTimer('t', { firedAt: minutesLater(0), lateMs: 0, failure: undefined }),
    () => late.once('mail', 'm1'),
  ]
  const before = await look(store, left)
  for (const call of calls) {
    await refusal(call(), 'TIDINGS_TRANSACTION_CLOSED', 'a call after the end of the transaction')
  }
  assert.deepEqual(await look(store, left), before)
}

async function refuseClosed({ open }: StoreHarness): Promise<void> {
  const store = await open()
  await claimAs(store, 1)
  await store.close()
  const calls: (() => Promise<unknown>)[] = [
    () => store.subscriptions.find(SUBSCRIPTION),
    () => store.subscriptions.list(),
    () => claimAs(store, 2),
    () => store.leases.acquire('mail', 'a', 1),
    () => store.leases.list(),
    () => store.parked.list({}),
    () => store.parked.count({}),
    () => store.parked.groups({}),
    () => store.parked.sweep(minutesLater(0)),
    () => store.operations.list(),
    () => store.operations.cancel('o', 'ann', ''),
    () => store.operations.sweep(minutesLater(0)),
    () => store.inbox.consumers(),
    () => store.timers.next(),
    () => store.timers.due(0, 1),
    () => store.timers.sweep(0),
    () => store.inbox.sweep('mail', minutesLater(0)),
  ]
  for (const call of calls) {
    await refusal(call(), 'TIDINGS_CLOSED', 'a call of a closed store')
  }
}

/** All of it on one store, so that another one can be compared with it. */
async function fill(store: Store, ids: IdSource): Promise<ReturnType<typeof leftovers>> {
  const left = leftovers(ids)
  await claimAs(store, 1)
  await store.transaction((tx) => leave(tx, left))
  await store.subscriptions.begin(fence, 9)
  await store.subscriptions.describe(fence, { state: 'paused', reason: 'asked for' })
  await store.leases.acquire('mail', 'a', 60_000)
  return left
}

async function assertSame(store: Store, seen: unknown, left: ReturnType<typeof leftovers>) {
  assert.deepEqual(await look(store, left), seen, 'to the last field')
  assert.equal(await store.transaction((tx) => tx.once('mail', 'm1')), false, 'seen before')
  assert.equal(await store.leases.acquire('mail', 'b', 60_000), undefined, 'held')
  const { ahead, begun, wasReleased } = await claimAs(store, 2)
  assert.deepEqual([ahead, [...begun], wasReleased], [[5, 8], [[9, 1]], false])
}

async function reopen({ open, ids }: StoreHarness): Promise<void> {
  const first = await open()
  const beside = await open()
  const left = await fill(first, ids)
  const seen = await look(first, left)
  assert.deepEqual(await look(beside, left), seen, 'another instance sees it')
  await beside.close()
  await first.close()
  await assertSame(await open(), seen, left)
}

async function restoreAll({ open, restore, ids }: StoreHarness): Promise<void> {
  const original = await open()
  const left = await fill(original, ids)
  const seen = await look(original, left)
  const copy = await (restore as () => Promise<Store>)()
  await original.transaction((tx) => tx.progress({ ...fence, mark: { from: 3, to: 4 } }))
  await assertSame(copy, seen, left)
}

/** What consumers leave behind, taken together. */
export const consumerScenarios: readonly Scenario[] = [
  scenario(
    'D30',
    'what a transaction leaves for consumers is committed with its events',
    commitTogether,
  ),
  scenario(
    'D31',
    'what a transaction leaves for consumers is rolled back with its events',
    rollBackTogether,
  ),
  scenario('D32', 'a call to the store inside its own transaction is refused', refuseNested),
  scenario('D33', 'a transaction that has ended leaves nothing more', refuseEnded),
  scenario('D34', 'a closed store refuses every call for consumers', refuseClosed),
  scenario('D35', 'a log that is opened again has it all', reopen, { needs: ['shared'] }),
  scenario('D36', 'a restored copy has it all', restoreAll, { needs: ['restore'] }),
]
