import assert from 'node:assert/strict'
import { defineSubscription, type ParkedEvent, type SealedEvent } from 'tidings'
import { scenario } from './expectations.ts'
import {
  carryOut,
  firsts,
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
  type Order,
  type OrderPayload,
  type Process,
  type Runtime,
} from './runtime-kit.ts'
import { appendOf, sampleEvent } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

/** An order that is not appended yet. */
function orderOf({ ids }: StoreHarness, payload: OrderPayload): SealedEvent {
  return sampleEvent(ids, {
    stream: `Sample.Order/${payload.key}`,
    definition: OrderPlaced,
    payload,
  })
}

const keysOf = (count: number): string[] => range(1, count).map((n) => `k${n}`)

async function inOrder(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const { random } = harness
  const before = async (): Promise<void> => {
    await runtime.clock.sleep(20 * random.next())
    if (random.next() < 0.3) throw new Error('Not now')
  }
  const part = recorder({ before, retry: { attempts: 50, delay: 1, maxDelay: 5 } })
  const processes = [await runtime.start({ parts: [part] }), await runtime.start({ parts: [part] })]
  const keys = keysOf(6)
  for (const n of range(1, 15)) for (const key of keys) await runtime.place(key, n)
  await runtime.until(async () => (await runtime.effects()).length >= 90, 'all of them')
  await runtime.clock.advance(5000)
  const effects = await runtime.effects()
  for (const key of keys) assert.deepEqual(ofKey(effects, key), names(key, 1, 15))
  for (const process of processes) await process.close()
}

async function comeAndGo(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const before = (): Promise<void> => runtime.clock.sleep(10 * harness.random.next())
  const parts = [recorder({ before, concurrency: 3 })]
  const keys = keysOf(5)
  const running: Process[] = []
  for (const n of range(1, 12)) {
    for (const key of keys) await runtime.place(key, n)
    running.push(await runtime.start({ parts }))
    // In good order and not, in turn; always one more than there is work for.
    const leaving = running.length > 2 ? running.shift() : undefined
    if (n % 2 === 0) await leaving?.close()
    else leaving?.die()
    await runtime.clock.advance(30 * harness.random.next())
  }
  await redriveTheKilled(runtime, running)
  await runtime.until(async () => (await runtime.effects()).length >= 60, 'all of them')
  await runtime.clock.advance(5000)
  const effects = await runtime.effects()
  for (const key of keys) assert.deepEqual(ofKey(effects, key), names(key, 1, 12), 'each once')
  const letters = await parkedOf(runtime.store)
  assert.deepEqual(
    letters.filter(({ state }) => state !== 'resolved'),
    [],
  )
}

/** Deaths close to each other can all meet the same event: it is parked then, and its key behind it. */
async function redriveTheKilled(runtime: Runtime, [process]: readonly Process[]): Promise<void> {
  assert.ok(process !== undefined)
  let letters: readonly ParkedEvent[] = []
  await runtime.until(async () => {
    letters = await parkedOf(runtime.store)
    return letters.length + (await runtime.effects()).length >= 60
  }, 'all of them, or what was parked of them')
  if (letters.length === 0) return
  const others = letters.filter(({ reason }) => reason !== 'killed' && reason !== 'behind')
  assert.deepEqual(others, [], 'no handler failed')
  const killed = letters.filter(({ reason }) => reason === 'killed')
  assert.ok(killed.length <= 2, 'it takes three of the five deaths')
  await carryOut(runtime, process, { kind: 'redrive' })
}

async function stress(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const keys = keysOf(20)
  const orders = range(1, 10).flatMap((n) => keys.map((key) => orderOf(harness, { key, n })))
  const lists = [[], [], []] as string[][]
  const parts = lists.map((seen, index) =>
    recorder({
      name: `sample-${index}`,
      seen,
      effects: index === 1 ? 'database' : 'anywhere',
      order: index === 2 ? 'all' : 'key',
    }),
  )
  const process = await runtime.start({ parts })
  for (const order of orders) await runtime.store.append([appendOf('any', order)])
  await process.caughtUp()
  for (const seen of lists) {
    assert.equal(seen.length, orders.length)
    for (const key of keys) assert.deepEqual(ofKey(seen, key), names(key, 1, 10))
  }
  assert.equal((await runtime.effects()).length, 3 * orders.length)
}

async function bounded(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  let read = 0
  let running = 0
  let most = 0
  const filter = (): boolean => ++read > 0
  const before = (): Promise<never> => {
    most = Math.max(most, ++running)
    return forever()
  }
  const appends = keysOf(100).map((key) =>
    appendOf('any', ...range(1, 30).map((n) => orderOf(harness, { key, n }))),
  )
  await runtime.store.append(appends)
  const part = recorder({ filter, before, concurrency: 4, buffer: 50, timeout: Infinity })
  const process = await runtime.start({ parts: [part], delivery: { graceMs: 0 } })
  await runtime.until(() => running >= 4, 'that its places are taken')
  await runtime.clock.advance(10_000)
  assert.equal(most, 4, 'no more handlers at the same time than it says')
  assert.ok(read <= 50 + 512, `it reads its buffer and a page, and no more; it read ${read}`)
  const { lagEvents } = await process.app.admin.subscription(NAME)
  assert.ok(lagEvents >= 2900, 'and what it has left is seen')
  await process.close()
}

async function duplicates(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  const outside = (mayHang: boolean) =>
    defineSubscription(NAME, {
      events: OrderPlaced,
      concurrency: 4,
      handle: async ({ payload }) => {
        seen.push(nameOf(payload))
        if (mayHang && payload.n > 3) await forever()
      },
    })
  const keys = keysOf(10)
  for (const n of range(1, 6)) for (const key of keys) await runtime.place(key, n)
  const first = await runtime.start({ parts: [outside(true)] })
  await runtime.until(
    () => seen.filter((name) => name.endsWith(':4')).length === 4,
    'that all hang',
  )
  first.die()
  const second = await runtime.start({ parts: [outside(false)] })
  await second.caughtUp()
  assert.equal(firsts(seen).length, 60, 'nothing is missing')
  const repeats = seen.length - 60
  assert.ok(repeats <= 4, `no more comes twice than was in flight; ${repeats} did`)
}

async function strict(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  let running = 0
  const before = async (): Promise<void> => {
    assert.equal(++running, 1, 'one after the other')
    await runtime.clock.sleep(10 * harness.random.next())
    running--
  }
  const process = await runtime.start({ parts: [recorder({ seen, before, order: 'all' })] })
  const placed: string[] = []
  for (const n of range(1, 10)) {
    for (const key of ['a', 'b', 'c']) {
      placed.push(nameOf({ key, n }))
      await runtime.place(key, n)
    }
  }
  await process.caughtUp()
  assert.deepEqual(seen, placed, 'as they stand in the log')
  assert.deepEqual(await runtime.effects(), placed)
}

async function none(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const before = ({ payload }: Order): unknown => (payload.n === 1 ? forever() : undefined)
  const parts = [recorder({ before, order: 'none', timeout: Infinity })]
  const process = await runtime.start({ parts, delivery: { graceMs: 0 } })
  await runtime.place('a', ...range(1, 5))
  await runtime.until(async () => (await runtime.effects()).length === 4, 'those of the same key')
  await process.close()
}

async function rated(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const times: number[] = []
  const before = (): void => void times.push(runtime.clock.now())
  const process = await runtime.start({ parts: [recorder({ before, rate: 10 })] })
  await runtime.place('a', ...range(1, 21))
  await process.caughtUp()
  const tookMs = times.at(-1)! - times[0]!
  assert.ok(tookMs >= 1900, `21 at ten a second take 2 s; it took ${tookMs} ms`)
}

/** Many events, many processes, and what bounds them. */
export const runtimeLoadScenarios: readonly Scenario[] = [
  scenario('A59', 'the order per key is kept, by two processes and with random failures', inOrder),
  scenario('A60', 'processes come, go and die midway: each effect once, in order', comeAndGo),
  scenario('A61', 'many events, keys and subscriptions: all of it, in order', stress),
  scenario('A63', 'a slow handler bounds what is read and what runs', bounded),
  scenario('A64', 'no more comes twice after a death than was in flight', duplicates),
  scenario('A65', '`order: all` is one after the other, as they stand in the log', strict),
  scenario('A67', '`order: none` waits for nothing', none),
  scenario('A68', 'a rate is kept', rated),
]
