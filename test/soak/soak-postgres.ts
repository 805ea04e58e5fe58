import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
// tidy-allow sleep: it lets the others work for as long as was asked for, and looks at them from time to time
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { postgres, type PostgresStore } from '@tidings/postgres'
import { createDatabase } from '../../packages/postgres/test/kit/server.ts'
import { megabytes } from './heap.ts'
import { hashOn, kinds, type Reading, type Said } from './postgres-counters.ts'

export interface PostgresSoakOptions {
  readonly processes: number
  readonly seconds: number
  /** Between two appends of a stream, milliseconds. */
  readonly paceMs: number
  readonly onProgress: (line: string) => void
}

export interface PostgresSoakTotals {
  readonly processes: number
  readonly acknowledged: number
  readonly effects: number
  readonly readers: number
  /** Of the process that grew most: after a collection, at the most in the first third and after it. */
  readonly firstBytes: number
  readonly laterBytes: number
}

const program = fileURLToPath(new URL('postgres-process.ts', import.meta.url))
const LOOKS = 30
/** How long handlers may take for what was left when the last event was there. */
const REST_MS = 120_000
/** More than what is under way at any time; in a short run also what is compiled on the way. */
const SLACK_BYTES = 8_000_000
const SHORT_SLACK_BYTES = 16_000_000
const SHORT_SECONDS = 120

/**
 * Lets several processes append, read and handle on one log, and holds what they say against what is there.
 *
 * @throws {AssertionError} something acknowledged is missing, a reader skipped something, an effect is missing,
 * doubled or out of order, or memory grew
 */
export async function soakPostgres(options: PostgresSoakOptions): Promise<PostgresSoakTotals> {
  const database = await createDatabase('soak')
  const store = postgres(database.url)
  try {
    await prepare(store)
    const said = await runAll(store, database.url, options)
    const { acknowledged, readers } = await checkLog(store, said)
    const effects = await checkEffects(store, said)
    return {
      processes: options.processes,
      acknowledged,
      effects,
      readers,
      ...requireFlat(said, options.seconds),
    }
  } finally {
    await store.close()
    await database.drop()
  }
}

export function describePostgresSoak(totals: PostgresSoakTotals): string {
  const { processes, acknowledged, effects, readers, firstBytes, laterBytes } = totals
  return `exact: ${processes} processes: ${acknowledged} acknowledged events all there, in order and nothing else; ${readers} readers skipped nothing; ${effects} effects each once and in order; heap ${megabytes(firstBytes)} in the first third, ${megabytes(laterBytes)} after it`
}

async function prepare(store: PostgresStore): Promise<void> {
  await store.transaction(async (tx) => {
    await tx.sql`create table soak_rows (key text, n integer, primary key (key, n))`
    await tx.sql`
      create table soak_counters (kind text, key text, last integer not null, misplaced integer not null, primary key (kind, key))`
  })
}

/** One of the processes, and what it has said. */
interface Member {
  readonly child: ChildProcess
  readonly ended: Promise<void>
  readonly heap: number[]
  readonly ready: Promise<void>
  readonly stopped: Promise<Readonly<Record<string, number>>>
  readonly readings: Promise<readonly Reading[]>
  tell(word: string): void
}

/** What all of them have said. */
interface Account {
  readonly acknowledged: ReadonlyMap<string, number>
  readonly readings: readonly Reading[]
  readonly heaps: readonly (readonly number[])[]
}

async function runAll(
  store: PostgresStore,
  url: string,
  { processes, seconds, paceMs, onProgress }: PostgresSoakOptions,
): Promise<Account> {
  const lookEveryMs = (seconds * 1000) / LOOKS
  const members = Array.from({ length: processes }, (_, index) =>
    startMember({ url, name: `p${index}`, lookEveryMs, paceMs }),
  )
  const failed = Promise.all(members.map(({ ended }) => ended))
  // Whoever ends by itself ends all.
  const unlessFailed = <Result>(work: Promise<Result>): Promise<Result> =>
    Promise.race([work, failed.then(() => Promise.reject(new Error('All have ended')))])
  try {
    await unlessFailed(Promise.all(members.map(({ ready }) => ready)))
    for (let part = 1; part <= 10; part++) {
      await unlessFailed(pause(seconds * 100))
      if (part === 3) for (const { tell } of members) tell('middle')
      onProgress(`${(seconds * part) / 10} s: at ${await store.head()}`)
    }
    for (const { tell } of members) tell('stop')
    const counts = await unlessFailed(Promise.all(members.map(({ stopped }) => stopped)))
    const acknowledged = new Map(counts.flatMap((count) => Object.entries(count)))
    const head = await store.head()
    for (const { tell } of members) tell(`head ${head}`)
    const readings = await unlessFailed(Promise.all(members.map((member) => member.readings)))
    await unlessFailed(untilHandled(store, acknowledged))
    for (const { tell } of members) tell('close')
    await failed
    return { acknowledged, readings: readings.flat(), heaps: members.map(({ heap }) => heap) }
  } finally {
    for (const { child } of members) child.kill('SIGKILL')
  }
}

function startMember(start: object): Member {
  const child = spawn(
    process.execPath,
    ['--conditions=@tidings/source', '--expose-gc', program, JSON.stringify(start)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const stopped = Promise.withResolvers<Readonly<Record<string, number>>>()
  const readings = Promise.withResolvers<readonly Reading[]>()
  const ready = Promise.withResolvers<void>()
  const heap: number[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Said
    if (said.kind === 'heap') {
      heap.push(said.bytes)
      ready.resolve()
    }
    if (said.kind === 'stopped') stopped.resolve(said.acknowledged)
    if (said.kind === 'read') readings.resolve(said.readings)
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`A process ended with ${signal ?? code}`))
    })
  })
  const tell = (word: string): void => void child.stdin.write(`${word}\n`)
  return {
    child,
    ended,
    heap,
    ready: ready.promise,
    stopped: stopped.promise,
    readings: readings.promise,
    tell,
  }
}

interface Counter {
  readonly kind: string
  readonly key: string
  readonly last: number
  readonly misplaced: number
}

function countersOf(store: PostgresStore): Promise<Counter[]> {
  return store.transaction(
    (tx) => tx.sql<Counter>`select kind, key, last, misplaced from soak_counters`,
  )
}

/** What is handled comes to what was acknowledged; in which order is looked at afterwards. */
async function untilHandled(
  store: PostgresStore,
  acknowledged: ReadonlyMap<string, number>,
): Promise<void> {
  const wanted = kinds.length * sumOf(acknowledged.values())
  const startMs = performance.now()
  for (;;) {
    const handled = sumOf((await countersOf(store)).map(({ last }) => last))
    if (handled >= wanted) return
    const isLate = performance.now() - startMs > REST_MS
    assert.ok(!isLate, `all ${wanted} effects come in the end; ${handled} have come`)
    await pause(50)
  }
}

/** The log: what was acknowledged, in the order of each key and nothing else; and each reader met all of it. */
async function checkLog(
  store: PostgresStore,
  { acknowledged, readings }: Account,
): Promise<{ readonly acknowledged: number; readonly readers: number }> {
  const again = readings.map(({ from }) => ({ from, count: 0, hash: 0 }))
  const counts = new Map<string, number>()
  let recordedAt = ''
  for await (const event of store.readAll()) {
    const { key, n } = event.payload as { key: string; n: number }
    assert.equal(n, (counts.get(key) ?? 0) + 1, `events of ${key} in their order`)
    assert.equal(event.streamVersion, n, `versions of ${key}`)
    counts.set(key, n)
    assert.ok(event.recordedAt >= recordedAt, `times of recording rise: ${event.position}`)
    recordedAt = event.recordedAt
    for (const reading of again) {
      if (event.position <= reading.from) continue
      reading.hash = hashOn(reading.hash, event.position)
      reading.count++
    }
  }
  assert.deepEqual(counts, acknowledged, 'what was acknowledged, and nothing else')
  assert.deepEqual(readings, again, 'every reader met every event, in its order')
  return { acknowledged: sumOf(counts.values()), readers: readings.length }
}

async function checkEffects(store: PostgresStore, { acknowledged }: Account): Promise<number> {
  const counters = await countersOf(store)
  const found = new Map(counters.map(({ kind, key, ...counts }) => [`${kind} ${key}`, counts]))
  const wanted = kinds.flatMap((kind) =>
    [...acknowledged].map(([key, last]) => [`${kind} ${key}`, { last, misplaced: 0 }] as const),
  )
  assert.deepEqual(found, new Map(wanted), 'each effect once, and in order')
  const [rows] = await store.transaction(
    (tx) => tx.sql<{ without: number }>`
      select count(*)::int as without from soak_rows r where not exists (
        select from tidings.event_log e where e.stream = 'Soak.Counter/' || r.key and e.version = r.n)`,
  )
  assert.equal(rows?.without, 0, 'no row of a transaction without its event')
  return sumOf(counters.map(({ last }) => last))
}

function requireFlat(
  { heaps }: Account,
  seconds: number,
): Pick<PostgresSoakTotals, 'firstBytes' | 'laterBytes'> {
  const slackBytes = seconds < SHORT_SECONDS ? SHORT_SLACK_BYTES : SLACK_BYTES
  const grown = heaps.map((heap) => {
    const third = Math.ceil(heap.length / 3)
    return {
      firstBytes: Math.max(...heap.slice(0, third)),
      laterBytes: Math.max(...heap.slice(third)),
    }
  })
  const worst = grown.toSorted(
    (a, b) => b.laterBytes - b.firstBytes - (a.laterBytes - a.firstBytes),
  )[0]
  assert.ok(worst !== undefined, 'somebody has looked at the heap')
  const growth = worst.laterBytes - worst.firstBytes
  assert.ok(growth <= slackBytes, `the heap stays flat; it grew by ${growth} bytes`)
  return worst
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}
