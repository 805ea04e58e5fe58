import assert from 'node:assert/strict'
import type { OperationRequest } from 'tidings'
import { scenario } from './expectations.ts'
import {
  carryOut,
  NAME,
  nameOf,
  names,
  ofKey,
  openRuntime,
  parkedOf,
  range,
  recorder,
  type OperationWish,
  type Order,
  type Process,
  type Recorder,
  type Runtime,
} from './runtime-kit.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const SHARDS = 4
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const

const sharded = (options: Recorder = {}) => recorder({ shards: SHARDS, ...options })

/** How many shards each process owns, by its name; only those that have one. */
async function ownersOf({ store }: Runtime): Promise<Readonly<Record<string, number>>> {
  const leases = await store.leases.list()
  const shards = leases.filter(({ name }) => name.startsWith(`${NAME}#`) && name.includes('/'))
  const counts: Record<string, number> = {}
  for (const { owner } of shards) counts[owner] = (counts[owner] ?? 0) + 1
  return counts
}

const untilShared = (runtime: Runtime, counts: readonly number[]): Promise<void> =>
  runtime.until(
    async () =>
      Object.values(await ownersOf(runtime))
        .toSorted((a, b) => a - b)
        .join() === counts.join(),
    `that the shards are shared as ${counts.join(' and ')}`,
  )

async function place(runtime: Runtime, from: number, to: number): Promise<void> {
  for (const n of range(from, to)) for (const key of KEYS) await runtime.place(key, n)
}

async function untilEffects(runtime: Runtime, count: number): Promise<void> {
  const has = async (): Promise<boolean> => (await runtime.effects()).length >= count
  await runtime.until(has, `${count} effects`)
}

async function assertEachOnceInOrder(runtime: Runtime, to: number): Promise<void> {
  const effects = await runtime.effects()
  for (const key of KEYS) assert.deepEqual(ofKey(effects, key), names(key, 1, to))
}

async function shares(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[][] = [[], []]
  const start = (one: number): Promise<Process> =>
    runtime.start({ parts: [sharded({ seen: seen[one]! })] })
  await start(0)
  await untilShared(runtime, [4])
  await place(runtime, 1, 3)
  await start(1)
  await untilShared(runtime, [2, 2])
  await place(runtime, 4, 6)
  await untilEffects(runtime, 6 * KEYS.length)
  await assertEachOnceInOrder(runtime, 6)
  const late = seen.map((names) => new Set(names.filter((name) => /[456]$/.test(name))))
  assert.ok(
    late.every(({ size }) => size > 0),
    'both handle what comes then',
  )
  assert.equal(late[0]!.size + late[1]!.size, 3 * KEYS.length, 'and none what the other does')
}

async function threeShare(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const all = await Promise.all(range(1, 3).map(() => runtime.start({ parts: [sharded()] })))
  await untilShared(runtime, [1, 1, 2])
  await place(runtime, 1, 2)
  await runtime.during(all[0]!.app.close())
  await untilShared(runtime, [2, 2])
  await place(runtime, 3, 4)
  await untilEffects(runtime, 4 * KEYS.length)
  await assertEachOnceInOrder(runtime, 4)
}

async function takesOver(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const first = await runtime.start({ parts: [sharded()] })
  await runtime.start({ parts: [sharded()] })
  await untilShared(runtime, [2, 2])
  await place(runtime, 1, 2)
  first.die()
  await place(runtime, 3, 4)
  await untilEffects(runtime, 4 * KEYS.length)
  await assertEachOnceInOrder(runtime, 4)
  await untilShared(runtime, [4])
}

async function asOne(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const isBroken = { now: true }
  const before = ({ payload }: Order): void => {
    if (isBroken.now && payload.n === 2) throw new Error(`${nameOf(payload)} fails`)
  }
  const [first] = await Promise.all(
    range(1, 2).map(() => runtime.start({ parts: [sharded({ before })] })),
  )
  await untilShared(runtime, [2, 2])
  await place(runtime, 1, 3)
  const parkedCount = 2 * KEYS.length
  const isParked = async (): Promise<boolean> =>
    (await parkedOf(runtime.store)).length === parkedCount
  await runtime.until(isParked, 'that all keys are parked')
  const { admin } = first!.app
  const [overview, ...others] = await admin.subscriptions()
  assert.deepEqual(others, [], 'it is one subscription')
  assert.equal(overview?.parked, parkedCount)
  assert.equal(overview?.deadLetters, KEYS.length)
  assert.equal(overview?.shards?.length, SHARDS)
  isBroken.now = false
  const redrive = await carryOut(runtime, first!, { kind: 'redrive' })
  assert.equal(redrive.state, 'done')
  assert.equal(redrive.result?.['moved'], parkedCount)
  assert.equal(redrive.result?.['resolved'], parkedCount)
  await assertEachOnceInOrder(runtime, 3)
  await carryOut(runtime, first!, { kind: 'pause' })
  await place(runtime, 4, 4)
  await runtime.clock.advance(10_000)
  assert.equal((await runtime.effects()).length, 3 * KEYS.length, 'all shards are paused')
  assert.equal((await admin.subscription(NAME)).isPaused, true)
  await carryOut(runtime, first!, { kind: 'resume' })
  await untilEffects(runtime, 4 * KEYS.length)
  const reset = await carryOut(runtime, first!, { kind: 'reset', to: 'beginning' })
  assert.deepEqual(reset.result, { generation: 2 })
  await untilEffects(runtime, 8 * KEYS.length)
  for (const key of KEYS) {
    const both = [...names(key, 1, 4), ...names(key, 1, 4)]
    assert.deepEqual(ofKey(await runtime.effects(), key), both)
  }
  const operations = await admin.operations.list({})
  assert.deepEqual(
    operations.map(({ kind, state, subscription }) => `${kind} ${subscription} ${state}`),
    ['redrive', 'pause', 'resume', 'reset'].map((kind) => `${kind} ${NAME} done`),
  )
}

/** Asks for something while nobody runs the subscription; then one process dies on the way, and another goes on. */
async function overDeath(
  runtime: Runtime,
  request: OperationWish,
  start: (options: { readonly diesAfter?: number }) => Promise<Process>,
  diesAfter: number,
): Promise<boolean> {
  const asker = await runtime.start({ parts: [], delivery: { run: false } })
  const asked = { subscription: NAME, by: 'ann', ...request } as OperationRequest
  const { operationId } = await asker.app.admin.request(asked)
  const hasEnded = async (): Promise<boolean> =>
    (await runtime.store.operations.find(operationId))?.state === 'done'
  const mortal = await start({ diesAfter })
  await runtime.until(async () => mortal.isDead || (await hasEnded()), 'that it dies, or is done')
  const hasDied = mortal.isDead
  mortal.die()
  const second = await start({})
  await runtime.until(hasEnded, 'that the next one carries it out')
  await second.caughtUp()
  await second.close()
  return hasDied
}

async function redriveOverDeath(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const broken = new Set<string>()
  const before = ({ payload }: Order): void => {
    if (broken.has(nameOf(payload))) throw new Error('Not yet')
  }
  const start = (options: { readonly diesAfter?: number }): Promise<Process> =>
    runtime.start({ parts: [recorder({ shards: 2, before })], ...options })
  const rounds = range(1, 14)
  let deaths = 0
  for (const round of rounds) {
    const keys = ['a', 'b', 'c'].map((key) => `r${round}${key}`)
    for (const key of keys) broken.add(`${key}:1`)
    const first = await start({})
    for (const key of keys) await runtime.place(key, 1, 2)
    await first.caughtUp()
    await first.close()
    broken.clear()
    if (await overDeath(runtime, { kind: 'redrive' }, start, 6 * round + 10)) deaths++
    for (const key of keys) {
      assert.deepEqual(ofKey(await runtime.effects(), key), names(key, 1, 2), 'each once')
    }
  }
  assert.ok(deaths > rounds.length / 2, `it died ${deaths} times on its way`)
}

async function changeOverDeath(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const start =
    (shards: number) =>
    (options: { readonly diesAfter?: number }): Promise<Process> =>
      runtime.start({ parts: [recorder({ shards })], ...options })
  const first = await start(2)({})
  for (const key of ['a', 'b', 'c']) await runtime.place(key, 1, 2)
  await first.caughtUp()
  await first.close()
  const rounds = range(1, 16)
  let deaths = 0
  for (const round of rounds) {
    const shards = [3, 1, 2][round % 3]!
    const request = { kind: 'reset', to: 'beginning' } as const
    if (await overDeath(runtime, request, start(shards), 4 * round + 2)) deaths++
    const effects = await runtime.effects()
    for (const key of ['a', 'b', 'c']) {
      const each = Array.from({ length: round + 1 }, () => names(key, 1, 2)).flat()
      assert.deepEqual(ofKey(effects, key), each, 'each once in a generation, in order')
    }
  }
  assert.ok(deaths > rounds.length / 2, `it died ${deaths} times on its way`)
}

/** A subscription in shards, shared by several processes. */
export const runtimeShardScenarios: readonly Scenario[] = [
  scenario(
    'H61',
    'two processes share the shards, each event once and in order of its key',
    shares,
  ),
  scenario('H62', 'of three processes none owns two shards more than another', threeShare),
  scenario('H63', 'the shards of a process that dies are taken over', takesOver),
  scenario('H64', 'all shards are shown, redriven, paused and reset as one subscription', asOne),
  scenario('H65', 'a redrive of all shards survives a death at any step', redriveOverDeath),
  scenario('H66', 'another number of shards survives a death at any step', changeOverDeath),
]
