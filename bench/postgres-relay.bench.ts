import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scaled, type Bench, type Running, type Setting } from './harness/bench.ts'
import { recordMakerOf, type LogRow, type RawRecord } from './twins/consumer.ts'
import { RawPostgresConsumer, RECORD_COLUMNS } from './twins/postgres-consumer.ts'
import { appendScans, ParcelScanned } from './workload/parcels.ts'
import { pg, type Client } from '../packages/postgres/test/kit/raw-client.ts'
import { createDatabase } from '../packages/postgres/test/kit/server.ts'

const EVENTS = 120_000
const KEYS = 10_000
const BATCH = 1000

const note = ({ shared }: Pick<Setting, 'shared'>): string => join(shared, 'url')
const urlOf = (setting: Setting): string => readFileSync(note(setting), 'utf8')

/** What went out, so that nobody is fast by sending less. */
function sampleOf(records: readonly { readonly value: string }[]) {
  const bytes = records.reduce((sum, { value }) => sum + value.length, 0)
  return { count: records.length, figures: { bytes } }
}

async function ours(setting: Setting): Promise<Running> {
  const { bootstrap, defineModule, memoryPublisher } = await import('tidings')
  const { postgres } = await import('../packages/postgres/src/index.ts')
  const admin = await connect(setting)
  const begin = async () => {
    const publisher = memoryPublisher()
    const app = await bootstrap({
      store: postgres(urlOf(setting)),
      modules: [defineModule('bench', [ParcelScanned])],
      publisher,
      delivery: { run: false },
    })
    return { app, publisher }
  }
  let { app, publisher } = await begin()
  return {
    async sample() {
      const delivery = app.delivery as unknown as { start(names: readonly string[]): void }
      delivery.start(['relay'])
      await app.delivery.caughtUp({ names: ['relay'] })
      return sampleOf(publisher.records('parcels'))
    },
    async settle() {
      await app.close()
      // As if it had never been there.
      await admin.query('delete from tidings.subscriptions; delete from tidings.leases')
      ;({ app, publisher } = await begin())
    },
    async stop() {
      await app.close()
      await admin.end()
    },
  }
}

async function checkpointOnly(setting: Setting): Promise<Running> {
  const consumer = await RawPostgresConsumer.open(urlOf(setting))
  const makeRecord = recordMakerOf(
    await consumer.names('event_types'),
    await consumer.names('topics'),
  )
  return {
    async sample() {
      const records: RawRecord[] = []
      await consumer.relay((row) => records.push(makeRecord(row)))
      return sampleOf(records)
    },
    async settle() {
      await consumer.restart()
    },
    stop: () => consumer.close(),
  }
}

interface Outbox {
  /** Rows that are locked, sent and deleted in a transaction. */
  readonly batch: number
  /** Whether the end of a transaction travels together with the beginning of the next. */
  readonly overlaps: boolean
}

/** A table of what is still to be sent: rows are locked, sent and deleted, by one worker in their order. */
function skipLocked({ batch, overlaps }: Outbox): (setting: Setting) => Promise<Running> {
  return async (setting) => {
    const client = await connect(setting, { pipeline: overlaps })
    const names = async (table: string): Promise<ReadonlyMap<number, string>> => {
      const { rows } = await client.query<{ id: number; name: string }>(
        `select id, name from tidings.${table}`,
      )
      return new Map(rows.map(({ id, name }) => [id, name]))
    }
    const makeRecord = recordMakerOf(await names('event_types'), await names('topics'))
    const table = `bench_outbox_${batch}`
    await client.query(
      `create table ${table} as select * from tidings.event_log; alter table ${table} add primary key (position)`,
    )
    const begin = () => {
      const begun = client.query('begin')
      const rows = client.query<unknown[]>({
        name: 'next',
        rowMode: 'array',
        text: `select ${RECORD_COLUMNS} from ${table} order by position limit ${batch} for update skip locked`,
      })
      return Promise.all([begun, rows]).then(([, found]) => found.rows as unknown as LogRow[])
    }
    const end = (rows: readonly LogRow[]) =>
      Promise.all([
        client.query({
          name: 'sent',
          text: `delete from ${table} where position = any($1::bigint[])`,
          values: [`{${rows.map(([position]) => position).join(',')}}`],
        }),
        client.query('commit'),
      ])
    return {
      async sample() {
        const records: RawRecord[] = []
        let rows = await begin()
        while (rows.length > 0) {
          for (const row of rows) records.push(makeRecord(row))
          const ended = end(rows)
          if (!overlaps) await ended
          rows = await begin()
          await ended
        }
        await client.query('commit')
        return sampleOf(records)
      },
      async settle() {
        await client.query(`insert into ${table} select * from tidings.event_log`)
        await client.query(`vacuum analyze ${table}`)
      },
      stop: () => client.end(),
    }
  }
}

async function connect(setting: Setting, options: { pipeline?: boolean } = {}): Promise<Client> {
  const client = new pg.Client({ connectionString: urlOf(setting), ...options })
  await client.connect()
  return client
}

export const bench: Bench = {
  name: 'postgres-relay',
  summary:
    'what has a topic goes from PostgreSQL into memory, against a checkpoint and a SKIP LOCKED outbox by hand',
  clock: 'wall',
  shows: 'rate',
  unit: 'event',
  rounds: 9,
  warmups: 2,
  spawns: true,
  variants: [
    { name: 'ours', start: ours },
    { name: 'checkpoint only', start: checkpointOnly },
    { name: 'SKIP LOCKED', start: skipLocked({ batch: 100, overlaps: false }) },
    {
      name: 'SKIP LOCKED, its best case',
      informative: true,
      start: skipLocked({ batch: BATCH, overlaps: true }),
    },
  ],
  goals: [
    { kind: 'ratio', variant: 'ours', reference: 'checkpoint only', atLeast: 0.7 },
    { kind: 'ratio', variant: 'ours', reference: 'SKIP LOCKED', atLeast: 2 },
    { kind: 'ratio', variant: 'ours', reference: 'SKIP LOCKED, its best case' },
  ],
  figures: ['bytes'],
  agreeOn: 'bytes',
  notes: [
    `${EVENTS.toLocaleString('en')} events of 200 bytes over ${KEYS.toLocaleString('en')} keys, fsync on; client and server share the machine. All make the same records, byte for byte, and keep them.`,
    `Batches of ${BATCH.toLocaleString('en')}, and the checkpoint is written while the next page is read. The outbox is a table of its own that holds nothing else; one worker locks, sends and deletes 100 rows in a transaction, as in the measurement that the goal comes from. Its best case are batches of ${BATCH.toLocaleString('en')} whose end travels together with the next one's beginning: no relay that reads a log whole can be twice as fast as that, the checkpoint alone is not.`,
  ],
  async seed({ shared, scale }) {
    const { url } = await createDatabase('bench')
    writeFileSync(note({ shared }), url)
    const { bootstrap, defineModule } = await import('tidings')
    const { postgres } = await import('../packages/postgres/src/index.ts')
    const app = await bootstrap({
      store: postgres(url),
      modules: [defineModule('bench', [ParcelScanned])],
      delivery: { run: false },
    })
    await appendScans(app.store, { events: scaled(EVENTS, scale), keys: KEYS })
    await app.close()
    const client = new pg.Client(url)
    await client.connect()
    await client.query('create table bench_effects (grams integer not null, depot text not null)')
    await client.query('vacuum analyze tidings.event_log')
    await client.end()
  },
}
