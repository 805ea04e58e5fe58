import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { postgres, type PostgresStore } from '@tidings/postgres'
import { bootstrap, type App } from 'tidings'
import { expect, onTestFinished, test } from 'vitest'
import { findDumpTools, type Binaries } from './kit/binaries.ts'
import { initServer, startServer, type Server } from './kit/run-server.ts'
import { Counted, makeStandstill, Recorded, type Step } from './kit/standstill-events.ts'

const run = promisify(execFile)
const LEASE_MS = 1_000
const KEYS = ['a', 'b', 'c', 'd']
const BEFORE = 60
const HANDLED = 100

async function makeServer(binaries: Binaries): Promise<Server & { readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-dump-'))
  await initServer(folder, binaries)
  const server = await startServer(folder, binaries)
  onTestFinished(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })
  return { ...server, folder }
}

/** Its handlers stand still at the event with this number of each key until the gate opens. */
async function startApp(
  store: PostgresStore,
  gate: { readonly at: number; readonly opens: Promise<void> },
): Promise<App> {
  return bootstrap({
    store,
    modules: [
      makeStandstill(async ({ key, n }, tx) => {
        // Keys come to it one after the other, so that some have run ahead of others.
        if (n >= gate.at + 10 * KEYS.indexOf(key)) await gate.opens
        await tx.sql`insert into effects (key, n) values (${key}, ${n})`
      }),
    ],
    delivery: { leaseMs: LEASE_MS },
  })
}

async function appendRound(app: App, n: number): Promise<void> {
  for (const key of KEYS) {
    const events = Counted({ key, n })
    await app.store.append({ aggregateType: 'Standstill.Counter', aggregateId: key, events })
  }
}

function effectsOf(store: PostgresStore): Promise<Step[]> {
  return store.transaction((tx) => tx.sql<Step>`select key, n from effects order by id`)
}

async function requireExact(store: PostgresStore, rounds: number): Promise<void> {
  const rows = await effectsOf(store)
  const events = await store.readAll().toArray()
  const recorded = events
    .filter(({ eventType }) => eventType === Recorded.type)
    .map(({ payload }) => payload as Step)
  const counted = Array.from({ length: rounds }, (_, index) => index + 1)
  for (const key of KEYS) {
    const of = (steps: readonly Step[]) => steps.filter((step) => step.key === key)
    expect(
      of(rows).map(({ n }) => n),
      `rows of ${key}`,
    ).toEqual(counted)
    expect(
      of(recorded).map(({ n }) => n),
      `events of ${key}`,
    ).toEqual(counted)
  }
  expect(rows).toHaveLength(rounds * KEYS.length)
  expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
}

test('a dump of a live log goes on, on another server, where its progress stood: nothing is lost or repeated', async () => {
  const tools = findDumpTools()
  if (tools === undefined) {
    console.warn(
      'NOT SHOWN: a real pg_dump. None is installed here; the scenarios of conformance copy rows.',
    )
    expect(process.env['TIDINGS_REQUIRE_SERVICES'], 'where all is required, it is').not.toBe('1')
    return
  }
  const [source, target] = [await makeServer(tools), await makeServer(tools)]
  const store = postgres(source.url)
  await store.transaction(
    (tx) =>
      tx.sql`create table effects (id bigint generated always as identity, key text, n integer)`,
  )
  const gate = Promise.withResolvers<void>()
  const app = await startApp(store, { at: 20, opens: gate.promise })
  for (let n = 1; n <= BEFORE; n++) await appendRound(app, n)
  await expect
    .poll(async () => (await effectsOf(store)).length, { timeout: 60_000 })
    .toBeGreaterThanOrEqual(HANDLED)
  let rounds = BEFORE
  const file = join(source.folder, 'dump')
  const dumping = new AbortController()
  const dumped = run(tools.dump, [
    '-h',
    source.folder,
    '-U',
    'tidings',
    '-Fc',
    '-f',
    file,
    'postgres',
  ]).finally(() => dumping.abort())
  // It is live: events come while it is dumped.
  while (!dumping.signal.aborted) await appendRound(app, ++rounds)
  await dumped
  await run(tools.restore, [
    '-h',
    target.folder,
    '-U',
    'tidings',
    '--exit-on-error',
    '-d',
    'postgres',
    file,
  ])
  gate.resolve()
  const copy = postgres(target.url)
  const there = await copy.readAll().toArray()
  const ahead = (await copy.subscriptions.countAhead('echo')) ?? 0
  const handledThere = (await effectsOf(copy)).length
  // A moment between two statements of its work, with some of the keys ahead of others.
  expect(handledThere).toBeGreaterThanOrEqual(HANDLED)
  expect(ahead).toBeGreaterThan(0)
  expect(await store.readAll({ limit: there.length }).toArray()).toEqual(there)
  const roundsThere = there.filter(
    ({ eventType, payload }) => eventType === Counted.type && (payload as Step).key === 'd',
  ).length
  const again = await startApp(copy, { at: Number.POSITIVE_INFINITY, opens: Promise.resolve() })
  const cut = there.filter(({ eventType }) => eventType === Counted.type).length % KEYS.length
  // The dump may have come in the middle of a round.
  for (const key of KEYS.slice(cut === 0 ? KEYS.length : cut)) {
    const events = Counted({ key, n: roundsThere + 1 })
    await again.store.append({ aggregateType: 'Standstill.Counter', aggregateId: key, events })
  }
  const last = roundsThere + (cut === 0 ? 0 : 1) + 5
  for (let n = last - 4; n <= last; n++) await appendRound(again, n)
  for (const [one, log, n] of [
    [app, store, rounds],
    [again, copy, last],
  ] as const) {
    await expect
      .poll(async () => (await effectsOf(log)).length, { timeout: 60_000 })
      .toBe(n * KEYS.length)
    await requireExact(log, n)
    await one.close()
  }
  console.log(
    `dumped at ${there.length} events with ${handledThere} effects, ${ahead} positions ahead; ${last * KEYS.length} effects each once in the copy, ${rounds * KEYS.length} at home`,
  )
})
