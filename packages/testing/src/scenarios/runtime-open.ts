import assert from 'node:assert/strict'
import { defineEvent, systemClock, type StartFrom } from 'tidings'
import { scenario, turns } from './expectations.ts'
import {
  nameOf,
  names,
  openRuntime,
  range,
  recorder,
  type Order,
  type Process,
  type Recorder,
  type Runtime,
} from './runtime-kit.ts'
import { appendOf, sampleEvent, sampleSchema } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

interface Open {
  readonly runtime: Runtime
  readonly seen: string[]
  readonly start: (options?: Recorder) => Promise<Process>
}

async function open(harness: StoreHarness): Promise<Open> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  const start = (options: Recorder = {}): Promise<Process> =>
    runtime.start({ parts: [recorder({ seen, ...options })] })
  return { runtime, seen, start }
}

async function later(harness: StoreHarness): Promise<void> {
  const { runtime, seen, start } = await open(harness)
  await runtime.place('a', 1, 2)
  const process = await start()
  await process.caughtUp()
  assert.deepEqual(seen, names('a', 1, 2), 'what was there before it began')
  for (const n of range(3, 8)) {
    await runtime.place('a', n)
    await process.caughtUp()
    assert.deepEqual(seen, names('a', 1, n), 'and what came later')
  }
}

const from =
  (choose: (runtime: Runtime) => Promise<StartFrom>, first: number) =>
  async (harness: StoreHarness): Promise<void> => {
    const { runtime, seen, start } = await open(harness)
    await runtime.place('a', 1, 2, 3)
    // The next ones are recorded later, by the clock of the store.
    harness.clock.shift(60_000)
    await runtime.place('a', 4, 5)
    const process = await start({ from: await choose(runtime) })
    await process.caughtUp()
    await runtime.place('a', 6)
    await process.caughtUp()
    assert.deepEqual(seen, names('a', first, 6))
  }

const eventAt = async ({ store }: Runtime, index: number) =>
  (await store.readAll().toArray())[index] ?? assert.fail(`There is no event ${index}`)

async function fromOnce(harness: StoreHarness): Promise<void> {
  const { runtime, seen, start } = await open(harness)
  await runtime.place('a', 1, 2)
  const first = await start({ from: 'end' })
  // Where the end is, it has to look first.
  await first.caughtUp()
  await runtime.place('a', 3)
  await first.caughtUp()
  await first.close()
  await runtime.place('a', 4)
  const second = await start({ from: 'end' })
  await second.caughtUp()
  assert.deepEqual(seen, ['a:3', 'a:4'], 'one that was there goes on where it was')
  await second.close()
  const third = await start({ from: 'beginning' })
  await third.caughtUp()
  assert.deepEqual(seen, ['a:3', 'a:4'], 'whatever it says')
}

async function atOnce(harness: StoreHarness): Promise<void> {
  const { runtime, seen, start } = await open(harness)
  const process = await start()
  await process.caughtUp()
  await runtime.clock.advance(10_000)
  const beforeMs = runtime.clock.now()
  await runtime.place('a', 1)
  for (let left = 500; left > 0 && seen.length === 0; left--) await turns()
  assert.deepEqual(seen, ['a:1'])
  assert.equal(runtime.clock.now(), beforeMs, 'without any time going by')
}

async function elsewhere(harness: StoreHarness): Promise<void> {
  const { runtime, seen, start } = await open(harness)
  const process = await start()
  await process.caughtUp()
  // Where a log can be opened once, its other processes share the store.
  const other = harness.shared ? await harness.open() : runtime.store
  for (const n of range(1, 5)) {
    const event = sampleEvent(harness.ids, {
      stream: 'Sample.Order/a',
      eventType: 'Sample.Order.Placed',
      payload: { key: 'a', n },
    })
    await other.append([appendOf('any', event)])
    // It is noticed in the time of the machine, which goes on beside that of the scenario.
    const isSeen = async (): Promise<boolean> => {
      await systemClock.sleep(1)
      return seen.length === n
    }
    await runtime.until(isSeen, 'what another process appended')
  }
  assert.deepEqual(seen, names('a', 1, 5))
}

async function readings(harness: StoreHarness, subscriptions: number): Promise<number> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  let asked = 0
  const parts = range(1, subscriptions).map((n) =>
    recorder({ name: `sample-${n}`, seen, effects: 'database' }),
  )
  const onAsk = (method: string): void => {
    if (method === 'readAll' || method === 'query') asked++
  }
  const process = await runtime.start({ parts, onAsk })
  await process.caughtUp()
  asked = 0
  for (const n of range(1, 20)) {
    await runtime.place('a', n)
    await process.caughtUp()
  }
  assert.equal(seen.length, 20 * subscriptions, 'each of them got each event')
  return asked
}

async function sharedTail(harness: StoreHarness): Promise<void> {
  const most = 2 * 20 * (1 + 8)
  const asked = await readings(harness, 8)
  // An event and its 8 effects: read once or twice as they come, and not once for each subscription.
  assert.ok(asked <= most, `8 subscriptions share what is read; they read ${asked} times`)
}

async function backlog(harness: StoreHarness): Promise<void> {
  const { runtime, seen, start } = await open(harness)
  const orders = range(1, 1100).map((n) =>
    sampleEvent(harness.ids, {
      stream: 'Sample.Order/a',
      eventType: 'Sample.Order.Placed',
      payload: { key: 'a', n },
    }),
  )
  await runtime.store.append([appendOf('any', ...orders)])
  const process = await start({ effects: 'database' })
  await runtime.until(() => seen.length > 100, 'that it has begun')
  await runtime.place('a', ...range(1101, 1110))
  await process.caughtUp()
  assert.deepEqual(seen, names('a', 1, 1110), 'more than a page, and what comes meanwhile')
}

const Changed = defineEvent('Sample.Order.Changed', {
  payload: sampleSchema<Order['payload']>('n'),
})
const Sent = defineEvent('Sample.Parcel.Sent', { payload: sampleSchema<Order['payload']>('n') })

async function globs(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const types: string[] = []
  const part = recorder({
    events: 'Sample.Order.*',
    before: ({ eventType, payload }) => void types.push(`${eventType} ${nameOf(payload)}`),
  })
  const process = await runtime.start({ parts: [part, Changed, Sent] })
  for (const definition of [Changed, Sent]) {
    const event = sampleEvent(harness.ids, {
      stream: 'Sample.Order/a',
      definition,
      payload: { key: 'a', n: 1 },
    })
    await runtime.store.append([appendOf('any', event)])
  }
  await runtime.place('a', 2)
  await process.caughtUp()
  assert.deepEqual(types, ['Sample.Order.Changed a:1', 'Sample.Order.Placed a:2'])
}

/** Subscriptions that are there, and what comes while they are. */
export const runtimeOpenScenarios: readonly Scenario[] = [
  scenario('B70', 'a live subscription sees what is appended later', later),
  scenario(
    'B71',
    'one that begins at the end sees only that',
    from(async () => 'end', 6),
  ),
  scenario(
    'B72',
    'one that begins behind a position sees what comes after it',
    from(async (runtime) => (await eventAt(runtime, 1)).position, 3),
  ),
  scenario(
    'B73',
    'one that begins at a time sees what was recorded from then on',
    from(async (runtime) => ({ time: (await eventAt(runtime, 3)).recordedAt }), 4),
  ),
  scenario('B74', 'where it begins counts once: then it goes on where it was', fromOnce),
  scenario('B75', 'it wakes up at once when its own process appends', atOnce),
  scenario('B76', 'it wakes up when another one does', elsewhere),
  scenario('B77', 'several share what is read at the end of the log', sharedTail),
  scenario('B78', 'a backlog of many pages comes whole and in order', backlog),
  scenario('B79', 'a glob brings every declared type that it fits', globs),
]
