import assert from 'node:assert/strict'
import { defineSubscription, StoreError, type Envelope } from 'tidings'
import { gate, scenario } from './expectations.ts'
import {
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
  recordEffect,
  stateOf,
  type Order,
  type Runtime,
} from './runtime-kit.ts'
import { sampleEvent, appendOf } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

async function markOf({ store }: Runtime): Promise<number> {
  return (await store.subscriptions.find(NAME))?.position ?? 0
}

async function positionOf({ store }: Runtime, name: string): Promise<number> {
  const orders = await store.query({ types: [OrderPlaced.type] }).toArray()
  const order = orders.find(({ payload }) => nameOf(payload as Order['payload']) === name)
  return order?.position ?? assert.fail(`There is no ${name}`)
}

/** A process that has handled three of `b`, and hangs in the first of `a`, which stands before them. */
async function hangInFirst(harness: StoreHarness): Promise<{
  readonly runtime: Runtime
  readonly die: () => void
}> {
  const runtime = await openRuntime(harness)
  await runtime.place('a', 1, 2)
  await runtime.place('b', 1, 2, 3)
  const before = ({ payload }: Order): unknown => (payload.key === 'a' ? forever() : undefined)
  const process = await runtime.start({ parts: [recorder({ before })] })
  await runtime.until(async () => (await runtime.effects()).length === 3, 'those that can go on')
  // Whatever would end without the first one ends now.
  await runtime.clock.advance(2000)
  return { runtime, die: () => process.die() }
}

async function ahead(harness: StoreHarness): Promise<void> {
  const { runtime, die } = await hangInFirst(harness)
  assert.deepEqual(await runtime.effects(), names('b', 1, 3))
  die()
  const seen: string[] = []
  const second = await runtime.start({ parts: [recorder({ seen })] })
  await second.caughtUp()
  assert.deepEqual(ofKey(seen, 'b'), [], 'what ran ahead is not handled again')
  assert.deepEqual(await runtime.effects(), [...names('b', 1, 3), ...names('a', 1, 2)])
}

async function hole(harness: StoreHarness): Promise<void> {
  const { runtime, die } = await hangInFirst(harness)
  const mark = await markOf(runtime)
  assert.ok(mark < (await positionOf(runtime, 'a:1')), 'the mark stands before what is not done')
  die()
  const seen: string[] = []
  const second = await runtime.start({ parts: [recorder({ seen })] })
  await second.caughtUp()
  assert.deepEqual(seen, ['a:1', 'a:2'], 'what was in flight is handled')
  const last = await positionOf(runtime, 'b:3')
  assert.ok((await markOf(runtime)) >= last, 'then the mark passes it')
}

async function anyStep(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const rounds = range(1, 24)
  let deaths = 0
  for (const round of rounds) {
    await runtime.place('a', 2 * round - 1, 2 * round)
    await runtime.place('b', 2 * round - 1, 2 * round)
    const isDone = async (): Promise<boolean> => (await runtime.effects()).length === 4 * round
    const mortal = await runtime.start({ parts: [recorder()], diesAfter: round + 2 })
    await runtime.until(async () => mortal.isDead || (await isDone()), 'that it dies, or is done')
    if (mortal.isDead) deaths++
    mortal.die()
    const healthy = await runtime.start({ parts: [recorder()] })
    await healthy.caughtUp()
    await healthy.close()
  }
  for (const key of ['a', 'b']) {
    const effects = ofKey(await runtime.effects(), key)
    assert.deepEqual(effects, names(key, 1, 2 * rounds.length), 'each once, in order')
  }
  assert.deepEqual(await parkedOf(runtime.store), [])
  assert.ok(deaths > rounds.length / 2, `it died ${deaths} times on its way`)
}

async function closes(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  const begun = gate()
  const before = async ({ payload }: Order): Promise<void> => {
    if (payload.n < 3) return
    begun.open()
    await runtime.clock.sleep(500)
  }
  const first = await runtime.start({ parts: [recorder({ seen, before })] })
  await runtime.place('a', ...range(1, 6))
  await runtime.during(begun.passed)
  await first.close()
  assert.deepEqual(await runtime.effects(), names('a', 1, 3), 'what was under way has ended')
  const second = await runtime.start({ parts: [recorder({ seen })] })
  await second.caughtUp()
  assert.deepEqual(seen, names('a', 1, 6), 'the next one goes on where it ended')
  await second.close()
  const third = await runtime.start({ parts: [recorder({ seen })] })
  await third.caughtUp()
  assert.deepEqual(seen, names('a', 1, 6), 'and a third has nothing to do')
  assert.deepEqual(await runtime.effects(), names('a', 1, 6))
}

async function keysOfRepeats(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const keys: string[] = []
  const outside = (isHanging: boolean) =>
    defineSubscription(NAME, {
      events: OrderPlaced,
      handle: async (_, { idempotencyKey }) => {
        keys.push(idempotencyKey)
        if (isHanging) await forever()
      },
    })
  const first = await runtime.start({ parts: [outside(true)] })
  await runtime.place('a', 1)
  await runtime.until(() => keys.length === 1, 'that it has begun')
  first.die()
  const second = await runtime.start({ parts: [outside(false)] })
  await runtime.place('b', 1)
  await second.caughtUp()
  assert.equal(keys.length, 3, 'what was in flight comes again')
  const [once, again, other] = keys
  assert.equal(once, again, 'with the same key, to be known by elsewhere')
  assert.notEqual(once, other, 'and another event with another')
}

async function groups(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  const after = ({ payload: { key, n } }: Order): void => {
    if (key === 'k3' && n === 2) throw new Error('not this one')
  }
  const parts = [recorder({ seen, after, effects: 'database' })]
  const process = await runtime.start({ parts })
  const keys = range(1, 6).map((n) => `k${n}`)
  for (const n of range(1, 5)) for (const key of keys) await runtime.place(key, n)
  await process.caughtUp()
  const effects = await runtime.effects()
  for (const key of keys) {
    assert.deepEqual(ofKey(effects, key), names(key, 1, key === 'k3' ? 1 : 5))
  }
  const parked = (await parkedOf(runtime.store)).map(({ reason }) => reason)
  assert.deepEqual(parked, ['failed', 'behind', 'behind', 'behind'])
}

async function batches(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const subscription = defineSubscription(NAME, {
    events: OrderPlaced,
    retry: { attempts: 1 },
    batch: { size: 16, age: 50 },
    handleBatch: async (orders, ctx) => {
      for (const order of orders) {
        const { key, n } = order.payload
        const { tx } = ctx.causedBy(order)
        await recordEffect(order, { tx })
        if (key === 'k3' && n === 2) throw new Error('not this one')
      }
    },
  })
  const process = await runtime.start({ parts: [subscription] })
  const keys = range(1, 6).map((n) => `k${n}`)
  for (const n of range(1, 5)) for (const key of keys) await runtime.place(key, n)
  await process.caughtUp()
  const effects = await runtime.effects()
  for (const key of keys) {
    assert.deepEqual(ofKey(effects, key), names(key, 1, key === 'k3' ? 1 : 5))
  }
  const [letter] = await parkedOf(runtime.store)
  assert.equal(
    letter?.position,
    await positionOf(runtime, 'k3:2'),
    'the culprit, and not its batch',
  )
}

const busy = new StoreError('TIDINGS_STORE_BUSY', 'sample', 'Too busy.', { retryable: true })

async function storeDown(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const process = await runtime.start({ parts: [recorder()] })
  await runtime.place('a', 1, 2)
  await process.caughtUp()
  process.troubledBy(busy)
  await runtime.place('a', 3, 4)
  await runtime.place('b', 1, 2)
  await runtime.clock.advance(30_000)
  assert.equal(stateOf(process), 'outage', 'it says so')
  assert.deepEqual(await runtime.effects(), names('a', 1, 2))
  process.troubledBy(undefined)
  await runtime.until(async () => (await runtime.effects()).length === 6, 'what came meanwhile')
  const effects = await runtime.effects()
  assert.deepEqual(ofKey(effects, 'a'), names('a', 1, 4))
  assert.deepEqual(ofKey(effects, 'b'), names('b', 1, 2))
  assert.deepEqual(await parkedOf(runtime.store), [], 'no event is blamed for it')
}

async function others(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const filtered: string[] = []
  const filter = (order: Order): boolean => {
    filtered.push(nameOf(order.payload))
    return order.payload.key === 'a'
  }
  const first = await runtime.start({ parts: [recorder({ filter })] })
  await runtime.place('a', 1)
  await runtime.place('b', 1, 2)
  for (const _ of range(1, 5))
    await runtime.store.append([appendOf('any', sampleEvent(harness.ids))])
  const head = await runtime.store.head()
  await runtime.until(async () => (await markOf(runtime)) >= head, 'that the mark is at the end')
  await first.close()
  filtered.length = 0
  const second = await runtime.start({ parts: [recorder({ filter })] })
  await second.caughtUp()
  assert.deepEqual(filtered, [], 'what was passed over is not looked at again')
  assert.deepEqual(await runtime.effects(), ['a:1'])
}

async function causes(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const process = await runtime.start({ parts: [recorder()] })
  await runtime.place('a', 1)
  await process.caughtUp()
  const [cause] = await runtime.store.query({ types: [OrderPlaced.type] }).toArray()
  const effects = await runtime.store.query({ types: ['Sample.Effect.Recorded'] }).toArray()
  const chain = ({ correlationId, causationId }: Envelope) => ({ correlationId, causationId })
  assert.deepEqual(effects.map(chain), [
    { correlationId: cause?.correlationId, causationId: cause?.eventId },
  ])
}

/** How far a subscription is, and what that means for what it does. */
export const runtimeProgressScenarios: readonly Scenario[] = [
  scenario('D60', 'what ran ahead of a slow key is not handled again', ahead),
  scenario('D61', 'the mark never passes what is not done', hole),
  scenario(
    'D62',
    'a process that dies at any step does nothing twice and leaves nothing out',
    anyStep,
  ),
  scenario('D63', 'after a close in good order nothing comes twice and nothing is lost', closes),
  scenario('D64', 'what is handled again has the same idempotency key', keysOfRepeats),
  scenario('D65', 'a group with a failing event: each effect once, the culprit parked', groups),
  scenario('D66', 'a batch with a failing event: each effect once, the culprit parked', batches),
  scenario('D67', 'a store that is down for half a minute loses nothing', storeDown),
  scenario('D68', 'progress passes what is none of the subscription’s', others),
  scenario('A66', 'correlation and causation go on from event to effect', causes),
]
