// One of the processes of the soak on PostgreSQL: appends, reads and handles until it is told to stop. Started
// by soak-postgres.ts, which speaks to it by lines on its input, and hears of it by lines of JSON.
import { createInterface } from 'node:readline'
// tidy-allow sleep: the producer paces itself, so that handlers keep up; nothing is waited for with it
import { setTimeout as pause } from 'node:timers/promises'
import { postgres } from '@tidings/postgres'
import { bootstrap } from 'tidings'
import { heapBytes } from './heap.ts'
import {
  Counted,
  hashOn,
  makeModule,
  ROLLED_BACK,
  type Reading,
  type Said,
} from './postgres-counters.ts'

const CALLERS = 4
/** One call of so many is a transaction with a row of its own; of those one of so many is rolled back. */
const TRANSACTION = 5
const ROLLBACK = 2
/** Positions that handlers of this process may be behind its producers. */
const MOST_BEHIND = 2000

interface Start {
  readonly url: string
  readonly name: string
  readonly lookEveryMs: number
  readonly paceMs: number
}

const { url, name, lookEveryMs, paceMs } = JSON.parse(process.argv[2] ?? '') as Start
const store = postgres({ connection: url, connections: 8 })
const app = await bootstrap({ store, modules: [makeModule()], delivery: { leaseMs: 5_000 } })
const stopping = new AbortController()
const acknowledged: Record<string, number> = {}

function say(line: Said): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Appends to a stream that only it writes, so that what is acknowledged can be counted. */
async function produce(key: string): Promise<void> {
  let n = 0
  for (let call = 1; !stopping.signal.aborted; call++) {
    const { position, isKept } = await appendOnce(key, { n: n + 1, call })
    if (isKept) acknowledged[key] = ++n
    do await pause(paceMs)
    while (position - handledUpTo() > MOST_BEHIND && !stopping.signal.aborted)
  }
}

async function appendOnce(
  key: string,
  { n, call }: { readonly n: number; readonly call: number },
): Promise<{ readonly position: number; readonly isKept: boolean }> {
  const append = {
    aggregateType: 'Soak.Counter',
    aggregateId: key,
    expectedVersion: n - 1,
    events: Counted({ key, n }),
  }
  if (call % TRANSACTION !== 0) {
    const [event] = await app.store.append(append)
    return { position: event?.position ?? 0, isKept: true }
  }
  const isKept = call % (TRANSACTION * ROLLBACK) !== 0
  const position = await app.store
    .transaction(async (tx) => {
      await tx.sql`insert into soak_rows values (${key}, ${n})`
      await tx.append(append)
      if (!isKept) throw new Error(ROLLED_BACK)
      return 0
    })
    .catch((error: unknown) => {
      if (isKept || !(error instanceof Error) || error.message !== ROLLED_BACK) throw error
      return 0
    })
  return { position, isKept }
}

/** By the shards that this process owns. */
function handledUpTo(): number {
  return Math.min(...app.delivery.subscriptions.flatMap(({ handledUpTo: mark }) => mark ?? []))
}

/** Reads on until there is `end`, and knows in the end which positions it has met. */
async function read(after: number, end: Promise<number>): Promise<Reading> {
  const reading = { from: after, hash: 0, count: 0 }
  let last = after
  let head = Number.POSITIVE_INFINITY
  const over = new AbortController()
  void end.then((position) => {
    head = position
    over.abort()
  })
  while (last < head) {
    for await (const { position } of store.readAll({ after: last })) {
      if (position <= last) throw new Error(`After position ${last} came ${position}`)
      if (position > head) return reading
      last = position
      reading.hash = hashOn(reading.hash, position)
      reading.count++
    }
    if (last < head && !over.signal.aborted) await waitBeyond(last, over.signal)
  }
  return reading
}

async function waitBeyond(position: number, signal: AbortSignal): Promise<void> {
  try {
    await store.waitBeyond(position, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function look(): Promise<void> {
  while (!stopping.signal.aborted) {
    say({ kind: 'heap', bytes: heapBytes() })
    await pause(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
  }
}

const head = Promise.withResolvers<number>()
const middle = Promise.withResolvers<number>()
const closed = Promise.withResolvers<void>()
createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, position] = line.split(' ')
  if (word === 'middle') void store.head().then(middle.resolve, middle.reject)
  else if (word === 'stop') stopping.abort()
  else if (word === 'head') head.resolve(Number(position))
  else closed.resolve()
})

const readings = Promise.all([
  read(0, head.promise),
  middle.promise.then((after) => read(after, head.promise)),
])
const keys = Array.from({ length: CALLERS }, (_, caller) => `${name}-${caller}`)
await Promise.all([...keys.map(produce), look()])
say({ kind: 'stopped', acknowledged })
say({ kind: 'read', readings: await readings })
await closed.promise
await app.close()
process.exit(0)
