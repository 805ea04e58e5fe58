import pg from 'pg'
import { postgres, type PostgresStore } from '@tidings/postgres'
import type { EventFilter, ExpectedVersion, ReadOptions } from 'tidings'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { fillDelivery, fillLog } from './kit/fill-log.ts'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

const EVENTS = 1_000_000
/** Of other tables: their plans are the same with fewer rows. */
const ROWS = 100_000
/** The first of them is due then, and the others a millisecond later each. */
const DUE = 1_800_000_000_000

let database: TestDatabase
let admin: pg.Client
let store: PostgresStore

beforeAll(async () => {
  database = await createDatabase('plans')
  admin = new pg.Client(database.url)
  await admin.connect()
  store = postgres({ connection: database.url, prepare: false })
  await store.open()
  await fillLog(admin, EVENTS)
  await fillDelivery(admin, { rows: ROWS, dueAt: DUE, mark: EVENTS - 1000 })
}, 240_000)
afterAll(async () => {
  await store.close()
  await admin.end()
  await database.drop()
})

/** The statements on a table that a call makes, explained as the server plans them. */
async function plansOf(read: () => Promise<unknown>, table = 'event_log'): Promise<string[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query')
  await read()
  const asked = spy.mock.calls
    .map(([query]) => query as unknown as pg.QueryConfig<unknown[]>)
    .filter(
      ({ text }) =>
        typeof text === 'string' && text.includes(`.${table}`) && !text.startsWith('lock'),
    )
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
    { correlationId: '01a22656-0000-7000-8000-00000000cafe' },
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

describe('no reading of a log of a million events walks through all of it', () => {
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
      const id = expectedVersion === 'stream-exists' ? '7' : 'new'
      const stream = `Sample.Counter/${id}`
      const events = ids.map((eventId) => makeEvent(id, eventId))
      const appending = store.transaction(async (tx) => {
        await tx.append([{ stream, expectedVersion, events }])
        // One of several streams is appended by another function.
        await tx.append([appendTo('8', makeEvent('8')), appendTo('9', makeEvent('9'))])
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

describe('nor does deletion, which finds what may go by an index', () => {
  const choice = { before: '2026-12-01T00:00:00.000Z', unsent: true }

  test('work that is due, from the beginning and from the middle', async () => {
    for (const after of [0, EVENTS / 2]) {
      const [, due = ''] = await plansOf(() => store.retention.due(choice, { after, limit: 500 }))
      expect(due).toContain('Index Scan using event_log_work on event_log e')
      expect(due).not.toContain('Seq Scan')
    }
  })

  test('a stream as a whole', async () => {
    const streams = ['Sample.Counter/7']
    const [, due = ''] = await plansOf(() =>
      store.retention.due({ ...choice, streams }, { limit: 500 }),
    )
    expect(due).toContain('Index Scan using event_log_stream on event_log e')
    expect(due).not.toContain('Seq Scan')
  })

  test('a batch that is deleted', async () => {
    const events = await store.retention.due(choice, { limit: 200 })
    expect(events).toHaveLength(200)
    const removing = async (): Promise<void> => {
      expect(await store.retention.remove(choice, events)).toBe(200)
    }
    const plans = await plansOf(removing)
    expect(plans).toHaveLength(2)
    for (const plan of plans) expect(plan).not.toMatch(/Seq Scan on (?:event_log|parked)/)
    expect(plans[1]).toContain('Delete on event_log e')
  })
})

describe('nor does what waits for its time', () => {
  test('timers that are due, and the next of them', async () => {
    const plans = await plansOf(async () => {
      expect(await store.timers.due(DUE + 50, 16)).toHaveLength(5)
      expect(await store.timers.next()).toBe(DUE + 10)
    }, 'timers')
    expect(plans).toHaveLength(2)
    for (const plan of plans) expect(plan).toMatch(/using timers_due on timers/)
    expect(plans[0], 'also where fewer are due than are wanted').toMatch(/Index Cond: .*due_at <= /)
  })

  test('parked events: of a key, of a subscription, by state', async () => {
    const plans = await plansOf(async () => {
      expect(await store.parked.head('mail-1', 1, 'key-1')).toBeDefined()
      expect(await store.parked.keys('mail-1', 1)).not.toEqual([])
      const filter = { subscription: 'mail-1', generation: 1, states: ['parked' as const] }
      expect(await store.parked.list(filter, { limit: 10 })).toHaveLength(10)
      expect(await store.parked.count(filter)).toBeGreaterThan(10)
      await store.parked.groups({})
    }, 'parked')
    expect(plans).toHaveLength(5)
    for (const plan of plans) expect(plan).not.toContain('Seq Scan')
  })

  test('what is swept', async () => {
    const early = '2026-01-01T00:00:00.000Z'
    const timers = await plansOf(() => store.timers.sweep(DUE + 5, 100), 'timers')
    const parked = await plansOf(() => store.parked.sweep(early, 100), 'parked')
    expect(timers[0]).toContain('timers_due')
    expect(parked[0]).toContain('parked_finished')
    for (const plan of [...timers, ...parked]) expect(plan).not.toContain('Seq Scan')
  })
})

test('an append is not compiled: rows made of arrays are taken to be many, and LLVM costs more than all of it', async () => {
  const { rows } = await admin.query<{ readonly settings: string[] }>(
    `select proconfig as settings from pg_proc where pronamespace = 'tidings'::regnamespace
       and proname in ('append_events', 'append_batch', 'append_plain')`,
  )
  expect(rows).toHaveLength(3)
  for (const { settings } of rows) expect(settings).toContain('jit=off')
})
