import pg from 'pg'
import { postgres, type PostgresStore } from '@tidings/postgres'
import type { EventFilter, ExpectedVersion, ReadOptions } from 'tidings'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

const EVENTS = 200_000

let database: TestDatabase
let admin: pg.Client
let store: PostgresStore

beforeAll(async () => {
  database = await createDatabase('plans')
  admin = new pg.Client(database.url)
  await admin.connect()
  store = postgres({ connection: database.url, prepare: false })
  await store.open()
  await fill()
})
afterAll(async () => {
  await store.close()
  await admin.end()
  await database.drop()
})

/** A log as it may be: 40 types of which one is rare, one tenant in ten events, a day of time. */
async function fill(): Promise<void> {
  await admin.query(`insert into tidings.event_types (name)
    select 'Sample.Type' || n || '.Happened' from generate_series(1, 40) n union all select 'Sample.Rare.Happened'`)
  await admin.query(`insert into tidings.topics (name) values ('sample')`)
  await admin.query(
    `insert into tidings.event_log (recorded_at, occurred_at, event_id, correlation_id, version, event_version, event_type, topic,
       stream, tenant, payload)
     select at, at, md5('e' || n)::uuid, md5('c' || n / 10)::uuid, n % 10 + 1, 1,
       case when n % 50000 = 0 then 41 else n % 40 + 1 end, 1,
       'Sample.Counter/' || n / 10, case when n % 10 = 0 then 'tenant-' || n % 7 end, '{"by":1}'
     from (select n, timestamptz '2026-11-21' + n * interval '400 ms' as at from generate_series(0, $1::int - 1) n) g`,
    [EVENTS],
  )
  await admin.query('analyze tidings.event_log')
}

/** The statements that a reading makes, explained as the server plans them. */
async function plansOf(read: () => Promise<unknown>): Promise<string[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query')
  await read()
  const asked = spy.mock.calls
    .map(([query]) => query as unknown as pg.QueryConfig<unknown[]>)
    .filter(({ text }) => typeof text === 'string' && text.includes('event_log'))
  spy.mockRestore()
  expect(asked.length).toBeGreaterThan(0)
  const plans: string[] = []
  for (const { text, values } of asked) {
    const { rows } = await admin.query<[string]>({
      text: `explain ${text}`,
      values: values ?? [],
      rowMode: 'array',
    } as never)
    plans.push(rows.map(([line]) => line).join('\n'))
  }
  return plans
}

const readings: readonly [what: string, filter: EventFilter, index: string][] = [
  ['the whole log', {}, 'event_log_pkey'],
  ['a stream', { stream: 'Sample.Counter/77' }, 'event_log_stream'],
  [
    'a correlation',
    { correlationId: '4f2016c6-b934-55dd-9c5c-f44a40d5ecc1' },
    'event_log_correlation',
  ],
  ['a common type', { types: ['Sample.Type7.Happened'] }, 'event_log_type'],
  ['a rare type', { types: ['Sample.Rare.Happened'] }, 'event_log_type'],
  ['types by a glob', { types: ['Sample.Type1*.Happened', 'Sample.Rare.*'] }, 'event_log_type'],
  ['a tenant', { tenant: 'tenant-3' }, 'event_log_tenant'],
  ['a tenant that is not there', { tenant: 'nobody' }, 'event_log_tenant'],
  [
    'a rare type of a tenant',
    { types: ['Sample.Rare.Happened'], tenant: 'tenant-3' },
    'event_log_type',
  ],
]
const ways: readonly ReadOptions[] = [
  { limit: 100 },
  { limit: 100, after: EVENTS / 2 },
  { limit: 100, after: EVENTS / 2, reverse: true },
]

describe('no reading of a log of 200,000 events walks through all of it', () => {
  test.each(readings)('%s', async (_, filter, index) => {
    for (const options of ways) {
      for (const plan of await plansOf(() => store.query(filter, options).toArray())) {
        expect(plan).not.toContain('Seq Scan on event_log')
        expect(plan).toContain(index)
        expect(plan, 'pages come in order of the index').not.toMatch(
          /Sort Key: e\.position(?! DESC)?$/m,
        )
      }
    }
  })

  test('a time of the event', async () => {
    const filter = { since: '2026-11-21T12:00:00Z', until: '2026-11-21T12:00:10Z' }
    for (const plan of await plansOf(() => store.query(filter).toArray())) {
      expect(plan).not.toContain('Seq Scan on event_log')
    }
  })

  test('an event, a command, the head, the streams', async () => {
    const { eventId } = makeEvent('1').envelope
    const plans = await plansOf(async () => {
      await store.findEvent(eventId)
      await store.head()
      await store.readStream('Sample.Counter/5').toArray()
      await store.catalog.streams({ prefix: 'Sample.', limit: 10 })
    })
    expect(plans).toHaveLength(4)
    for (const plan of plans) expect(plan).not.toContain('Seq Scan on event_log')
  })

  test('an append looks at entries of indexes, whatever it expects', async () => {
    const walks = async (expectedVersion: ExpectedVersion, ...ids: string[]): Promise<unknown> => {
      const counted = { rows: [] as { n: number }[] }
      const stream = `Sample.Counter/${expectedVersion === 'stream-exists' ? '7' : 'new'}`
      const events = ids.map((id) => makeEvent(stream.slice('Sample.Counter/'.length), id))
      const appending = store.transaction(async (tx) => {
        await tx.append([{ stream, expectedVersion, events }])
        counted.rows = await tx.sql`select seq_scan as n from pg_stat_xact_user_tables
          where schemaname = 'tidings' and relname = 'event_log'`
        throw new Error('rolled back')
      })
      await expect(appending).rejects.toThrow('rolled back')
      return counted.rows[0]?.n
    }
    const ids = Array.from({ length: 50 }, () => makeEvent('new').envelope.eventId)
    for (const expected of ['any', 'no-stream', 'stream-exists', 0] as const) {
      expect(await walks(expected, ...ids), `expecting ${expected}`).toBe(0)
    }
  })
})
