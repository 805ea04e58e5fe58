import assert from 'node:assert/strict'
import { gate, rejection, scenario } from './expectations.ts'
import { faultyPublisher, namesOf, type FaultyPublisher } from './faulty-publisher.ts'
import {
  carryOut,
  firsts,
  forever,
  names,
  ofKey,
  openRuntime,
  OrderPlaced,
  parkedOf,
  range,
  stateOf,
  type Process,
  type ProcessOptions,
  type Runtime,
} from './runtime-kit.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

/** As the relay's progress is named. */
const RELAY = 'relay'

interface Relaying {
  readonly runtime: Runtime
  readonly publisher: FaultyPublisher
  /** Another process that relays into the same topics. */
  readonly start: (options?: Partial<ProcessOptions>) => Promise<Process>
}

async function openRelay(harness: StoreHarness): Promise<Relaying> {
  const runtime = await openRuntime(harness)
  const publisher = faultyPublisher()
  const start = (options: Partial<ProcessOptions> = {}): Promise<Process> =>
    runtime.start({ parts: [], publisher, ...options })
  return { runtime, publisher, start }
}

/** Fails unless the first arrivals of each key are all that was placed, in order. */
function assertInOrder(arrived: readonly string[], keys: readonly string[], count: number): void {
  for (const key of keys) {
    assert.deepEqual(firsts(ofKey(arrived, key)), names(key, 1, count), `all of ${key}, in order`)
  }
}

async function committedOnly(harness: StoreHarness): Promise<void> {
  const { publisher, start } = await openRelay(harness)
  const process = await start()
  const { store } = process.app
  const append = (key: string, n: number) => ({
    aggregateType: 'Sample.Order',
    aggregateId: key,
    events: OrderPlaced({ key, n }),
  })
  await store.transaction(async (tx) => tx.append(append('a', 1)))
  const failing = store.transaction(async (tx) => {
    await tx.append(append('a', 2))
    throw new Error('no')
  })
  await rejection(failing, 'a transaction that throws')
  await store.append(append('a', 3))
  await process.caughtUp()
  assert.deepEqual(publisher.arrived(), ['a:1', 'a:3'])
  await process.close()
}

async function diesBefore(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  await runtime.place('a', 1, 2, 3)
  const hanging = gate()
  publisher.before = () => {
    hanging.open()
    return forever()
  }
  const first = await start()
  await runtime.during(hanging.passed)
  first.die()
  publisher.before = () => undefined
  const second = await start()
  await second.caughtUp()
  assert.deepEqual(publisher.arrived(), names('a', 1, 3))
}

async function diesAfter(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  const first = await start({ relay: { batchSize: 4 } })
  await runtime.place('a', ...range(1, 4))
  await first.caughtUp()
  const before = publisher.arrived().length
  assert.equal(before, 4)
  publisher.after = forever
  await runtime.place('a', ...range(5, 8))
  await runtime.place('b', ...range(1, 8))
  await runtime.until(() => publisher.arrived().length > before, 'that a batch has arrived')
  first.die()
  const arrivedThen = publisher.arrived().length
  publisher.after = () => undefined
  const second = await start({ relay: { batchSize: 4 } })
  await second.caughtUp()
  const arrived = publisher.arrived()
  assertInOrder(arrived, ['a', 'b'], 8)
  const repeats = arrived.length - 16
  assert.ok(repeats >= 1, 'what had arrived, and was not marked, comes again')
  assert.ok(repeats <= arrivedThen - before, 'and nothing but what was in flight does')
}

/** At every step of its way in turn. */
async function diesAnywhere(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  const rounds = range(1, 16)
  let deaths = 0
  for (const round of rounds) {
    await runtime.place('a', 2 * round - 1, 2 * round)
    await runtime.place('b', 2 * round - 1, 2 * round)
    const isRelayed = (): boolean => firsts(publisher.arrived()).length === 4 * round
    const mortal = await start({ diesAfter: round + 2 })
    await runtime.until(() => mortal.isDead || isRelayed(), 'that it dies, or is done')
    if (mortal.isDead) deaths++
    mortal.die()
    const healthy = await start()
    await healthy.caughtUp()
    await healthy.close()
  }
  assertInOrder(publisher.arrived(), ['a', 'b'], 2 * rounds.length)
  assert.deepEqual(await parkedOf(runtime.store, RELAY), [])
  assert.ok(deaths > rounds.length / 2, `it died ${deaths} times on its way`)
}

async function publisherDown(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  const keys = range(1, 8).map((n) => `k${n}`)
  publisher.before = () => {
    throw new Error('There is no broker')
  }
  const process = await start()
  for (const key of keys) await runtime.place(key, 1, 2, 3)
  await runtime.until(() => stateOf(process, RELAY) === 'outage', 'that it says so')
  await runtime.clock.advance(40_000)
  const parked = await parkedOf(runtime.store, RELAY)
  const blamed = parked.filter(({ reason }) => reason === 'failed').length
  assert.ok(blamed < 5, `no key after the other is put aside; ${blamed} were`)
  assert.deepEqual(publisher.arrived(), [])
  publisher.before = () => undefined
  await process.caughtUp()
  if (blamed > 0) await carryOut(runtime, process, { kind: 'redrive', subscription: RELAY })
  await runtime.until(() => publisher.arrived().length === 24, 'that all of them arrive')
  assertInOrder(publisher.arrived(), keys, 3)
  assert.equal(publisher.arrived().length, 24, 'each once')
}

async function oneBatch(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  const keys = range(1, 10).map((n) => `k${n}`)
  let underWay = 0
  let most = 0
  publisher.before = async () => {
    most = Math.max(most, ++underWay)
    await runtime.clock.sleep(20)
  }
  publisher.after = async () => {
    // Later calls would be earlier ones, if they did not wait.
    await runtime.clock.sleep(30 * harness.random.next())
    underWay--
  }
  const process = await start({ relay: { batchSize: 25 } })
  for (const n of range(1, 12)) for (const key of keys) await runtime.place(key, n)
  await process.caughtUp()
  assert.equal(most, 1, 'one batch is in flight')
  assertInOrder(publisher.arrived(), keys, 12)
  assert.equal(publisher.arrived().length, 120, 'each once')
}

async function refusedKey(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  publisher.refused.add('bad')
  const process = await start()
  for (const n of range(1, 3)) for (const key of ['a', 'bad', 'b']) await runtime.place(key, n)
  await process.caughtUp()
  assertInOrder(publisher.arrived(), ['a', 'b'], 3)
  assert.equal(publisher.arrived().length, 6, 'what arrived with a refused one does not come again')
  assert.deepEqual(
    (await parkedOf(runtime.store, RELAY)).map(({ key, reason }) => `${key} ${reason}`),
    ['bad failed', 'bad behind', 'bad behind'],
  )
  publisher.refused.clear()
  await carryOut(runtime, process, { kind: 'redrive', subscription: RELAY })
  await runtime.until(() => publisher.arrived().length === 9, 'what was refused')
  assertInOrder(publisher.arrived(), ['bad'], 3)
}

async function manyRelays(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  let underWay = 0
  let most = 0
  publisher.before = async () => {
    most = Math.max(most, ++underWay)
    await runtime.clock.sleep(5)
    underWay--
  }
  const processes = []
  for (const _ of range(1, 4)) processes.push(await start({ relay: { batchSize: 10 } }))
  const keys = ['a', 'b', 'c']
  for (const n of range(1, 20)) for (const key of keys) await runtime.place(key, n)
  await runtime.until(() => publisher.arrived().length === 60, 'that all of them arrive')
  await runtime.clock.advance(5000)
  assert.equal(publisher.arrived().length, 60, 'each once, however many relays there are')
  assert.equal(most, 1, 'one of them relays')
  assertInOrder(publisher.arrived(), keys, 20)
}

async function wakesUp(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  const [sending, goesOn] = [gate(), gate()]
  publisher.before = async () => {
    sending.open()
    await goesOn.passed
  }
  const first = await start({ relay: { batchSize: 2 } })
  await runtime.place('a', 1, 2)
  await runtime.during(sending.passed)
  first.freeze()
  publisher.before = () => undefined
  const second = await start({ relay: { batchSize: 2 } })
  await second.caughtUp()
  await runtime.place('a', 3, 4)
  await second.caughtUp()
  assert.deepEqual(publisher.arrived(), names('a', 1, 4))
  const before = await runtime.store.subscriptions.find(RELAY)
  goesOn.open()
  first.thaw()
  await runtime.clock.advance(2000)
  const after = await runtime.store.subscriptions.find(RELAY)
  assert.deepEqual(
    [after?.position, after?.token],
    [before?.position, before?.token],
    'who was replaced says nothing about what is done',
  )
  await runtime.place('a', 5)
  await second.caughtUp()
  assertInOrder(publisher.arrived(), ['a'], 5)
  const repeats = publisher.arrived().length - 5
  assert.ok(repeats <= 2, `what comes twice was in flight; ${repeats} did`)
}

async function adapts(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  for (const n of range(1, 600)) await runtime.place(`k${n % 20}`, n)
  const process = await start({ relay: { batchSize: 100 } })
  await process.caughtUp()
  assert.ok(Math.max(...publisher.sizes) <= 100, 'no batch is larger than allowed')
  const calls = publisher.sizes.length
  assert.ok(calls <= 24, `a backlog goes in large batches; it took ${calls} for 600`)
  await runtime.place('a', 1)
  await process.caughtUp()
  assert.equal(publisher.sizes.at(-1), 1, 'and one that comes alone is not kept waiting')
}

async function closeWaits(harness: StoreHarness): Promise<void> {
  const { runtime, publisher, start } = await openRelay(harness)
  const [sending, goesOn] = [gate(), gate()]
  let sent: readonly string[] = []
  publisher.before = async (records) => {
    sent = namesOf(records)
    sending.open()
    await goesOn.passed
  }
  const first = await start()
  await runtime.place('a', 1, 2, 3)
  await runtime.during(sending.passed)
  const closing = first.close()
  await runtime.clock.advance(1000)
  assert.equal(publisher.isClosed, false, 'a publisher is not closed under a batch')
  goesOn.open()
  await closing
  assert.equal(publisher.isClosed, true, 'then it is')
  assert.deepEqual(publisher.arrived(), sent)
  publisher.before = () => undefined
  const second = await start()
  await second.caughtUp()
  assert.deepEqual(publisher.arrived(), names('a', 1, 3), 'and nothing comes twice')
}

/** What is sent out: all that was committed, in order, and nothing else. */
export const runtimeRelayScenarios: readonly Scenario[] = [
  scenario('D50', 'what is committed is published, what is rolled back is not', committedOnly),
  scenario('D51', 'a process that dies before it publishes leaves it to the next', diesBefore),
  scenario('D52', 'one that dies before it marks: at least once, and in order', diesAfter),
  scenario('D53', 'one that dies at any step loses nothing, and parks nothing', diesAnywhere),
  scenario('D54', 'a publisher that is down is an outage; then everything arrives', publisherDown),
  scenario('D55', 'one batch is in flight, and the order per key is kept', oneBatch),
  scenario('D56', 'a record that is refused holds up its key only', refusedKey),
  scenario('D57', 'of several relays one relays', manyRelays),
  scenario('D58', 'a relay that wakes up after it was replaced moves nothing', wakesUp),
  scenario('D59', 'batches are as large as the backlog, within their limit', adapts),
  scenario('A62', 'a close waits for the batch under way, then closes the publisher', closeWaits),
]
