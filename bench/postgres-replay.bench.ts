import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scaled, type Bench, type Running, type Setting } from './harness/bench.ts'
import { toEmmett } from './twins/emmett.ts'
import { openPostgresEmmett } from './twins/postgres-emmett.ts'
import { AppendMaker, drive } from './workload/appends.ts'
import type { OrderLine } from './workload/orders.ts'
import { fillLog } from './workload/seed-log.ts'
import { pg } from '../packages/postgres/test/kit/raw-client.ts'
import { createDatabase } from '../packages/postgres/test/kit/server.ts'

const EVENTS = 500_000
const PER_STREAM = 50
/** A fiftieth: it reads so much slower, and a smaller table is to its advantage. */
const EMMETT_EVENTS = 10_000

const note = ({ shared }: Pick<Setting, 'shared'>): string => join(shared, 'url')
const urlOf = (setting: Setting): string => readFileSync(note(setting), 'utf8')

/** Adds up a number of each payload, so that every variant has to have it, and the sums can be compared. */
async function ours(setting: Setting): Promise<Running> {
  const { postgres } = await import('../packages/postgres/src/index.ts')
  const store = postgres(urlOf(setting))
  await store.open()
  return {
    async sample() {
      let [count, quantity] = [0, 0]
      for await (const page of store.readAll().pages()) {
        for (const event of page) {
          count++
          quantity += (event.payload as OrderLine).quantity
        }
      }
      return { count, figures: { quantity } }
    },
    stop: () => store.close(),
  }
}

/** The same columns, pages and parsed payloads; nothing is made of them. */
async function bareLoop(setting: Setting): Promise<Running> {
  const client = new pg.Client(urlOf(setting))
  await client.connect()
  return {
    async sample() {
      let [count, quantity, position] = [0, 0, '0']
      for (;;) {
        const { rows } = await client.query<(string | OrderLine)[]>({
          name: 'page',
          rowMode: 'array',
          text: `select position, stream, version, event_id, event_type, event_version, correlation_id, causation_id,
              extract(epoch from occurred_at) * 1000, extract(epoch from recorded_at) * 1000, schema, payload, metadata
            from tidings.event_log where position > $1 order by position limit 1000`,
          values: [position],
        })
        for (const row of rows) {
          count++
          quantity += (row[11] as OrderLine).quantity
          position = row[0] as string
        }
        if (rows.length === 0) return { count, figures: { quantity } }
      }
    },
    stop: () => client.end(),
  }
}

/** Its consumer, with pages as large as ours and no pause between them: each sample is a processor that was never there. */
async function emmett({ scale }: Setting): Promise<Running> {
  const database = await createDatabase('bench')
  const log = await openPostgresEmmett(database.url)
  const calls = scaled(EMMETT_EVENTS / 5, scale)
  // One caller: of what eight append at the same time its reader passes over an eighth.
  const lists = new AppendMaker({ callers: 1, eventsPerCall: 5, calls }).next()
  await drive(lists, (append) => log.append(toEmmett(append)))
  const pulling = { batchSize: 1000, pullingFrequencyInMs: 0 }
  let sample = 0
  return {
    async sample() {
      let [count, quantity] = [0, 0]
      const { promise: allHandled, resolve } = Promise.withResolvers<void>()
      const handle = ({ data }: { readonly data: unknown }): void => {
        quantity += (data as OrderLine).quantity
        if (++count === calls * 5) resolve()
      }
      const consumer = log.consume(`bench-${sample++}`, handle, { pulling })
      await Promise.race([allHandled, consumer.running])
      await consumer.stop()
      return { count, figures: { quantity } }
    },
    async stop() {
      await log.close()
      await database.drop()
    },
  }
}

export const bench: Bench = {
  name: 'postgres-replay',
  summary: 'reads a whole log from PostgreSQL, against a bare keyset loop and Emmett',
  clock: 'wall',
  shows: 'rate',
  unit: 'event',
  rounds: 5,
  warmups: 1,
  spawns: true,
  variants: [
    { name: 'ours, by pages', start: ours },
    { name: 'bare keyset loop', start: bareLoop },
    { name: 'Emmett, tuned', start: emmett, needsPeers: true, otherWork: true },
  ],
  goals: [
    { kind: 'ratio', variant: 'ours, by pages', reference: 'bare keyset loop', atLeast: 0.7 },
    { kind: 'ratio', variant: 'ours, by pages', reference: 'Emmett, tuned', atLeast: 5 },
  ],
  agreeOn: 'quantity',
  notes: [
    `${EVENTS.toLocaleString('en')} events of about 260 bytes of payload in streams of ${PER_STREAM}; client and server share the machine. Both read the same columns in pages of 1,000, one page after the other, and parse each payload; ours makes envelopes of them.`,
    `Emmett reads ${EMMETT_EVENTS.toLocaleString('en')} events through its consumer, in batches of 1,000 with no pause between (by default 100, and a pause of 50 ms); it sorts the whole table for each. They were appended by one caller: of 10,000 that eight had appended at the same time its consumer handled 8,748, and never the others.`,
  ],
  async seed({ shared, scale }) {
    const { url } = await createDatabase('bench')
    writeFileSync(note({ shared }), url)
    const { postgres } = await import('../packages/postgres/src/index.ts')
    await fillLog(postgres(url), {
      streams: scaled(EVENTS / PER_STREAM, scale),
      eventsPerStream: PER_STREAM,
    })
  },
}
