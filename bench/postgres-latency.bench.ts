import { scaled, type Bench, type Running, type Setting } from './harness/bench.ts'
import { toEmmett } from './twins/emmett.ts'
import { openPostgresEmmett } from './twins/postgres-emmett.ts'
import { RawPostgresLog } from './twins/postgres-log.ts'
import { atPace, Stopwatch } from './workload/pace.ts'
import { ParcelScanned } from './workload/parcels.ts'
import { sealDraft } from '../packages/core/src/contract/seal.ts'
import { systemIds } from '../packages/core/src/internal/ids.ts'
import type { StreamAppend } from '../packages/core/src/store/store.ts'
import { pg } from '../packages/postgres/test/kit/raw-client.ts'
import { createDatabase } from '../packages/postgres/test/kit/server.ts'

const SAMPLE = 500
const EVERY_MS = 2
/** Whoever has not got an event by then never gets it. */
const LIMIT_MS = 5000
const NOTE = 'left at the side door, neighbour signed'

/** An event of a new stream, whose payload says which of the sample it is. */
function appendOf(n: number): StreamAppend {
  const aggregateId = systemIds.newId(Date.now())
  const event = sealDraft(
    ParcelScanned({ parcelId: aggregateId, depot: 'd', grams: n, note: NOTE }),
    {
      aggregateType: 'Bench.Parcel',
      aggregateId,
      correlationId: aggregateId,
      causationId: undefined,
      metadata: {},
      clock: {
        now: Date.now,
        sleep: () => Promise.reject(new Error('nobody waits by this clock')),
      },
      ids: systemIds,
    },
  )
  return { stream: `Bench.Parcel/${aggregateId}`, expectedVersion: 0, events: [event] }
}

/** The same for all: the clock runs from the call of the append to the first line of the handler. */
function paced(
  watch: Stopwatch,
  scale: number,
  append: (call: StreamAppend) => Promise<unknown>,
): Running['sample'] {
  const count = scaled(SAMPLE, scale)
  return async () => {
    const appends = Array.from({ length: count }, (_, n) => appendOf(n))
    await atPace(count, EVERY_MS, (n) => {
      watch.begin(n)
      return append(appends[n]!)
    })
    const figures = await watch.figures(count, LIMIT_MS)
    return { count: count - (figures['missing'] ?? 0), figures }
  }
}

async function ours({ scale }: Setting): Promise<Running> {
  const { bootstrap, defineModule, defineSubscription } = await import('tidings')
  const { postgres } = await import('../packages/postgres/src/index.ts')
  const database = await createDatabase('bench')
  const watch = new Stopwatch()
  const scans = defineSubscription('scans', {
    events: ParcelScanned,
    handle: ({ payload: { grams } }) => watch.end(grams),
  })
  const store = postgres(database.url)
  const app = await bootstrap({ store, modules: [defineModule('bench', [ParcelScanned, scans])] })
  return {
    sample: paced(watch, scale, (append) => store.append([append])),
    async stop() {
      await app.close()
      await database.drop()
    },
  }
}

/** The same process appends, wakes the loop when the append is answered, and the loop notes its mark after each page. */
async function twin({ scale }: Setting): Promise<Running> {
  const database = await createDatabase('bench')
  const log = await RawPostgresLog.open(database.url)
  const client = new pg.Client({ connectionString: database.url, pipeline: true })
  await client.connect()
  await client.query('create table bench_mark (position bigint not null)')
  await client.query('insert into bench_mark values (0)')
  const watch = new Stopwatch()
  let position = '0'
  let isCalled = false
  let running: Promise<void> | undefined
  const readAll = async (): Promise<void> => {
    while (isCalled) {
      isCalled = false
      const { rows } = await client.query<{ position: string; payload: { grams: number } }>({
        name: 'page',
        text: `select position, stream, version, event_id, event_type, occurred_at, recorded_at, metadata, payload
          from twin.event_log where position > $1 order by position limit 1000`,
        values: [position],
      })
      for (const { payload } of rows) watch.end(payload.grams)
      position = rows.at(-1)?.position ?? position
      await client.query({
        name: 'mark',
        text: 'update bench_mark set position = $1',
        values: [position],
      })
    }
    running = undefined
  }
  return {
    sample: paced(watch, scale, async (append) => {
      await log.append(append)
      isCalled = true
      running ??= readAll()
    }),
    async stop() {
      await running
      await client.end()
      await log.close()
      await database.drop()
    },
  }
}

async function emmett({ scale }: Setting): Promise<Running> {
  const database = await createDatabase('bench')
  const log = await openPostgresEmmett(database.url)
  const watch = new Stopwatch()
  const consumer = log.consume('bench', ({ data }) => watch.end((data as { grams: number }).grams))
  return {
    sample: paced(watch, scale, (append) => log.append(toEmmett(append))),
    async stop() {
      await consumer.stop()
      await log.close()
      await database.drop()
    },
  }
}

const QUANTILES = ['p50 µs', 'p99 µs']

export const bench: Bench = {
  name: 'postgres-latency',
  summary:
    'from the call of an append to the handler at 500 appends a second, in one process, on PostgreSQL',
  clock: 'wall',
  shows: 'rate',
  unit: 'event',
  rounds: 9,
  warmups: 1,
  spawns: true,
  variants: [
    { name: 'ours', start: ours },
    { name: 'twin, woken by hand', start: twin },
    { name: 'Emmett', start: emmett, needsPeers: true },
  ],
  goals: QUANTILES.flatMap((figure) => [
    {
      kind: 'ratio' as const,
      variant: 'ours',
      reference: 'twin, woken by hand',
      figure,
      atMost: 3,
    },
    { kind: 'ratio' as const, variant: 'ours', reference: 'Emmett', figure, atMost: 1 / 30 },
  ]),
  figures: [...QUANTILES, 'missing'],
  notes: [
    `${SAMPLE} appends of an event, one every ${EVERY_MS} ms, each to a stream of its own, fsync on; client and server share the machine. The clock runs from the call of the append to the first line of the handler. The rate is that of the pace.`,
    'Ours is handed the event by the answer of its append and reads nothing back. The twin is the strict one: its loop is called in the turn in which the append was answered, reads, handles, and writes its mark.',
    `Emmett is its consumer with a reactor as documented, every default. What it has not handled after ${LIMIT_MS / 1000} s counts as missing, and in no quantile: its reader can pass events that are committed late.`,
  ],
}
