import assert from 'node:assert/strict'
import { defineEvent, defineSubscription, systemClock, type AnyPart, type Store } from 'tidings'
import { gate, scenario, turns } from './expectations.ts'
import {
  carryOut,
  forever,
  NAME,
  nameOf,
  names,
  ofKey,
  openRuntime,
  OrderPlaced,
  parkedOf,
  range,
  recorder,
  stateOf,
  type Order,
  type OrderPayload,
  type Process,
  type Runtime,
} from './runtime-kit.ts'
import { appendOf, sampleEvent, sampleSchema } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

/** A lease that is not renewed within a scenario: whoever loses it is not told. */
const LONG_MS = 3_600_000

async function oneOwner(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[][] = []
  const start = (): Promise<Process> => {
    const mine: string[] = []
    seen.push(mine)
    return runtime.start({ parts: [recorder({ seen: mine })] })
  }
  // All at the same moment.
  await Promise.all(range(1, 5).map(start))
  for (const n of range(1, 10)) for (const key of ['a', 'b']) await runtime.place(key, n)
  await runtime.until(async () => (await runtime.effects()).length === 20, 'all of them')
  await runtime.clock.advance(30_000)
  assert.equal((await runtime.effects()).length, 20, 'each once')
  const owners = seen.filter(({ length }) => length > 0)
  assert.equal(owners.length, 1, 'by one of them')
}

/** What a process appends itself may be handed to it; what lies between is the other's, and has to be read. */
async function inTurn(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  // Where a log can be opened once, its other processes share the store.
  const other = harness.shared ? await harness.open() : runtime.store
  const seen: Record<string, string[]> = { left: [], right: [] }
  const start = (name: string, store: Store): Promise<Process> =>
    runtime.start({ parts: [recorder({ name, seen: seen[name]! })], store })
  const both = [await start('left', runtime.store), await start('right', other)]
  for (const process of both) {
    const isLive = (): boolean => process.app.delivery.subscriptions[0]?.state === 'live'
    await runtime.until(isLive, 'that it is at the end of the log')
  }
  const append = async (n: number): Promise<void> => {
    const events = OrderPlaced({ key: 'a', n })
    const { app } = both[n % 2]!
    await app.store.append({ aggregateType: 'Sample.Order', aggregateId: 'a', events })
  }
  for (const n of range(1, 16)) {
    // At the same moment, and after one that perhaps nobody has taken yet.
    await Promise.all([append(2 * n), append(2 * n + 1)])
    await turns(n % 4)
  }
  const log = await runtime.store.query({ types: [OrderPlaced.type] }).toArray()
  const placed = log.map(({ payload }) => nameOf(payload as OrderPayload))
  for (const name of ['left', 'right']) {
    const isThere = (): boolean => seen[name]!.length >= placed.length
    const isDone = harness.shared ? async () => (await systemClock.sleep(1), isThere()) : isThere
    await runtime.until(isDone, `all of them in '${name}'`)
    assert.deepEqual(seen[name], placed, `'${name}' has handled each once, in order`)
  }
}

async function takesOver(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const first = await runtime.start({ parts: [recorder()] })
  await runtime.place('a', 1)
  await first.caughtUp()
  const second = await runtime.start({ parts: [recorder()] })
  await runtime.until(() => stateOf(second) === 'starting', 'that the second one waits')
  const owner = await runtime.store.leases.find(NAME)
  first.die()
  await runtime.place('a', 2)
  await second.caughtUp()
  assert.deepEqual(await runtime.effects(), ['a:1', 'a:2'])
  const successor = await runtime.store.leases.find(NAME)
  assert.notEqual(successor?.owner, owner?.owner)
  assert.ok(successor!.token > owner!.token, 'its token is higher')
}

async function handsOver(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const first = await runtime.start({ parts: [recorder()] })
  await runtime.place('a', 1)
  await first.caughtUp()
  const second = await runtime.start({ parts: [recorder()] })
  await first.close()
  const startMs = runtime.clock.now()
  await runtime.place('a', 2)
  await second.caughtUp()
  const tookMs = runtime.clock.now() - startMs
  assert.ok(tookMs < 10_000, `sooner than a lease runs out; it took ${tookMs} ms`)
  assert.deepEqual(await runtime.effects(), ['a:1', 'a:2'])
}

async function fenced(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const [begun, goesOn, taken, ends] = [gate(), gate(), gate(), gate()]
  // The key that hangs holds the mark: what is done of the other one runs ahead.
  const slow = async ({ payload }: Order): Promise<void> => {
    if (payload.key === 'a') await forever()
    if (payload.n !== 2) return
    begun.open()
    await goesOn.passed
  }
  const first = await runtime.start({
    parts: [recorder({ before: slow })],
    delivery: { leaseMs: LONG_MS },
  })
  await runtime.place('a', 1)
  await runtime.place('b', 1, 2)
  await runtime.during(begun.passed)
  first.freeze()
  // Its handler goes on as far as to its first statement, which is asked when the process wakes up.
  goesOn.open()
  await turns()
  // Its successor is at the same event, and has noted nothing of it: the fence alone is in the way.
  const again = async ({ payload }: Order): Promise<void> => {
    if (payload.n !== 2) return
    taken.open()
    await ends.passed
  }
  const second = await runtime.start({ parts: [recorder({ before: again })] })
  await runtime.during(taken.passed)
  const before = await runtime.store.subscriptions.find(NAME)
  first.thaw()
  await runtime.clock.advance(5000)
  const effects = await runtime.effects()
  assert.deepEqual(effects.toSorted(), ['a:1', 'b:1'], 'who was replaced writes nothing')
  const after = await runtime.store.subscriptions.find(NAME)
  assert.equal(after?.token, before?.token)
  ends.open()
  await runtime.place('b', 3)
  await second.caughtUp()
  assert.deepEqual(ofKey(await runtime.effects(), 'b'), names('b', 1, 3), 'its successor goes on')
  await first.close()
}

async function isTold(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const signals: AbortSignal[] = []
  const before = (_: Order, ctx: { readonly signal: AbortSignal }): unknown => {
    signals.push(ctx.signal)
    return forever()
  }
  const first = await runtime.start({ parts: [recorder({ before })] })
  await runtime.place('a', 1)
  await runtime.until(() => signals.length === 1, 'that it has begun')
  first.freeze()
  const second = await runtime.start({ parts: [recorder()] })
  await second.caughtUp()
  first.thaw()
  await runtime.until(() => signals[0]?.aborted === true, 'that its handler is told')
  await runtime.until(() => stateOf(first) === 'starting', 'that it waits for its turn')
  assert.deepEqual(await runtime.effects(), ['a:1'])
  assert.deepEqual(await parkedOf(runtime.store), [], 'what it was at is not put aside')
}

async function skewed(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const retry = { attempts: 2, delay: 10, later: ['1s'] } as const
  const failing = new Set(['a:3', 'b:5'])
  const before = ({ payload }: Order, { laterUsed }: { readonly laterUsed: number }): void => {
    if (failing.has(nameOf(payload)) && laterUsed === 0) throw new Error('Later')
  }
  const skews = [-3_600_000, 0, 3_600_000]
  for (const [round, skewMs] of [...skews, ...skews].entries()) {
    const process = await runtime.start({ parts: [recorder({ before, retry })], skewMs })
    await runtime.place('a', round + 1)
    await runtime.place('b', round + 1)
    await process.caughtUp()
    if (round % 2 === 0) process.die()
    else await process.close()
  }
  const last = await runtime.start({ parts: [recorder({ before, retry })], skewMs: 7_200_000 })
  await runtime.until(async () => (await runtime.effects()).length === 12, 'all of them')
  const effects = await runtime.effects()
  for (const key of ['a', 'b']) assert.deepEqual(ofKey(effects, key), names(key, 1, 6))
  await last.close()
}

async function killer(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  await runtime.place('a', 1, 2)
  await runtime.place('b', 1)
  let deaths = 0
  for (const _ of range(1, 10)) {
    let isHit = false
    const before = ({ payload }: Order): unknown => {
      if (nameOf(payload) !== 'a:1') return undefined
      isHit = true
      return forever()
    }
    const process = await runtime.start({ parts: [recorder({ before })] })
    const isParked = async (): Promise<boolean> => (await parkedOf(runtime.store)).length > 0
    await runtime.until(async () => isHit || (await isParked()), 'that it dies of it, or parks it')
    if (!isHit) break
    deaths++
    process.die()
  }
  assert.ok(deaths >= 2 && deaths <= 3, `twice is enough; it died ${deaths} times`)
  await runtime.until(async () => (await runtime.effects()).includes('b:1'), 'the other key')
  const [letter, follower] = await parkedOf(runtime.store)
  assert.equal(letter?.reason, 'killed')
  assert.equal(follower?.reason, 'behind')
}

const changedTo = (version: 1 | 2, seen: string[], shards = 1): readonly AnyPart[] => {
  const payload = sampleSchema<OrderPayload>('n')
  const Changed = defineEvent('Sample.Order.Changed', {
    payload,
    ...(version === 1 ? {} : { version, history: { 1: payload }, upcast: { 1: (old) => old } }),
  } as Parameters<typeof defineEvent>[1]) as never
  const subscription = defineSubscription(NAME, {
    events: Changed as unknown as string,
    shards,
    handle: (event) => void seen.push(`v${version} ${nameOf(event.payload as OrderPayload)}`),
  })
  return [Changed, subscription]
}

async function placeNewer(harness: StoreHarness, { store }: Runtime, key = 'a'): Promise<void> {
  for (const eventVersion of [1, 2]) {
    const event = sampleEvent(harness.ids, {
      stream: `Sample.Order/${key}`,
      eventType: 'Sample.Order.Changed',
      eventVersion,
      payload: { key, n: eventVersion },
    })
    await store.append([appendOf('any', event)])
  }
}

async function newer(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  const old = await runtime.start({ parts: changedTo(1, seen) })
  await placeNewer(harness, runtime)
  await runtime.until(() => stateOf(old) === 'waiting', 'that it says that it waits')
  const next = await runtime.start({ parts: changedTo(2, seen) })
  await runtime.until(() => seen.length === 2, 'that one that knows it takes over')
  assert.deepEqual(seen, ['v1 a:1', 'v2 a:2'])
  assert.deepEqual(await parkedOf(runtime.store), [])
  await next.close()
}

/** Each of the two has a shard, and the older one cannot keep its own. */
async function newerInShards(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'] as const
  await runtime.start({ parts: changedTo(1, seen, 2) })
  await runtime.start({ parts: changedTo(2, seen, 2) })
  const ownersOfShards = async (): Promise<number> => {
    const leases = await runtime.store.leases.list()
    const shards = leases.filter(({ name }) => name.includes('/'))
    return new Set(shards.map(({ owner }) => owner)).size
  }
  await runtime.until(async () => (await ownersOfShards()) === 2, 'that each has one')
  for (const key of keys) await placeNewer(harness, runtime, key)
  await runtime.until(() => seen.length === 2 * keys.length, 'that one that knows it takes over')
  for (const key of keys) {
    const ofKey = seen.filter((name) => name.includes(` ${key}:`))
    assert.deepEqual(
      ofKey.map((name) => name.slice(3)),
      [`${key}:1`, `${key}:2`],
    )
    assert.ok(ofKey[1]?.startsWith('v2'))
  }
  assert.deepEqual(await parkedOf(runtime.store), [])
}

async function nobodyKnows(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  const startMs = runtime.clock.now()
  const process = await runtime.start({ parts: changedTo(1, seen), delivery: { pollMs: 10_000 } })
  await placeNewer(harness, runtime)
  await runtime.until(() => stateOf(process) === 'waiting', 'that it waits')
  await runtime.clock.advance(540_000)
  await runtime.until(async () => (await parkedOf(runtime.store)).length > 0, 'that it is parked')
  const tookMs = runtime.clock.now() - startMs
  assert.ok(tookMs >= 600_000, `not before ten minutes are over; it took ${tookMs} ms`)
  assert.deepEqual(seen, ['v1 a:1'])
  const [letter] = await parkedOf(runtime.store)
  assert.equal(letter?.reason, 'unknown-version')
  await process.close()
}

async function runsNothing(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  const parts = [recorder({ seen }), recorder({ name: 'other', seen })]
  const idle = await runtime.start({ parts, delivery: { run: false } })
  await runtime.place('a', 1)
  await runtime.clock.advance(10_000)
  assert.deepEqual(seen, [], 'one that runs nothing handles nothing')
  assert.deepEqual(await runtime.store.subscriptions.list(), [])
  const one = await runtime.start({ parts, delivery: { run: [NAME] } })
  await runtime.until(() => seen.length === 1, 'one that runs some')
  await runtime.clock.advance(10_000)
  assert.deepEqual(seen, ['a:1'], 'handles what is of these')
  await carryOut(runtime, idle, { kind: 'pause' })
  assert.equal(stateOf(one), 'paused', 'who owns a subscription does what others ask of it')
}

async function separately(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const parts = ['one', 'two'].map((name) => recorder({ name }))
  const first = await runtime.start({ parts, delivery: { run: ['one'] } })
  const second = await runtime.start({ parts, delivery: { run: ['two'] } })
  await runtime.place('a', 1)
  await runtime.until(async () => (await runtime.effects()).length === 2, 'both')
  const owners = (await first.app.admin.subscriptions()).map(({ owner }) => owner)
  assert.deepEqual(new Set(owners).size, 2, 'each subscription has an owner of its own')
  await second.close()
  await first.close()
}

/** Several processes on one log, and one owner at a time. */
export const runtimeClusterScenarios: readonly Scenario[] = [
  scenario(
    'H50',
    'of processes that start at once one owns, and each event is handled once',
    oneOwner,
  ),
  scenario('H51', 'when the owner dies another takes over, under a higher token', takesOver),
  scenario('H52', 'a close hands over before a lease would run out', handsOver),
  scenario('H53', 'a process that stood still and was replaced writes nothing', fenced),
  scenario('H54', 'a handler is told that its process was replaced', isTold),
  scenario('H55', 'clocks that differ by hours change nothing', skewed),
  scenario('H56', 'an event that ends its process twice is parked', killer),
  scenario('H57', 'an event of a newer version waits for a process that knows it', newer),
  scenario('H58', 'one that nobody knows is parked after ten minutes', nobodyKnows),
  scenario('H59', 'a process runs what it is told to, and operations reach the owner', runsNothing),
  scenario('H60', 'each subscription has an owner of its own', separately),
  scenario('H68', 'two processes that append in turn each handle all of it, in order', inTurn),
  scenario(
    'H67',
    'a shard with an event of a newer version goes to a process that knows it',
    newerInShards,
  ),
]
