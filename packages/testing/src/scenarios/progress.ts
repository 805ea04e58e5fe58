import assert from 'node:assert/strict'
import type { Store } from 'tidings'
import { refusal, rejection, scenario } from './expectations.ts'
import { claimAs, fenced, fenceOf, markOf, step, SUBSCRIPTION } from './sample-delivery.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

async function aheadOf(store: Store, token: number): Promise<readonly number[]> {
  const { ahead } = await claimAs(store, token)
  const counted = await store.subscriptions.countAhead(SUBSCRIPTION)
  assert.equal(counted, ahead.length, 'counted without a claim')
  return ahead
}

async function moveMark({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const { record } = await claimAs(store, 1, { startAt: 4 })
  const fence = fenceOf(record)
  assert.equal(await markOf(store), 4, 'it begins where it was told to')
  await step(store, fence, { mark: { from: 4, to: 9 } })
  assert.equal(await markOf(store), 9)
  await step(store, fence, { mark: { from: 9, to: 9 } })
  for (const from of [0, 4, 8, 10]) {
    const wrong = step(store, fence, { mark: { from, to: 20 } })
    await fenced(wrong, fence, `a step from ${from} while the mark is at 9`)
  }
  const back = step(store, fence, { mark: { from: 9, to: 5 } })
  await refusal(back, 'TIDINGS_ARGUMENT_INVALID', 'a step that leads back')
  assert.equal(await markOf(store), 9, 'what was refused has moved nothing')
  await step(store, fence, { mark: { from: 9, to: 1_000_000 } })
  assert.equal(await markOf(store), 1_000_000)
}

async function moveTwice({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const fence = fenceOf((await claimAs(store, 1)).record)
  await store.transaction(async (tx) => {
    await tx.progress({ ...fence, mark: { from: 0, to: 3 } })
    await tx.progress({ ...fence, ahead: [5] })
    await tx.progress({ ...fence, mark: { from: 3, to: 4 }, ahead: [7, 8] })
    await tx.progress(fence)
    assert.equal(await markOf(store), 0, 'nobody sees it before the commit')
  })
  assert.equal(await markOf(store), 4)
  assert.deepEqual(await aheadOf(store, 2), [5, 7, 8])
  const again = store.transaction(async (tx) => {
    await tx.progress({ ...fence, token: 2, mark: { from: 4, to: 5 } })
    await tx.progress({ ...fence, token: 2, mark: { from: 4, to: 6 } })
  })
  await fenced(again, { ...fence, token: 2 }, 'the same step twice in a transaction')
  assert.equal(await markOf(store), 4, 'the first of the two is gone with it')
}

async function runAhead({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const fence = (token: number) => ({ subscription: SUBSCRIPTION, generation: 1, token })
  await claimAs(store, 1)
  await step(store, fence(1), { ahead: [12, 3, 5] })
  await fenced(step(store, fence(1), { ahead: [4, 5] }), fence(1), 'what is done is not done again')
  await step(store, fence(1), { ahead: [4] })
  assert.equal(await markOf(store), 0, 'the mark stays')
  assert.deepEqual(await aheadOf(store, 2), [3, 4, 5, 12], 'rising, each once')
  await step(store, fence(2), { mark: { from: 0, to: 4 } })
  assert.deepEqual(await aheadOf(store, 3), [5, 12], 'up to the mark they are forgotten')
  await step(store, fence(3), { mark: { from: 4, to: 6 }, ahead: [6, 9] })
  assert.deepEqual(await aheadOf(store, 4), [9, 12], 'none at or before the mark')
  for (const done of [1, 6]) {
    const wrong = step(store, fence(4), { ahead: [15, done] })
    await fenced(wrong, fence(4), 'what the mark has passed is not done again')
  }
  const back = step(store, fence(4), { mark: { from: 6, to: 7 }, ahead: [6] })
  await fenced(back, fence(4), 'not with a step either')
  assert.deepEqual(await aheadOf(store, 5), [9, 12], 'what was refused has left nothing')
  await step(store, fence(5), { ahead: [] })
  await step(store, fence(5), { mark: { from: 6, to: 12 } })
  assert.deepEqual(await aheadOf(store, 6), [])
}

const WINDOW = 10_000

async function runFarAhead({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const fence = fenceOf((await claimAs(store, 1)).record)
  const wanted = Array.from({ length: WINDOW }, (_, n) => n + 2)
  for (let from = 0; from < WINDOW; from += 500) {
    await step(store, fence, { ahead: wanted.slice(from, from + 500) })
  }
  assert.deepEqual(await aheadOf(store, 2), wanted, 'all of a full window')
  await step(store, { ...fence, token: 2 }, { mark: { from: 0, to: WINDOW + 1 } })
  assert.deepEqual(await aheadOf(store, 3), [])
}

async function countAttempts({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const fence = fenceOf((await claimAs(store, 1)).record)
  const { subscriptions } = store
  assert.equal(await subscriptions.begin(fence, 3), 1)
  assert.equal(await subscriptions.begin(fence, 3), 2, 'this one included')
  assert.equal(await subscriptions.begin(fence, 8), 1, 'each event by itself')
  assert.equal(await subscriptions.begin(fence, 5), 1)
  const { begun } = await claimAs(store, 2)
  assert.deepEqual(
    [...begun].sort(([a], [b]) => a - b),
    [
      [3, 2],
      [5, 1],
      [8, 1],
    ],
  )
  const next = { ...fence, token: 2 }
  assert.equal(await subscriptions.begin(next, 3), 3, 'over owners')
  await step(store, next, { ahead: [5] })
  const second = await claimAs(store, 3)
  assert.deepEqual(new Set(second.begun.keys()), new Set([3, 8]), 'what is done is not begun')
  await step(store, { ...fence, token: 3 }, { mark: { from: 0, to: 7 } })
  const third = await claimAs(store, 4)
  assert.deepEqual([...third.begun], [[8, 1]], 'up to the mark they are forgotten')
  assert.deepEqual(third.ahead, [])
}

async function resetGeneration({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const fence = fenceOf((await claimAs(store, 1, { startAt: 2 })).record)
  await step(store, fence, { mark: { from: 2, to: 9 }, ahead: [11] })
  await store.subscriptions.begin(fence, 12)
  await store.subscriptions.setPaused(fence, true)
  const record = await store.subscriptions.reset(fence, 4)
  assert.deepEqual(
    { generation: record.generation, position: record.position, token: record.token },
    { generation: 2, position: 4, token: 1 },
  )
  assert.equal(record.paused, true, 'a pause is not ended by it')
  assert.deepEqual(await store.subscriptions.find(SUBSCRIPTION), record, 'it is what was returned')
  await fenced(step(store, fence, { mark: { from: 4, to: 5 } }), fence, 'the earlier generation')
  await fenced(store.subscriptions.begin(fence, 12), fence, 'an attempt in the earlier generation')
  const second = fenceOf(record)
  assert.equal(await store.subscriptions.begin(second, 12), 1, 'attempts are counted anew')
  await step(store, second, { mark: { from: 4, to: 5 }, ahead: [9] })
  const claimed = await claimAs(store, 2)
  assert.equal(claimed.record.generation, 2)
  assert.deepEqual(claimed.ahead, [9], 'rows of its own')
  assert.deepEqual([...claimed.begun], [[12, 1]])
}

async function sayWhat({ open, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const { subscriptions } = store
  assert.equal(await subscriptions.find(SUBSCRIPTION), undefined)
  assert.deepEqual(await subscriptions.list(), [])
  const before = new Date(clock.now()).toISOString()
  const { record } = await claimAs(store, 1)
  assert.equal(record.state, 'starting')
  assert.equal(record.reason, '')
  assert.equal(record.paused, false)
  assert.equal(record.owner, 'owner-1')
  assert.ok(record.stateSince >= before && record.stateSince <= new Date(clock.now()).toISOString())
  clock.shift(3_600_000)
  const fence = fenceOf(record)
  await subscriptions.describe(fence, { state: 'outage', reason: 'no key succeeds: 连接' })
  await subscriptions.setPaused(fence, true)
  const told = await subscriptions.find(SUBSCRIPTION)
  assert.equal(told?.state, 'outage')
  assert.equal(told?.reason, 'no key succeeds: 连接')
  assert.equal(told?.paused, true)
  assert.ok(Date.parse(told.stateSince) - Date.parse(before) >= 3_600_000, 'since it was said')
  const after = (await claimAs(store, 2)).record
  assert.equal(after.paused, true, 'a pause holds for the next owner too')
  assert.equal(after.state, 'outage', 'until the next owner says otherwise')
  await subscriptions.setPaused(fenceOf(after), false)
  assert.equal((await subscriptions.find(SUBSCRIPTION))?.paused, false)
}

async function keepApart({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const names = ['z', 'a', 'Z', 'ä', 'a b', "it's", '�', '🚀']
  for (const [index, name] of names.entries()) await claimAs(store, 1, { name, startAt: index })
  const fence = { subscription: 'a', generation: 1, token: 1 }
  await step(store, fence, { mark: { from: 1, to: 7 }, ahead: [9] })
  await store.subscriptions.begin(fence, 11)
  const listed = await store.subscriptions.list()
  assert.deepEqual(
    listed.map(({ name }) => name),
    ["it's", 'Z', 'a', 'a b', 'z', 'ä', '�', '🚀'].sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    ),
    'in order of name, by code points',
  )
  for (const [index, name] of names.entries()) {
    assert.equal(await markOf(store, name), name === 'a' ? 7 : index, `the mark of '${name}'`)
    const { ahead, begun } = await claimAs(store, 2, { name })
    assert.deepEqual(ahead, name === 'a' ? [9] : [])
    assert.equal(begun.size, name === 'a' ? 1 : 0)
  }
}

async function rollBackStep({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const fence = fenceOf((await claimAs(store, 1)).record)
  await step(store, fence, { ahead: [4, 6] })
  const reason = new Error('the handler failed')
  const failing = store.transaction(async (tx) => {
    await tx.progress({ ...fence, mark: { from: 0, to: 5 }, ahead: [8] })
    throw reason
  })
  assert.equal(await rejection(failing, 'a transaction whose work throws'), reason)
  assert.equal(await markOf(store), 0)
  assert.deepEqual(
    await aheadOf(store, 2),
    [4, 6],
    'what was swept is back, what was added is gone',
  )
  await step(store, { ...fence, token: 2 }, { mark: { from: 0, to: 4 } })
  assert.deepEqual(await aheadOf(store, 3), [6], 'and the next step sweeps it')
}

/** A step may be several statements: none of them comes after the rollback, and is committed by itself. */
async function abandonStep({ open }: StoreHarness): Promise<void> {
  const store = await open()
  const fence = fenceOf((await claimAs(store, 1)).record)
  for (let waited = 0; waited < 12; waited++) {
    let abandoned: Promise<unknown> = Promise.resolve()
    const failing = store.transaction(async (tx) => {
      await tx.progress(fence)
      // Refused, or done and rolled back: whichever, nobody waits for it.
      abandoned = Promise.allSettled([tx.progress({ ...fence, ahead: [5 + waited] })])
      for (let left = waited; left > 0; left--) await Promise.resolve()
      throw new Error('no')
    })
    await rejection(failing, 'a transaction that throws')
    await abandoned
  }
  assert.deepEqual(await aheadOf(store, 2), [], 'nothing of what was under way is there')
}

/** How far a subscription is. */
export const progressScenarios: readonly Scenario[] = [
  scenario('D01', 'a mark moves from its own value only, and never back', moveMark),
  scenario(
    'D02',
    'steps of one transaction follow each other, and are committed together',
    moveTwice,
  ),
  scenario('D03', 'what ran ahead is known until the mark passes it', runAhead),
  scenario('D04', 'a whole window may run ahead', runFarAhead),
  scenario('D05', 'attempts are counted before they are made, until they end', countAttempts),
  scenario('D06', 'a reset begins a generation with rows of its own', resetGeneration),
  scenario('D07', 'a subscription says what it does, and since when', sayWhat),
  scenario('D08', 'subscriptions do not touch each other', keepApart),
  scenario('D09', 'a rollback takes a step back, its sweeping included', rollBackStep),
  scenario('D10', 'a rollback takes back what is under way, in all its statements', abandonStep),
]
