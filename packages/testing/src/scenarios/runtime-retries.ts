import assert from 'node:assert/strict'
import { scenario } from './expectations.ts'
import {
  always,
  delaysOf,
  numbersOf,
  rule,
  SampleError,
  SLACK_MS,
  startRetrying,
} from './retrying.ts'
import { carryOut, parkedOf, range, stateOf, type Order } from './runtime-kit.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

async function exact(harness: StoreHarness): Promise<void> {
  const { runtime, process, attempts } = await startRetrying(harness, { attempts: 4 }, always)
  await runtime.place('a', 1)
  await process.caughtUp()
  await runtime.clock.advance(30_000)
  assert.deepEqual(numbersOf(attempts), [1, 2, 3, 4])
  const [letter] = await parkedOf(runtime.store)
  assert.equal(letter?.attemptCount, 4, 'and the letter says so')
  assert.deepEqual(await runtime.effects(), [], 'of an attempt that fails nothing is left')
}

async function once(harness: StoreHarness): Promise<void> {
  const { runtime, process, attempts } = await startRetrying(harness, { attempts: 1 }, always)
  await runtime.place('a', 1)
  await process.caughtUp()
  assert.deepEqual(numbersOf(attempts), [1])
  assert.equal((await parkedOf(runtime.store)).length, 1)
}

const backsOff =
  (backoff: 'linear' | 'exponential', wanted: readonly number[]) =>
  async (harness: StoreHarness): Promise<void> => {
    const retry = { attempts: 5, delay: 100, maxDelay: 500, jitter: false, backoff }
    const { runtime, process, attempts } = await startRetrying(harness, retry, always)
    await runtime.place('a', 1)
    await process.caughtUp()
    assertDelays(delaysOf(attempts), wanted, wanted)
  }

function assertDelays(
  delays: readonly number[],
  least: readonly number[],
  most: readonly number[],
): void {
  assert.equal(delays.length, least.length, 'as many delays as attempts after the first')
  for (const [index, delay] of delays.entries()) {
    const [from, to] = [least[index] ?? 0, (most[index] ?? 0) + SLACK_MS]
    assert.ok(delay >= from, `delay ${index + 1} is at least ${from} ms; it was ${delay}`)
    assert.ok(delay <= to, `delay ${index + 1} is no more than ${to} ms; it was ${delay}`)
  }
}

async function jitters(harness: StoreHarness): Promise<void> {
  const retry = { attempts: 20, delay: 1000, maxDelay: 1000 }
  const { runtime, process, attempts } = await startRetrying(harness, retry, always)
  await runtime.place('a', 1)
  await process.caughtUp()
  const delays = delaysOf(attempts)
  const at = (ms: number): number[] => delays.map(() => ms)
  assertDelays(delays, at(1000), at(1500))
  assert.ok(new Set(delays).size > 3, 'they are not all the same')
}

async function fatal(harness: StoreHarness): Promise<void> {
  const rules = [
    rule('E_FATAL', 'park'),
    rule(TypeError, 'park'),
    rule({ test: (error: unknown) => error === 'a text' }, 'park'),
  ]
  const errors = [
    new SampleError('E_FATAL'),
    new TypeError('no'),
    'a text',
    new SampleError('E_OTHER'),
  ]
  const { runtime, process, attempts } = await startRetrying(
    harness,
    { attempts: 3, rules },
    ({ payload }) => errors[payload.n - 1],
  )
  for (const n of range(1, 4)) await runtime.place(`k${n}`, n)
  await process.caughtUp()
  const counts = range(1, 4).map((n) => attempts.filter(({ name }) => name === `k${n}:${n}`).length)
  assert.deepEqual(counts, [1, 1, 1, 3], 'only what no rule is about is tried again')
  assert.equal((await parkedOf(runtime.store)).filter(({ dueAt }) => dueAt === undefined).length, 4)
}

async function skips(harness: StoreHarness): Promise<void> {
  const rules = [rule('E_SKIP', { skip: 'not for us' })]
  const { runtime, process, attempts } = await startRetrying(
    harness,
    { rules },
    ({ payload: { n } }) => (n === 2 ? new SampleError('E_SKIP') : undefined),
  )
  const skipped: string[] = []
  process.app.observations.passedOver.observe(({ why, event }) =>
    skipped.push(`${why} ${(event as Order).payload.n}`),
  )
  await runtime.place('a', 1, 2, 3)
  await process.caughtUp()
  assert.deepEqual(numbersOf(attempts), [1, 1, 1])
  assert.deepEqual(await runtime.effects(), ['a:1', 'a:3'])
  assert.deepEqual(skipped, ['skipped 2'], 'who looks sees it')
  assert.deepEqual(await parkedOf(runtime.store), [])
}

async function stops(harness: StoreHarness): Promise<void> {
  let isMended = false
  const rules = [rule('E_STOP', 'stop')]
  const { runtime, process, attempts } = await startRetrying(
    harness,
    { rules },
    ({ payload: { n } }) => (n === 2 && !isMended ? new SampleError('E_STOP') : undefined),
  )
  await runtime.place('a', 1, 2, 3)
  await runtime.until(() => stateOf(process) === 'failed', 'that it says that it failed')
  await runtime.place('b', 1)
  await runtime.clock.advance(10_000)
  assert.deepEqual(await runtime.effects(), ['a:1'], 'nothing more begins')
  assert.equal(attempts.length, 2, 'and nothing is tried again')
  isMended = true
  await carryOut(runtime, process, { kind: 'resume' })
  await process.caughtUp()
  assert.deepEqual((await runtime.effects()).toSorted(), ['a:1', 'a:2', 'a:3', 'b:1'])
  assert.deepEqual(await parkedOf(runtime.store), [])
}

async function triesLater(harness: StoreHarness): Promise<void> {
  const retry = { attempts: 2, delay: 10, later: ['1m', '10m'] } as const
  const { runtime, process, attempts } = await startRetrying(harness, retry, ({ payload }, made) =>
    payload.key === 'a' && payload.n === 1 && made.laterUsed < 2 ? always() : undefined,
  )
  await runtime.place('a', 1)
  await runtime.place('b', 1)
  await runtime.place('a', 2)
  await process.caughtUp()
  assert.deepEqual(await runtime.effects(), ['b:1'], 'other keys go on, its own waits')
  // In few steps: it is long until then.
  await runtime.clock.advance(55_000)
  await runtime.until(() => attempts.length > 3, 'the first later attempt')
  await runtime.clock.advance(590_000)
  await runtime.until(async () => (await runtime.effects()).length === 3, 'the later attempts')
  assert.deepEqual(await runtime.effects(), ['b:1', 'a:1', 'a:2'], 'in order within the key')
  const own = attempts.filter(({ name }) => name === 'a:1')
  assert.deepEqual(numbersOf(own), [1, 2, 1, 2, 1])
  assert.deepEqual(
    own.map(({ laterUsed }) => laterUsed),
    [0, 0, 1, 1, 2],
  )
  const delays = delaysOf(own)
  assert.ok((delays[1] ?? 0) >= 60_000, 'never before the first delay is over')
  assert.ok((delays[3] ?? 0) >= 600_000, 'nor before the second is')
  assert.deepEqual(
    (await parkedOf(runtime.store)).map(({ state }) => state),
    ['resolved', 'resolved'],
  )
}

async function usesLaterUp(harness: StoreHarness): Promise<void> {
  const retry = { attempts: 1, later: ['1s', '2s'] } as const
  const { runtime, process, attempts } = await startRetrying(harness, retry, always)
  await runtime.place('a', 1)
  await process.caughtUp()
  const isDead = async (): Promise<boolean> => {
    const [letter] = await parkedOf(runtime.store)
    return letter?.laterCount === 2 && letter.dueAt === undefined
  }
  await runtime.until(isDead, 'that it waits for a person')
  await runtime.clock.advance(10_000)
  assert.equal(attempts.length, 3, 'then it is not tried any more')
}

async function succeedsLast(harness: StoreHarness): Promise<void> {
  const { runtime, process, attempts } = await startRetrying(
    harness,
    { attempts: 50, delay: 1, maxDelay: 10 },
    (_, made) => (made.attempt < 50 ? always() : undefined),
  )
  await runtime.place('a', 1, 2)
  await process.caughtUp()
  assert.equal(attempts.filter(({ name }) => name === 'a:1').length, 50)
  assert.deepEqual(await runtime.effects(), ['a:1', 'a:2'])
  assert.deepEqual(await parkedOf(runtime.store), [], 'an event that succeeds is no dead letter')
}

async function oneOfFifty(harness: StoreHarness): Promise<void> {
  const { runtime, process } = await startRetrying(
    harness,
    { attempts: 2, delay: 1 },
    ({ payload: { n } }) => (n === 25 ? undefined : always()),
  )
  for (const n of range(1, 50)) await runtime.place(`k${n}`, n)
  await process.caughtUp()
  assert.deepEqual(await runtime.effects(), ['k25:25'])
  const parked = (await parkedOf(runtime.store)).map(({ key }) => key)
  assert.deepEqual(
    parked,
    range(1, 50)
      .filter((n) => n !== 25)
      .map((n) => `k${n}`),
  )
}

async function outage(harness: StoreHarness): Promise<void> {
  let isDown = true
  const { runtime, process } = await startRetrying(
    harness,
    { attempts: 2, delay: 10 },
    () => (isDown ? always() : undefined),
    { outageAfter: 5 },
  )
  for (const n of range(1, 8)) await runtime.place(`k${n}`, 1, 2)
  await runtime.until(() => stateOf(process) === 'outage', 'that it says that nothing succeeds')
  await runtime.clock.advance(60_000)
  assert.equal(stateOf(process), 'outage', 'for as long as it lasts')
  assert.ok((await parkedOf(runtime.store)).length < 5, 'no key after the other is put aside')
  isDown = false
  await runtime.until(() => stateOf(process) !== 'outage', 'that it is over')
  await runtime.until(async () => {
    const parked = (await parkedOf(runtime.store)).filter(({ state }) => state === 'parked')
    return (await runtime.effects()).length + parked.length === 16
  }, 'that everything goes on')
}

/** What becomes of an event whose handler fails. */
export const runtimeRetryScenarios: readonly Scenario[] = [
  scenario('E01', 'an event is attempted as often as its policy says, and no more', exact),
  scenario('E02', 'one attempt is one attempt', once),
  scenario('E03', 'a delay is at least the backoff', backsOff('exponential', [100, 200, 400, 500])),
  scenario('E17', 'a linear backoff is one', backsOff('linear', [100, 200, 300, 400])),
  scenario('E04', 'jitter only lengthens', jitters),
  scenario('E05', 'what cannot be helped by trying is a dead letter at once', fatal),
  scenario('E06', 'a rule skips: it counts as handled, and is seen', skips),
  scenario('E07', 'a rule stops the subscription until it is resumed, and nothing is lost', stops),
  scenario('E08', 'later attempts come when they are due, and other keys go on', triesLater),
  scenario('E09', 'with the later attempts used up it waits for a person', usesLaterUp),
  scenario('E10', 'first fails, last succeeds: one success after 49 failures is one', succeedsLast),
  scenario('E11', 'one success among 49 failures of others is done', oneOfFifty),
  scenario('E15', 'where no key succeeds it is an outage: nothing is put aside', outage),
]
