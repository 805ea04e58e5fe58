import assert from 'node:assert/strict'
import { rejection, scenario } from './expectations.ts'
import { openFailing } from './failing.ts'
import {
  carryOut,
  EffectRecorded,
  NAME,
  names,
  openRuntime,
  parkedOf,
  range,
  type Process,
} from './runtime-kit.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const DAY_MS = 86_400_000

/** Receives a message from elsewhere; its effect is `id:n`. @returns whether it was known */
async function receive(
  { app }: Process,
  message: { readonly source?: string; readonly id: string; readonly n: number },
  fail?: () => void,
): Promise<boolean> {
  const { source = 'elsewhere', id, n } = message
  const { repeated } = await app.receive({ source, id }, async (ctx) => {
    const events = EffectRecorded({ key: id, n })
    await ctx.tx.append({ aggregateType: 'Sample.Effect', aggregateId: id, events })
    fail?.()
  })
  return repeated
}

async function repeats(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const processes = [await runtime.start({ parts: [] }), await runtime.start({ parts: [] })]
  const answers = await Promise.all(
    range(0, 9).map((n) => receive(processes[n % 2]!, { id: 'm', n: 1 })),
  )
  assert.deepEqual(await runtime.effects(), ['m:1'], 'ten times, also at the same moment')
  assert.equal(
    answers.filter((isKnown) => !isKnown).length,
    1,
    'and nine are told that it is known',
  )
  await receive(processes[0]!, { id: 'm', n: 2, source: 'another' })
  assert.deepEqual(await runtime.effects(), ['m:1', 'm:2'], 'the id of another source is another')
}

async function failing(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const process = await runtime.start({ parts: [] })
  const refused = receive(process, { id: 'm', n: 1 }, () => {
    throw new Error('after it was noted')
  })
  await rejection(refused, 'a message whose effect fails')
  assert.deepEqual(await runtime.effects(), [], 'nothing of it is left')
  assert.equal(await receive(process, { id: 'm', n: 2 }), false, 'so it is not known')
  assert.deepEqual(await runtime.effects(), ['m:2'])
}

async function anyStep(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const rounds = range(1, 8)
  let deaths = 0
  for (const round of rounds) {
    const mortal = await runtime.start({
      parts: [],
      delivery: { run: false },
      diesAfter: round + 1,
    })
    let isAnswered = false
    const answered = receive(mortal, { id: `m${round}`, n: round })
    void answered.then(() => (isAnswered = true))
    await runtime.until(() => isAnswered || mortal.isDead, 'that it dies, or is done')
    if (!isAnswered) deaths++
    mortal.die()
    // Whoever sends it has had no answer, and sends it again.
    const next = await runtime.start({ parts: [], delivery: { run: false } })
    await receive(next, { id: `m${round}`, n: round })
    await next.close()
  }
  assert.deepEqual(
    await runtime.effects(),
    rounds.map((round) => `m${round}:${round}`),
  )
  assert.ok(deaths >= 2 && deaths < rounds.length, `it died ${deaths} times on its way`)
}

async function expires(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const delivery = { retention: { inbox: '7d', every: '1s' } } as const
  const process = await runtime.start({ parts: [], delivery })
  await receive(process, { id: 'm', n: 1 })
  harness.clock.shift(6 * DAY_MS)
  await runtime.clock.advance(65_000)
  assert.equal(await receive(process, { id: 'm', n: 2 }), true, 'within its time it is known')
  harness.clock.shift(2 * DAY_MS)
  await runtime.clock.advance(65_000)
  await runtime.until(
    async () => !(await receive(process, { id: 'm', n: 3 })),
    'that it is forgotten after its time',
  )
  assert.deepEqual(await runtime.effects(), ['m:1', 'm:3'], 'then it has its effect again')
}

async function forgets(harness: StoreHarness): Promise<void> {
  const { runtime, start, broken } = await openFailing(harness, 'a:1', 'b:1')
  const process = await start({ delivery: { retention: { every: '1s' } } })
  await runtime.place('a', 1)
  await runtime.place('b', 1, 2)
  await process.caughtUp()
  broken.delete('a:1')
  await carryOut(runtime, process, { kind: 'redrive', filter: { key: 'a' } })
  harness.clock.shift(100 * DAY_MS)
  await runtime.clock.advance(65_000)
  const left = async (): Promise<readonly string[]> =>
    (await parkedOf(runtime.store)).map(({ key }) => key)
  await runtime.until(
    async () => !(await left()).includes('a'),
    'that what is finished is forgotten',
  )
  assert.deepEqual(await left(), ['b', 'b'], 'and what is not stays, however old it is')
  assert.equal((await runtime.store.subscriptions.find(NAME))?.name, NAME)
  broken.clear()
  await carryOut(runtime, process, { kind: 'redrive' })
  await runtime.until(async () => (await runtime.effects()).length === 3, 'the other key')
  assert.deepEqual((await runtime.effects()).slice(1), names('b', 1, 2))
}

/** Messages from elsewhere, and what is forgotten. */
export const runtimeInboxScenarios: readonly Scenario[] = [
  scenario('D70', 'a message that comes again has its effect once', repeats),
  scenario('D71', 'one whose effect fails is as if it had not come', failing),
  scenario('D72', 'one whose process dies at any step has its effect once', anyStep),
  scenario('D73', 'it is known for as long as it is said, and no longer', expires),
  scenario('F75', 'what is finished is forgotten; what is not never is', forgets),
]
