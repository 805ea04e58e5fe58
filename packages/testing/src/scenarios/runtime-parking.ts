import assert from 'node:assert/strict'
import { refusal, scenario } from './expectations.ts'
import { openFailing } from './failing.ts'
import {
  carryOut,
  NAME,
  names,
  ofKey,
  openRuntime,
  parkedOf,
  range,
  recorder,
  stateOf,
  type Order,
} from './runtime-kit.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

async function followers(harness: StoreHarness): Promise<void> {
  const { runtime, seen, start, parked } = await openFailing(harness, 'a:1')
  const process = await start()
  for (const n of range(1, 3)) for (const key of ['a', 'b']) await runtime.place(key, n)
  await process.caughtUp()
  assert.deepEqual(await runtime.effects(), names('b', 1, 3), 'other keys go on')
  assert.deepEqual(ofKey(seen, 'a'), ['a:1'], 'no follower is tried')
  assert.deepEqual(await parked(), ['a:1 failed', 'a:2 behind', 'a:3 behind'])
  await runtime.place('a', 4)
  await process.caughtUp()
  assert.equal((await parked()).at(-1), 'a:4 behind', 'also what comes later')
}

async function survivesRestart(harness: StoreHarness): Promise<void> {
  const { runtime, seen, start, parked, broken } = await openFailing(harness, 'a:1')
  const first = await start()
  await runtime.place('a', 1, 2)
  await first.caughtUp()
  await first.close()
  const second = await start()
  await runtime.place('a', 3)
  await second.caughtUp()
  assert.deepEqual(ofKey(seen, 'a'), ['a:1'], 'a new owner knows what is parked')
  assert.deepEqual(await parked(), ['a:1 failed', 'a:2 behind', 'a:3 behind'])
  second.die()
  const third = await start()
  await runtime.place('a', 4)
  await third.caughtUp()
  assert.equal((await parked()).length, 4, 'and so does that of a process that died')
  broken.clear()
  await carryOut(runtime, third, { kind: 'redrive' })
  await runtime.until(async () => (await runtime.effects()).length === 4, 'all of the key')
  assert.deepEqual(await runtime.effects(), names('a', 1, 4))
}

async function full(harness: StoreHarness): Promise<void> {
  const { runtime, start, parked, broken } = await openFailing(harness, 'a:1')
  const process = await start({ maxParkedOfKey: 3 })
  await runtime.place('a', ...range(1, 5))
  await runtime.until(() => stateOf(process) === 'paused', 'that it pauses at its bound')
  assert.equal((await parked()).length, 3)
  const { reason } = await process.app.admin.subscription(NAME)
  assert.match(reason, /3 events of key 'a'/, 'and says why')
  await runtime.place('b', 1)
  await runtime.clock.advance(5000)
  assert.deepEqual(await runtime.effects(), [], 'nothing more begins')
  broken.clear()
  await carryOut(runtime, process, { kind: 'redrive' })
  await carryOut(runtime, process, { kind: 'resume' })
  await process.caughtUp()
  const effects = await runtime.effects()
  assert.deepEqual(ofKey(effects, 'a'), names('a', 1, 5), 'with room again all go on, in order')
  assert.deepEqual(ofKey(effects, 'b'), ['b:1'])
}

async function unreadable(harness: StoreHarness): Promise<void> {
  const { runtime, start, parked, placeUnreadable } = await openFailing(harness)
  const process = await start()
  await placeUnreadable('a')
  await runtime.place('a', 2)
  await runtime.place('b', 1)
  await process.caughtUp()
  assert.deepEqual(await runtime.effects(), ['b:1'], 'other keys go on')
  assert.deepEqual(await parked(), ['a:undefined unreadable', 'a:2 behind'])
  const [letter] = await parkedOf(runtime.store)
  const edits = { [letter!.parkedId]: { key: 'a', n: 1 } }
  await carryOut(runtime, process, { kind: 'redrive', edits })
  await runtime.until(async () => (await runtime.effects()).length === 3, 'the mended one')
  assert.deepEqual(ofKey(await runtime.effects(), 'a'), ['a:1', 'a:2'], 'first, then its follower')
}

async function discards(harness: StoreHarness): Promise<void> {
  const { runtime, seen, start, parked } = await openFailing(harness, 'a:1')
  const process = await start()
  await runtime.place('a', 1, 2, 3)
  await process.caughtUp()
  const [letter] = await parkedOf(runtime.store)
  const filter = { ids: [letter!.parkedId] }
  const { admin } = process.app
  const unreasoned = admin.request({
    kind: 'discard',
    subscription: NAME,
    by: 'ann',
    reason: ' ',
    filter,
  })
  await refusal(unreasoned, 'TIDINGS_ARGUMENT_INVALID', 'a discard without a reason')
  assert.equal((await parked()).length, 3)
  await carryOut(runtime, process, { kind: 'discard', filter, reason: 'a test order' })
  await runtime.until(async () => (await runtime.effects()).length === 2, 'its followers')
  assert.deepEqual(await runtime.effects(), ['a:2', 'a:3'], 'in order')
  assert.deepEqual(ofKey(seen, 'a'), names('a', 1, 3), 'and it itself is not tried again')
  const discarded = await runtime.store.parked.find(letter!.parkedId)
  assert.equal(discarded?.state, 'discarded', 'it stays to be looked at')
  const last = discarded?.history.at(-1)
  assert.deepEqual([last?.what, last?.by, last?.reason], ['discarded', 'ann', 'a test order'])
}

async function groups(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const before = ({ payload: { key, n } }: Order): void => {
    if (key === 'c') throw new RangeError(`No ${n}`)
    if (key !== 'd') throw new TypeError(`Not ${n}`)
  }
  const process = await runtime.start({ parts: [recorder({ before })] })
  for (const key of ['a', 'b', 'c', 'd']) await runtime.place(key, key.charCodeAt(0))
  await process.caughtUp()
  const found = await process.app.admin.parked.groups({ subscription: NAME })
  assert.deepEqual(
    found.map(({ count, error }) => `${count} ${error.name}`),
    ['2 TypeError', '1 RangeError'],
    'the same error at the same place is one group, whatever its message says of the event',
  )
}

async function resets(harness: StoreHarness): Promise<void> {
  const { runtime, start, broken } = await openFailing(harness, 'a:2')
  const process = await start()
  await runtime.place('a', 1, 2, 3)
  await process.caughtUp()
  broken.clear()
  await carryOut(runtime, process, { kind: 'reset', to: 'beginning' })
  await runtime.until(async () => (await runtime.effects()).length === 4, 'the new generation')
  assert.deepEqual(await runtime.effects(), ['a:1', ...names('a', 1, 3)], 'all of it, once more')
  const generations = (await parkedOf(runtime.store)).map(({ generation }) => generation)
  assert.deepEqual(generations, [1, 1], 'what was parked is history')
  const redrive = process.app.admin.request({ kind: 'redrive', subscription: NAME, by: 'ann' })
  await refusal(redrive, 'TIDINGS_NOTHING_PARKED', 'a redrive of history')
  await process.close()
  const next = await start()
  await next.caughtUp()
  assert.equal((await runtime.effects()).length, 4, 'and a restart goes on from there')
}

async function pauses(harness: StoreHarness): Promise<void> {
  const { runtime, start, seen } = await openFailing(harness)
  const first = await start()
  await runtime.place('a', 1)
  await first.caughtUp()
  await carryOut(runtime, first, { kind: 'pause' })
  await runtime.place('a', 2)
  await runtime.clock.advance(5000)
  assert.equal(stateOf(first), 'paused')
  await first.close()
  const second = await start()
  await runtime.until(() => stateOf(second) === 'paused', 'that the next owner keeps to it')
  await runtime.clock.advance(5000)
  assert.deepEqual(seen, ['a:1'])
  await carryOut(runtime, second, { kind: 'resume' })
  await second.caughtUp()
  assert.deepEqual(await runtime.effects(), ['a:1', 'a:2'])
}

async function restarts(harness: StoreHarness): Promise<void> {
  const { runtime, start, broken, seen } = await openFailing(harness, 'a:1')
  const later = { attempts: 1, later: ['1m'] } as const
  const first = await start({ retry: later })
  await runtime.place('a', 1, 2)
  await first.caughtUp()
  broken.clear()
  first.die()
  const second = await start({ retry: later })
  await second.caughtUp()
  const startMs = runtime.clock.now()
  await runtime.until(async () => (await runtime.effects()).length === 2, 'the later attempt')
  assert.ok(runtime.clock.now() - startMs > 50_000, 'when it is due, and not at the restart')
  assert.deepEqual(seen, ['a:1', 'a:1', 'a:2'])
}

/** What is put aside, and what can be asked of a subscription. */
export const runtimeParkingScenarios: readonly Scenario[] = [
  scenario(
    'F50',
    'followers of a parked key park behind it, in order; other keys go on',
    followers,
  ),
  scenario('F51', 'what is parked survives a restart and a death', survivesRestart),
  scenario('F52', 'at the bound the subscription pauses and says so; nothing is lost', full),
  scenario('F53', 'what cannot be read is parked, and can be mended', unreadable),
  scenario('F54', 'a discard has a reason; its followers go on, in order', discards),
  scenario('F55', 'letters are grouped by error and place', groups),
  scenario('F56', 'a reset begins a new generation; what was parked is history', resets),
  scenario('F57', 'a pause holds, also over a restart, until somebody resumes', pauses),
  scenario('F58', 'a later attempt survives the death of its process', restarts),
]
