import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { scaled, type Bench, type Running, type Setting, type Variant } from './harness/bench.ts'
import { openOurs } from './twins/ours.ts'
import { createRegistry } from '../packages/core/src/contract/registry.ts'
import type { EventReader } from '../packages/core/src/store/store.ts'
import { seedLog, type SeedPlan } from './workload/seed-log.ts'
import {
  LineAdded,
  LineRemoved,
  OrderConfirmed,
  OrderPlaced,
  type OrderLine,
} from './workload/orders.ts'

const EVENTS = 500_000
const plan = (scale: number): SeedPlan => ({
  streams: scaled(EVENTS / 50, scale),
  eventsPerStream: 50,
})
const file = ({ shared }: Pick<Setting, 'shared'>): string => join(shared, 'log.db')

/** Adds up a number of each payload, so that every variant has to have it, and the sums can be compared. */
async function eachEvent(reader: EventReader): Promise<Total> {
  let [events, quantity] = [0, 0]
  for await (const event of reader) {
    events++
    quantity += (event.payload as OrderLine).quantity
  }
  return { events, quantity }
}

async function eachPage(reader: EventReader, read = <E>(event: E): E => event): Promise<Total> {
  let [events, quantity] = [0, 0]
  for await (const page of reader.pages()) {
    for (const event of page) {
      events++
      quantity += (read(event).payload as OrderLine).quantity
    }
  }
  return { events, quantity }
}

interface Total {
  readonly events: number
  readonly quantity: number
}

type Columns = readonly [
  number,
  string,
  number,
  string,
  number,
  number,
  string,
  string | null,
  number,
  number,
  number | null,
  string,
  string | null,
]

/** The same columns, pages and parsed payloads; nothing is made of them. */
function bareLoop(database: DatabaseSync): Total {
  const page = database.prepare(
    `select position, stream, version, event_id, event_type, event_version, correlation_id, causation_id,
       occurred_at, recorded_at, schema, payload, metadata
     from event_log where position > ? order by position limit 1000`,
    { returnArrays: true },
  )
  let [events, quantity, position] = [0, 0, 0]
  for (;;) {
    const rows = page.all(position) as unknown as readonly Columns[]
    for (const row of rows) {
      events++
      quantity += (JSON.parse(row[11]) as OrderLine).quantity
      position = row[0]
    }
    if (rows.length < 1000) return { events, quantity }
  }
}

function reading(
  name: string,
  work: (setting: Setting) => Promise<Sampler>,
  environment: string,
  informative = false,
): Variant {
  return {
    name,
    ...(informative ? { informative } : {}),
    env: { NODE_ENV: environment },
    async start(setting): Promise<Running> {
      const { read, stop } = await work(setting)
      const expected = plan(setting.scale).streams * 50
      return {
        async sample() {
          const total = await read()
          if (total.events !== expected)
            throw new Error(`read ${total.events} events of ${expected}`)
          return { count: total.events, figures: { quantity: total.quantity } }
        },
        stop,
      }
    },
  }
}

interface Sampler {
  readonly read: () => Promise<Total> | Total
  readonly stop: () => Promise<void> | void
}

const ours =
  (read: (reader: EventReader) => Promise<Total>) =>
  async (setting: Setting): Promise<Sampler> => {
    const store = await openOurs(file(setting))
    return { read: () => read(store.readAll()), stop: () => store.close() }
  }

const registry = createRegistry([OrderPlaced, LineAdded, LineRemoved, OrderConfirmed])

export const bench: Bench = {
  name: 'replay',
  summary: 'reading 500,000 events in order, against a bare loop over the same columns',
  clock: 'cpu',
  shows: 'rate',
  unit: 'event',
  rounds: 7,
  warmups: 1,
  variants: [
    reading('ours, per event', ours(eachEvent), 'production'),
    reading('ours, per page', ours(eachPage), 'production'),
    reading(
      'ours, per page, through the contracts',
      ours((reader) => eachPage(reader, (event) => registry.read(event as never) as never)),
      'production',
      true,
    ),
    reading('ours, per event, development', ours(eachEvent), 'development', true),
    reading(
      'bare loop',
      async (setting) => {
        const database = new DatabaseSync(file(setting), { readOnly: true })
        database.exec('pragma cache_size = -32768')
        return { read: () => bareLoop(database), stop: () => database.close() }
      },
      'production',
    ),
  ],
  goals: [
    { kind: 'ratio', variant: 'ours, per event', reference: 'bare loop', atLeast: 0.7 },
    { kind: 'ratio', variant: 'ours, per page', reference: 'bare loop', atLeast: 0.7 },
    { kind: 'ratio', variant: 'ours, per page, through the contracts', reference: 'bare loop' },
    { kind: 'ratio', variant: 'ours, per event, development', reference: 'bare loop' },
  ],
  notes: [
    'NODE_ENV=production, in which envelopes are frozen but payloads are not; in development payloads are frozen to the bottom, and the row says what that costs.',
    'The bare loop reads the same 13 columns in pages of 1000 as arrays and parses the payload; it parses no metadata, makes no times of numbers and no envelope.',
  ],
  agreeOn: 'quantity',
  seed: ({ shared, scale }) => seedLog(file({ shared }), plan(scale)),
}
