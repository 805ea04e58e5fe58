import { deepStrictEqual } from 'node:assert'
import { scaled, type Bench, type Running, type Setting } from './harness/bench.ts'
import { RawPostgresConsumer } from './twins/postgres-consumer.ts'
import { RawPostgresLog } from './twins/postgres-log.ts'
import { AppendMaker, drive } from './workload/appends.ts'
import { appendScans, ParcelScanned } from './workload/parcels.ts'
import { createDatabase } from '../packages/postgres/test/kit/server.ts'
import type { StreamAppend } from '../packages/core/src/store/store.ts'

const EVENTS = 40_000
const KEYS = 5_000
const UNITS = 2_000
const CALLERS = 8

type PostgresModule = typeof import('../packages/postgres/src/index.ts')
const ownModule = (): Promise<PostgresModule> => import('../packages/postgres/src/index.ts')

/** Fills the log of a database of its own with scans, by our own store. */
async function seedScans(url: string, scale: number): Promise<void> {
  const { bootstrap, defineModule } = await import('tidings')
  const { postgres } = await ownModule()
  const store = postgres(url)
  const modules = [defineModule('bench', [ParcelScanned])]
  const app = await bootstrap({ store, modules, delivery: { run: false } })
  await appendScans(app.store, { events: scaled(EVENTS, scale), keys: KEYS })
  await store.transaction(
    (tx) => tx.sql`create table bench_effects (grams integer not null, depot text not null)`,
  )
  await app.close()
}

/** A subscription that writes a row for each event; every sample is one that was never there. */
async function ours({ scale }: Setting): Promise<Running> {
  const { bootstrap, defineModule, defineSubscription } = await import('tidings')
  const { postgres } = await ownModule()
  type Sql = import('tidings').SqlTransaction
  const database = await createDatabase('bench')
  await seedScans(database.url, scale)
  const begin = (sample: number) =>
    bootstrap({
      store: postgres(database.url),
      delivery: { run: false },
      modules: [
        defineModule('bench', [
          defineSubscription<string, typeof ParcelScanned, Sql>(`sample-${sample}`, {
            events: ParcelScanned,
            effects: 'database',
            handle: async ({ payload: { grams, depot } }, { tx }) => {
              await tx.sql`insert into bench_effects values (${grams}, ${depot})`
            },
          }),
        ]),
      ],
    })
  let sample = 0
  let app = await begin(sample)
  return {
    async sample() {
      const delivery = app.delivery as unknown as { start(names: string[]): void }
      delivery.start([`sample-${sample}`])
      await app.delivery.caughtUp()
      return { count: scaled(EVENTS, scale) }
    },
    async settle() {
      const [row] = await app.store.transaction(
        (tx) =>
          tx.sql<{
            n: number
          }>`with gone as (delete from bench_effects returning 1) select count(*)::int as n from gone`,
      )
      deepStrictEqual(row?.n, scaled(EVENTS, scale), 'an effect for each event')
      await app.close()
      app = await begin(++sample)
    },
    async stop() {
      await app.close()
      await database.drop()
    },
  }
}

async function twin({ scale }: Setting): Promise<Running> {
  const database = await createDatabase('bench')
  await seedScans(database.url, scale)
  const consumer = await RawPostgresConsumer.open(database.url)
  return {
    sample: async () => ({ count: await consumer.run() }),
    async settle() {
      deepStrictEqual(await consumer.restart(), scaled(EVENTS, scale), 'an effect for each event')
    },
    async stop() {
      await consumer.close()
      await database.drop()
    },
  }
}

/** What appends together with a row of the caller's own. */
interface Units {
  append(append: StreamAppend): Promise<unknown>
  close(): Promise<void>
}

async function openOurUnits(url: string): Promise<Units> {
  const { postgres } = await ownModule()
  const store = postgres(url)
  await store.transaction((tx) => tx.sql`create table bench_units (stream text not null)`)
  return {
    append: (append) =>
      store.transaction(async (tx) => {
        await tx.sql`insert into bench_units values (${append.stream})`
        await tx.append([append])
      }),
    close: () => store.close(),
  }
}

async function openTwinUnits(url: string): Promise<Units> {
  const log = await RawPostgresLog.open(url)
  await log.query('create table bench_units (stream text not null)')
  return {
    append: (append) =>
      log.transact(append, (client) =>
        client.query('insert into bench_units values ($1)', [append.stream]),
      ),
    close: () => log.close(),
  }
}

function units(open: (url: string) => Promise<Units>) {
  return async ({ scale }: Setting): Promise<Running> => {
    const database = await createDatabase('bench')
    const log = await open(database.url)
    const calls = Math.max(CALLERS, scaled(UNITS, scale))
    const maker = new AppendMaker({ callers: CALLERS, eventsPerCall: 1, calls })
    let lists: StreamAppend[][] = []
    return {
      prepare() {
        lists = maker.next()
      },
      async sample() {
        await drive(lists, (append) => log.append(append))
        return { count: calls }
      },
      async stop() {
        await log.close()
        await database.drop()
      },
    }
  }
}

export const bench: Bench = {
  name: 'postgres-delivery',
  summary:
    'effects with their progress, and own rows with their events, in PostgreSQL, against loops by hand',
  clock: 'wall',
  shows: 'rate',
  unit: 'event',
  rounds: 9,
  warmups: 1,
  spawns: true,
  variants: [
    { name: 'ours, grouped', start: ours },
    { name: 'twin, grouped', start: twin },
    { name: 'ours, own row', start: units(openOurUnits) },
    { name: 'twin, own row', start: units(openTwinUnits) },
  ],
  goals: ['grouped', 'own row'].map((what) => ({
    kind: 'ratio' as const,
    variant: `ours, ${what}`,
    reference: `twin, ${what}`,
    atLeast: 0.8,
  })),
  notes: [
    `Client and server share the machine, fsync on. Grouped: ${EVENTS.toLocaleString('en')} events of 200 bytes over ${KEYS.toLocaleString('en')} keys; the effect is a row in a table of the user's. Own row: ${CALLERS} callers, each with a transaction of a row and an event, one after the other.`,
    'The twin of the grouped effects reads pages of 1,000, and sends 100 effects and the mark in one transaction without waiting between them. It knows no contracts, no keys, no fence. That of the own row calls the statement of the twin of postgres-append in a transaction of a pool as large as ours.',
  ],
}
