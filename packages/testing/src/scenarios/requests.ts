import assert from 'node:assert/strict'
import type { OperationRecord, OperationState, Store } from 'tidings'
import { refusal, rejection, scenario } from './expectations.ts'
import { minutesLater, sampleOperation } from './sample-delivery.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

function put(store: Store, ...operations: readonly OperationRecord[]): Promise<void> {
  return store.transaction((tx) => tx.putOperations(operations))
}

/** As a runtime would take it up. */
function running(operation: OperationRecord): OperationRecord {
  return { ...operation, state: 'running', startedAt: minutesLater(1), progress: { done: 3 } }
}

async function requestOnce({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const { operations } = store
  const operation = sampleOperation(ids, { request: { position: 4, why: '重置', nested: [null] } })
  await operations.request(operation)
  assert.deepEqual(await operations.find(operation.operationId), operation, 'to the last field')
  assert.equal(await operations.find('nobody'), undefined)
  await operations.request({ ...operation, reason: 'another one', requestedBy: 'bob' })
  assert.deepEqual(await operations.find(operation.operationId), operation, 'nothing has changed')
  await put(store, running(operation))
  await operations.request(operation)
  const found = await operations.find(operation.operationId)
  assert.equal(found?.state, 'running', 'a request that comes again does not begin it again')
  assert.equal((await operations.list()).length, 1)
}

async function carryOut({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const operation = sampleOperation(ids)
  await store.operations.request(operation)
  await put(store, { ...running(operation), reason: 'x', requestedBy: 'x', request: {} })
  assert.deepEqual(await store.operations.find(operation.operationId), running(operation))
  const done: OperationRecord = {
    ...running(operation),
    state: 'done',
    finishedAt: minutesLater(2),
    progress: { done: 8 },
    result: { resolved: 7, failed: ['p1'] },
  }
  await put(store, { ...running(operation), state: 'failed', error: 'x' }, done)
  assert.deepEqual(await store.operations.find(operation.operationId), done, 'the last word counts')
  const failed = sampleOperation(ids, { kind: 'reset' })
  await store.operations.request(failed)
  await put(store, { ...running(failed), state: 'failed', error: 'no such position: 9' })
  const found = await store.operations.find(failed.operationId)
  assert.equal(found?.error, 'no such position: 9')
  const reason = new Error('the runtime stops')
  const abandoned = store.transaction(async (tx) => {
    await tx.putOperations([operation])
    throw reason
  })
  assert.equal(await rejection(abandoned, 'a transaction whose work throws'), reason)
  assert.deepEqual(await store.operations.find(operation.operationId), done)
}

async function cancelRequested({ open, ids, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const operation = sampleOperation(ids)
  await store.operations.request(operation)
  const before = new Date(clock.now()).toISOString()
  const cancelled = await store.operations.cancel(operation.operationId, 'bob', 'not now')
  assert.ok((cancelled?.finishedAt ?? '') >= before)
  assert.deepEqual(cancelled, {
    ...operation,
    state: 'cancelled',
    finishedAt: cancelled?.finishedAt,
    cancelledBy: 'bob',
    cancelReason: 'not now',
  })
  assert.deepEqual(await store.operations.find(operation.operationId), cancelled)
  const again = await store.operations.cancel(operation.operationId, 'cy', 'me too')
  assert.deepEqual(again, cancelled, 'the first wish counts')
  assert.equal(await store.operations.cancel('nobody', 'bob', ''), undefined)
}

async function cancelRunning({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const operation = sampleOperation(ids)
  await store.operations.request(operation)
  await put(store, running(operation))
  const wished = await store.operations.cancel(operation.operationId, 'bob', 'enough')
  assert.deepEqual(wished, {
    ...running(operation),
    cancelledBy: 'bob',
    cancelReason: 'enough',
  })
  const again = await store.operations.cancel(operation.operationId, 'cy', 'me too')
  assert.deepEqual(again, wished, 'the first wish counts')
  const further = { ...running(operation), progress: { done: 4 } }
  await put(store, further)
  const found = await store.operations.find(operation.operationId)
  assert.equal(found?.cancelledBy, 'bob', 'whoever carries it out does not take the wish away')
  assert.equal(found?.cancelReason, 'enough')
  assert.deepEqual(found?.progress, { done: 4 })
  await put(store, { ...further, state: 'cancelled', finishedAt: minutesLater(4) })
  const ended = await store.operations.find(operation.operationId)
  assert.equal(ended?.state, 'cancelled')
  assert.equal(ended?.cancelledBy, 'bob')
  for (const state of ['done', 'failed'] as const) {
    const other = sampleOperation(ids)
    await store.operations.request(other)
    await put(store, { ...running(other), state, finishedAt: minutesLater(2) })
    const late = await store.operations.cancel(other.operationId, 'bob', 'too late')
    assert.equal(late?.state, state, 'one that has ended stays as it is')
    assert.equal(late?.cancelledBy, undefined)
  }
}

async function list({ open, ids, random }: StoreHarness): Promise<void> {
  const store = await open()
  const states: OperationState[] = ['requested', 'running', 'done', 'failed', 'cancelled']
  const operations = Array.from({ length: 20 }, (_, n) =>
    sampleOperation(ids, {
      subscription: n % 3 === 0 ? 'mail' : 'push',
      state: states[n % 5] as OperationState,
    }),
  )
  for (const operation of random.shuffle(operations)) await store.operations.request(operation)
  const inOrder = operations.map(({ operationId }) => operationId).sort()
  const idsBy = (wanted: (operation: OperationRecord) => boolean): string[] =>
    operations
      .filter(wanted)
      .map(({ operationId }) => operationId)
      .sort()
  const listed = async (...args: Parameters<Store['operations']['list']>): Promise<string[]> =>
    (await store.operations.list(...args)).map(({ operationId }) => operationId)
  assert.deepEqual(await listed(), inOrder, 'in order of request')
  const open_: OperationState[] = ['running', 'requested']
  const isOpen = ({ state }: OperationRecord): boolean => open_.includes(state)
  const ofMail = ({ subscription }: OperationRecord): boolean => subscription === 'mail'
  assert.deepEqual(await listed({ states: open_ }), idsBy(isOpen))
  assert.deepEqual(await listed({ subscription: 'mail' }), idsBy(ofMail))
  assert.deepEqual(
    await listed({ subscription: 'mail', states: open_ }),
    idsBy((operation) => isOpen(operation) && ofMail(operation)),
  )
  assert.deepEqual(await listed({ states: [] }), [])
  for (const limit of [1, 7, 20, 21]) {
    const seen: string[] = []
    for (let page = await listed({}, { limit }); page.length > 0;) {
      seen.push(...page)
      assert.ok(seen.length <= inOrder.length, 'none comes twice')
      page = await listed({}, { limit, after: seen.at(-1) })
    }
    assert.deepEqual(seen, inOrder, `in pages of ${limit}`)
  }
  const wrong = store.operations.list({}, { limit: -1 })
  await refusal(wrong, 'TIDINGS_ARGUMENT_INVALID', 'a limit that is none')
}

async function sweep({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const { operations } = store
  const ended = (state: OperationState, minutes: number): OperationRecord =>
    sampleOperation(ids, { state, finishedAt: minutesLater(minutes) })
  const kept = [
    sampleOperation(ids),
    sampleOperation(ids, { state: 'running', startedAt: minutesLater(1) }),
    ended('done', 5),
  ]
  const old = [ended('done', 2), ended('failed', 3), ended('cancelled', 4)]
  for (const operation of [...old, ...kept]) await operations.request(operation)
  assert.equal(await operations.sweep(minutesLater(2)), 0, 'ended before, not at')
  for (const count of [2, 1, 0]) assert.equal(await operations.sweep(minutesLater(5), 2), count)
  const left = (await operations.list()).map(({ operationId }) => operationId)
  assert.deepEqual(left, kept.map(({ operationId }) => operationId).sort(), 'the others stay')
  await refusal(operations.sweep('now'), 'TIDINGS_ARGUMENT_INVALID', 'a time that is none')
  const wrong = operations.sweep(minutesLater(0), -1)
  await refusal(wrong, 'TIDINGS_ARGUMENT_INVALID', 'a limit that is none')
}

/** What somebody asked of a subscription. */
export const requestScenarios: readonly Scenario[] = [
  scenario('F30', 'a request is stored once, whole', requestOnce),
  scenario('F31', 'whoever carries it out writes how it goes, and not who asked for it', carryOut),
  scenario('F32', 'what nobody has begun is cancelled at once', cancelRequested),
  scenario('F33', 'what is under way is told of the wish that it ends', cancelRunning),
  scenario('F34', 'requests are listed in their order, page by page', list),
  scenario('F35', 'only what has ended before a time is forgotten', sweep),
]
