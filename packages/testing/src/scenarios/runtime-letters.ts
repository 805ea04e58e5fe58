import assert from 'node:assert/strict'
import { decodeEvent, defineSubscription, StoreError } from 'tidings'
import { gate, scenario } from './expectations.ts'
import { always, SampleError, SLACK_MS, startRetrying } from './retrying.ts'
import { NAME, names, openRuntime, OrderPlaced, parkedOf, recordEffect } from './runtime-kit.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

async function keepsEverything(harness: StoreHarness): Promise<void> {
  const { runtime, process } = await startRetrying(harness, { attempts: 3, delay: 50 }, always)
  await runtime.place('a', 1)
  await process.caughtUp()
  const [event] = await runtime.store.query({ types: [OrderPlaced.type] }).toArray()
  const [letter] = await parkedOf(runtime.store)
  assert.ok(event && letter)
  const { envelope } = decodeEvent(letter.bytes)
  assert.deepEqual(envelope.payload, event.payload, 'the event, as bytes')
  const { subscription, generation, key, sequence, position, eventId, eventType } = letter
  assert.deepEqual(
    { subscription, generation, key, sequence, position, eventId, eventType },
    {
      subscription: NAME,
      generation: 1,
      key: 'a',
      sequence: event.position,
      position: event.position,
      eventId: event.eventId,
      eventType: OrderPlaced.type,
    },
    'where it is from',
  )
  assert.equal(letter.correlationId, event.correlationId, 'what it belongs to')
  assert.equal(letter.attempts.length, 3, 'every attempt')
  for (const { at, durationMs, error } of letter.attempts) {
    assert.ok(Date.parse(at) > 0 && durationMs >= 0, 'its time')
    assert.deepEqual([error.name, error.code], ['SampleError', 'E_SAMPLE'])
    assert.match(error.message, /failed with E_SAMPLE/)
    assert.match(error.stack ?? '', /retrying/, 'and its place')
  }
  assert.equal(letter.reason, 'failed')
  assert.ok(letter.fingerprint, 'what it can be grouped by')
  assert.deepEqual(
    letter.history.map(({ what, by }) => `${what} by ${by}`),
    ['parked by runtime'],
  )
}

async function shortens(harness: StoreHarness): Promise<void> {
  const long = '再'.repeat(1_000_000)
  const { runtime, process } = await startRetrying(
    harness,
    { attempts: 2, delay: 1 },
    () => new SampleError('E_LONG', long),
  )
  await runtime.place('a', 1)
  await process.caughtUp()
  const [letter] = await parkedOf(runtime.store)
  const size = JSON.stringify({ ...letter, bytes: undefined }).length
  assert.ok(size < 20_000, `a letter stays small; it has ${size} characters`)
  assert.match(letter?.attempts[0]?.error.message ?? '', /^再+… \(1000000 characters\)$/)
}

async function timesOut(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const signals: AbortSignal[] = []
  const never = gate()
  const subscription = defineSubscription(NAME, {
    events: OrderPlaced,
    timeout: '2s',
    retry: { attempts: 2, delay: 10 },
    handle: async (order, ctx) => {
      if (order.payload.key === 'b') return recordEffect(order, ctx)
      signals.push(ctx.signal)
      await recordEffect(order, ctx)
      await never.passed
    },
  })
  const process = await runtime.start({ parts: [subscription] })
  await runtime.place('a', 1)
  await runtime.place('b', 1)
  await process.caughtUp()
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, true],
  )
  const [letter] = await parkedOf(runtime.store)
  assert.deepEqual(
    letter?.attempts.map(({ error }) => error.name),
    ['TimeoutError', 'TimeoutError'],
  )
  const [first] = letter?.attempts ?? []
  const { durationMs = 0 } = first ?? {}
  assert.ok(
    durationMs >= 2000 && durationMs < 2000 + SLACK_MS,
    `it had 2 s; it took ${durationMs} ms`,
  )
  assert.deepEqual(await runtime.effects(), ['b:1'], 'what it did until then is not there')
  never.open()
  await runtime.clock.advance(1000)
  assert.deepEqual(await runtime.effects(), ['b:1'], 'nor when it goes on after its time')
}

async function diesBetween(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  let attempts = 0
  const subscription = defineSubscription(NAME, {
    events: OrderPlaced,
    retry: { attempts: 3, delay: '10s' },
    handle: async (order, ctx) => {
      attempts++
      await recordEffect(order, ctx)
      if (attempts < 3) throw always()
    },
  })
  const first = await runtime.start({ parts: [subscription] })
  await runtime.place('a', 1, 2)
  await runtime.until(() => attempts === 1, 'the first attempt')
  first.die()
  const second = await runtime.start({ parts: [subscription] })
  await second.caughtUp()
  assert.deepEqual(await runtime.effects(), names('a', 1, 2))
  assert.deepEqual(await parkedOf(runtime.store), [])
}

async function cannotPark(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const busy = new StoreError('TIDINGS_STORE_BUSY', 'sample', 'Too busy.', { retryable: true })
  let attempts = 0
  const subscription = defineSubscription(NAME, {
    events: OrderPlaced,
    retry: { attempts: 2, delay: 10 },
    handle: () => {
      // From the last attempt on: the letter cannot be written.
      if (++attempts === 2) process.troubledBy(busy)
      throw always()
    },
  })
  const process = await runtime.start({ parts: [subscription] })
  await runtime.place('a', 1, 2)
  await runtime.until(() => attempts === 2, 'the last attempt')
  await runtime.clock.advance(8000)
  assert.deepEqual(await parkedOf(runtime.store), [])
  process.troubledBy(undefined)
  await process.caughtUp()
  const reasons = (await parkedOf(runtime.store)).map(({ reason }) => reason)
  assert.deepEqual(reasons, ['failed', 'behind'], 'it is kept until it can be')
  assert.equal(attempts, 2, 'and not handled again')
}

/** What is known of an event that failed for good, or that was cut off on the way. */
export const runtimeLetterScenarios: readonly Scenario[] = [
  scenario('E12', 'an exhausted letter has everything', keepsEverything),
  scenario('E13', 'a large error is shortened', shortens),
  scenario('E14', 'a handler that never returns has failed when its time is over', timesOut),
  scenario(
    'E16',
    'a process that dies between two attempts leaves the event to the next',
    diesBetween,
  ),
  scenario('E18', 'a letter that cannot be written is written later', cannotPark),
]
