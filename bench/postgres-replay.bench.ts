import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scaled, type Bench, type Running, type Setting } from './harness/bench.ts'
import type { OrderLine } from './workload/orders.ts'
import { fillLog } from './workload/seed-log.ts'
import { pg } from '../packages/postgres/test/kit/raw-client.ts'
import { createDatabase } from '../packages/postgres/test/kit/server.ts'

const EVENTS = 500_000
const PER_STREAM = 50

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

export const bench: Bench = {
  name: 'postgres-replay',
  summary: 'reads a whole log from PostgreSQL, against a bare keyset loop',
  clock: 'wall',
  shows: 'rate',
  unit: 'event',
  rounds: 5,
  warmups: 1,
  spawns: true,
  variants: [
    { name: 'ours, by pages', start: ours },
    { name: 'bare keyset loop', start: bareLoop },
  ],
  goals: [
    { kind: 'ratio', variant: 'ours, by pages', reference: 'bare keyset loop', atLeast: 0.7 },
  ],
  agreeOn: 'quantity',
  notes: [
    `${EVENTS.toLocaleString('en')} events of about 260 bytes of payload in streams of ${PER_STREAM}; client and server share the machine. Both read the same columns in pages of 1,000, one page after the other, and parse each payload; ours makes envelopes of them.`,
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
