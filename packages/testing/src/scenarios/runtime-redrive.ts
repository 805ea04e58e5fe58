import assert from 'node:assert/strict'
import { decodeEvent, type OperationRecord, type ParkedEvent } from 'tidings'
import { gate, refusal, scenario } from './expectations.ts'
import { openFailing, type Failing } from './failing.ts'
import {
  carryOut,
  NAME,
  names,
  nameOf,
  ofKey,
  parkedOf,
  range,
  type Order,
  type Process,
} from './runtime-kit.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

/** Three of key `a` are parked, of which the first one failed. */
async function openParked(harness: StoreHarness): Promise<Failing & { readonly process: Process }> {
  const failing = await openFailing(harness, 'a:1')
  const process = await failing.start()
  await failing.runtime.place('a', 1, 2, 3)
  await process.caughtUp()
  return { ...failing, process }
}

async function letterOf({ runtime }: Failing, index: number): Promise<ParkedEvent> {
  return (await parkedOf(runtime.store))[index] ?? assert.fail(`There is no letter ${index}`)
}

async function states({ runtime }: Failing): Promise<readonly string[]> {
  return (await parkedOf(runtime.store)).map(({ state }) => state)
}

async function inOrder(harness: StoreHarness): Promise<void> {
  const parked = await openParked(harness)
  const { runtime, process, broken } = parked
  broken.clear()
  const { state, result } = await carryOut(runtime, process, { kind: 'redrive' })
  await runtime.place('a', 4)
  await process.caughtUp()
  await runtime.until(async () => (await runtime.effects()).length === 4, 'all of the key')
  assert.deepEqual(await runtime.effects(), names('a', 1, 4), 'before what comes later')
  assert.equal(state, 'done')
  assert.deepEqual([result?.['moved'], result?.['resolved']], [3, 3], 'it says what became of each')
  assert.deepEqual(await states(parked), ['resolved', 'resolved', 'resolved'])
}

async function failsAgain(harness: StoreHarness): Promise<void> {
  const parked = await openParked(harness)
  const { runtime, process, seen } = parked
  const { result } = await carryOut(runtime, process, { kind: 'redrive' })
  assert.deepEqual(ofKey(seen, 'a'), ['a:1', 'a:1'], 'no follower overtakes it')
  assert.equal(result?.['parkedAgain'], 3)
  assert.deepEqual(await states(parked), ['parked', 'parked', 'parked'])
  const letter = await letterOf(parked, 0)
  assert.deepEqual([letter.redrives, letter.attemptCount], [1, 2], 'all attempts are kept')
}

async function meanwhile(harness: StoreHarness): Promise<void> {
  const failing = await openFailing(harness, 'a:1')
  const { runtime, start, broken } = failing
  const [begun, goesOn] = [gate(), gate()]
  const process = await start({
    first: async ({ payload }: Order) => {
      if (nameOf(payload) !== 'a:1' || broken.size > 0) return
      begun.open()
      await goesOn.passed
    },
  })
  await runtime.place('a', 1, 2)
  await process.caughtUp()
  broken.clear()
  const redriven = carryOut(runtime, process, { kind: 'redrive' })
  await runtime.during(begun.passed)
  await runtime.place('a', 3, 4)
  await runtime.place('b', 1)
  await runtime.until(async () => (await runtime.effects()).includes('b:1'), 'other keys')
  assert.deepEqual(ofKey(await runtime.effects(), 'a'), [], 'what comes meanwhile waits')
  goesOn.open()
  await redriven
  await runtime.until(async () => (await runtime.effects()).length === 5, 'all of the key')
  assert.deepEqual(ofKey(await runtime.effects(), 'a'), names('a', 1, 4), 'in order')
}

async function edits(harness: StoreHarness): Promise<void> {
  const parked = await openParked(harness)
  const { runtime, process } = parked
  const { parkedId, position } = await letterOf(parked, 0)
  const edited = { key: 'a', n: 100 }
  await carryOut(runtime, process, { kind: 'redrive', edits: { [parkedId]: edited } })
  await runtime.until(async () => (await runtime.effects()).length === 3, 'all of the key')
  assert.deepEqual(await runtime.effects(), ['a:100', 'a:2', 'a:3'], 'the handler sees the edit')
  const after = await letterOf(parked, 0)
  const { payload } = decodeEvent(after.bytes!).envelope
  assert.equal(nameOf(payload as Order['payload']), 'a:1', 'the original is kept')
  assert.deepEqual(JSON.parse(after.edited ?? ''), edited, 'beside what took its place')
  const [stored] = await runtime.store.readAll({ after: position! - 1, limit: 1 }).toArray()
  assert.deepEqual(stored?.payload, payload, 'and the log is not rewritten')
  assert.ok(after.history.some(({ what, by }) => what === 'edited' && by === 'ann'))
}

async function badEdit(harness: StoreHarness): Promise<void> {
  const parked = await openParked(harness)
  const { process, runtime } = parked
  const { parkedId } = await letterOf(parked, 0)
  const ask = (payload: unknown, id = parkedId): Promise<OperationRecord> =>
    process.app.admin.request({
      kind: 'redrive',
      subscription: NAME,
      by: 'ann',
      edits: { [id]: payload },
    })
  await refusal(ask({ key: 'a' }), 'TIDINGS_PAYLOAD_INVALID', 'a payload that breaks its contract')
  const unknown = harness.ids.newId(0)
  await refusal(ask({ n: 1 }, unknown), 'TIDINGS_ARGUMENT_INVALID', 'an edit of another event')
  assert.deepEqual(await states(parked), ['parked', 'parked', 'parked'], 'nothing was changed')
  assert.deepEqual(await runtime.store.operations.list({}), [], 'and nothing is asked')
}

async function dryRun(harness: StoreHarness): Promise<void> {
  const parked = await openParked(harness)
  const { process, seen } = parked
  const ids = [(await letterOf(parked, 1)).parkedId]
  const before = await parked.parked()
  const plan = (filter?: { readonly ids: readonly string[] }) =>
    process.app.admin.planRedrive({ subscription: NAME, filter })
  const verdicts = async (filter?: { readonly ids: readonly string[] }) =>
    (await plan(filter)).events.map(({ verdict }) => verdict)
  assert.deepEqual(await verdicts(), ['runs', 'runs-after', 'runs-after'])
  assert.deepEqual(await verdicts({ ids }), ['waits'], 'behind one that is not part of it')
  assert.deepEqual(await parked.parked(), before, 'and does none of it')
  assert.deepEqual(ofKey(seen, 'a'), ['a:1'])
}

async function followerOnly(harness: StoreHarness): Promise<void> {
  const parked = await openParked(harness)
  const { runtime, process, seen } = parked
  const ids = [(await letterOf(parked, 1)).parkedId]
  await carryOut(runtime, process, { kind: 'redrive', filter: { ids } })
  await runtime.clock.advance(2000)
  assert.deepEqual(ofKey(seen, 'a'), ['a:1'], 'a follower never overtakes')
  assert.deepEqual(await states(parked), ['parked', 'parked', 'parked'])
}

async function loopGuard(harness: StoreHarness): Promise<void> {
  const parked = await openParked(harness)
  const { runtime, process, seen } = parked
  const filter = { ids: [(await letterOf(parked, 0)).parkedId] }
  for (const _ of range(1, 5)) await carryOut(runtime, process, { kind: 'redrive', filter })
  const tried = seen.length
  const { result } = await carryOut(runtime, process, { kind: 'redrive', filter })
  assert.equal(result?.['refused'], 1, 'redriven as often, it is left alone')
  assert.equal(seen.length, tried)
  await carryOut(runtime, process, { kind: 'redrive', filter, force: true })
  assert.equal(seen.length, tried + 1, 'unless somebody insists')
}

/** At every step of its way in turn. */
async function resumes(harness: StoreHarness): Promise<void> {
  const failing = await openFailing(harness)
  const { runtime, broken, start } = failing
  const rounds = range(1, 14)
  let deaths = 0
  for (const round of rounds) {
    const keys = [`r${round}a`, `r${round}b`]
    for (const key of keys) broken.add(`${key}:1`)
    const first = await start()
    for (const key of keys) await runtime.place(key, 1, 2)
    await first.caughtUp()
    await first.close()
    broken.clear()
    const mortal = await start({ diesAfter: 2 * round + 6 })
    const request = { kind: 'redrive', subscription: NAME, by: 'ann' } as const
    // By somebody else: nothing of this process answers once it is dead.
    const asker = await runtime.start({ parts: [], delivery: { run: false } })
    const { operationId } = await asker.app.admin.request(request)
    const hasEnded = async (): Promise<boolean> =>
      (await runtime.store.operations.find(operationId))?.state === 'done'
    await runtime.until(async () => mortal.isDead || (await hasEnded()), 'that it dies, or is done')
    if (mortal.isDead) deaths++
    mortal.die()
    const second = await start()
    await runtime.until(hasEnded, 'that the next owner carries it out')
    await second.close()
    for (const key of keys) {
      assert.deepEqual(ofKey(await runtime.effects(), key), [`${key}:1`, `${key}:2`], 'each once')
    }
  }
  assert.ok(deaths > rounds.length / 2, `it died ${deaths} times on its way`)
}

async function audited(harness: StoreHarness): Promise<void> {
  const parked = await openParked(harness)
  const { runtime, process, broken } = parked
  broken.clear()
  const operation = await carryOut(runtime, process, { kind: 'redrive', reason: 'disk is back' })
  assert.deepEqual([operation.requestedBy, operation.reason], ['ann', 'disk is back'])
  assert.ok(operation.startedAt !== undefined && operation.finishedAt !== undefined)
  const letter = await letterOf(parked, 0)
  assert.equal(letter.operationId, operation.operationId)
  assert.deepEqual(
    letter.history.map(({ what, by }) => `${what} by ${by}`),
    ['parked by runtime', 'redriven by ann', 'resolved by runtime'],
  )
  assert.equal(letter.history[1]?.reason, 'disk is back')
}

async function filters(harness: StoreHarness): Promise<void> {
  const failing = await openFailing(harness, 'a:1', 'b:1', 'c:1', 'd:1')
  const { runtime, start, broken, seen } = failing
  const process = await start()
  await runtime.place('a', 1)
  await runtime.place('b', 1)
  await process.caughtUp()
  await runtime.clock.advance(60_000)
  const since = new Date(runtime.clock.now()).toISOString()
  await runtime.place('c', 1)
  await runtime.place('d', 1)
  await process.caughtUp()
  broken.clear()
  seen.length = 0
  await carryOut(runtime, process, { kind: 'redrive', filter: { key: 'b' } })
  assert.deepEqual(seen, ['b:1'], 'by key')
  await carryOut(runtime, process, { kind: 'redrive', filter: { since } })
  assert.deepEqual(seen.toSorted(), ['b:1', 'c:1', 'd:1'], 'by time')
  const none = { kind: 'redrive', subscription: NAME, by: 'ann' } as const
  const others = process.app.admin.request({ ...none, filter: { eventType: 'Sample.Other.Made' } })
  await refusal(others, 'TIDINGS_NOTHING_PARKED', 'a filter that nothing fits')
  const { fingerprint, eventType } = await letterOf(failing, 0)
  await carryOut(runtime, process, { kind: 'redrive', filter: { fingerprint, eventType } })
  assert.deepEqual(seen.toSorted(), ['a:1', 'b:1', 'c:1', 'd:1'], 'by group and type')
}

async function askedTwice(harness: StoreHarness): Promise<void> {
  const { runtime, process, broken, start } = await openParked(harness)
  const other = await start()
  broken.clear()
  const request = { kind: 'redrive', subscription: NAME, by: 'ann' } as const
  const asked = [process, other].map(({ app }) => app.admin.request(request))
  const operations = await Promise.all(asked)
  for (const { operationId } of operations) {
    const { operation } = await runtime.during(other.app.admin.ended(operationId))
    assert.equal(operation.state, 'done')
  }
  await runtime.clock.advance(2000)
  assert.deepEqual(await runtime.effects(), names('a', 1, 3), 'each once, by the owner')
}

async function sameId(harness: StoreHarness): Promise<void> {
  const { runtime, process, broken } = await openParked(harness)
  broken.clear()
  const operationId = harness.ids.newId(0)
  const wish = { kind: 'redrive', operationId } as const
  const first = await carryOut(runtime, process, wish)
  const again = await carryOut(runtime, process, wish)
  assert.deepEqual(again, first, 'the same id again is the same operation')
  assert.equal((await runtime.store.operations.list({})).length, 1)
  const other = { subscription: NAME, by: 'ann', kind: 'pause', operationId } as const
  const conflicting = process.app.admin.request(other)
  await refusal(conflicting, 'TIDINGS_OPERATION_ID_CONFLICT', 'the id of another request')
}

async function rated(harness: StoreHarness): Promise<void> {
  const failing = await openFailing(harness, ...range(1, 6).map((n) => `k${n}:1`))
  const { runtime, start, broken } = failing
  const times: number[] = []
  const first = (): void => void (broken.size === 0 && times.push(runtime.clock.now()))
  const process = await start({ first })
  for (const n of range(1, 6)) await runtime.place(`k${n}`, 1)
  await process.caughtUp()
  broken.clear()
  await carryOut(runtime, process, { kind: 'redrive', rate: 2 })
  assert.equal(times.length, 6)
  const tookMs = times.at(-1)! - times[0]!
  assert.ok(tookMs >= 2500, `six at two a second take 2.5 s; it took ${tookMs} ms`)
}

async function cancels(harness: StoreHarness): Promise<void> {
  const failing = await openFailing(harness, ...range(1, 6).map((n) => `k${n}:1`))
  const { runtime, start, broken } = failing
  const process = await start()
  for (const n of range(1, 6)) await runtime.place(`k${n}`, 1)
  await process.caughtUp()
  broken.clear()
  const { admin } = process.app
  const request = { kind: 'redrive', subscription: NAME, by: 'ann', rate: 1 } as const
  const { operationId } = await admin.request(request)
  await runtime.until(async () => (await runtime.effects()).length >= 2, 'that it has begun')
  await admin.cancel(operationId, { by: 'bob', reason: 'not now' })
  const { operation } = await runtime.during(admin.ended(operationId))
  await runtime.clock.advance(10_000)
  const done = (await runtime.effects()).length
  assert.deepEqual([operation.state, operation.cancelledBy], ['cancelled', 'bob'])
  assert.ok(done < 6, 'what it had not come to stays')
  const left = (await states(failing)).filter((state) => state === 'parked')
  assert.equal(left.length, 6 - done, 'parked as before')
}

/** How what was put aside is handled after all. */
export const runtimeRedriveScenarios: readonly Scenario[] = [
  scenario('F60', 'a redrive handles a key in order, before what comes later', inOrder),
  scenario('F61', 'what fails again stays first, and its followers stay behind it', failsAgain),
  scenario('F62', 'what comes during a redrive waits for it', meanwhile),
  scenario('F63', 'an edited payload is handled in its place, and the original kept', edits),
  scenario('F64', 'an edit that breaks its contract is refused, and nothing changed', badEdit),
  scenario('F65', 'a dry run says what would happen, and does none of it', dryRun),
  scenario('F66', 'a follower alone cannot be redriven past the one before it', followerOnly),
  scenario('F67', 'what failed after five redrives is left alone, unless forced', loopGuard),
  scenario('F68', 'a redrive whose process dies at any step is carried out, each once', resumes),
  scenario('F69', 'who asked, why, and what became of it is recorded', audited),
  scenario('F70', 'a redrive can be of a key, a time, a type or a group', filters),
  scenario('F71', 'the same letters redriven by two processes are handled once', askedTwice),
  scenario('F72', 'the same operation id is the same operation', sameId),
  scenario('F73', 'a redrive keeps to its rate', rated),
  scenario('F74', 'a redrive can be cancelled; what it had not come to stays parked', cancels),
]
