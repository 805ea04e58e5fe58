import { DatabaseSync } from 'node:sqlite'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { sqlite } from '../../src/sqlite.ts'
import type { LogFault } from '../../src/store/store.ts'
import { append, event, scratch } from './log-fixture.ts'

let folder: ReturnType<typeof scratch>
let file: string

beforeEach(async () => {
  folder = scratch()
  file = folder.path('log.db')
  const store = sqlite(file)
  for (let index = 0; index < 20; index++) {
    const stream = `A/${index % 4}`
    const eventType = `Todo.Item.Step${index % 3}Done`
    await store.append([
      append(stream, 'any', event(stream, { eventType, metadata: { tenant: 't' } })),
    ])
  }
  await store.close()
})

afterEach(() => folder.remove())

/** Changes the file behind the store's back, and has it looked at. */
async function faultsAfter(...statements: readonly string[]): Promise<readonly LogFault[]> {
  const db = new DatabaseSync(file)
  for (const sql of statements) db.exec(sql)
  db.close()
  const store = sqlite(file)
  try {
    return await Array.fromAsync(store.catalog.verify())
  } finally {
    await store.close()
  }
}

test('a whole log has no fault', async () => {
  expect(await faultsAfter()).toEqual([])
})

const planted: readonly (readonly [LogFault['code'], readonly string[], Partial<LogFault>])[] = [
  ['version-gap', ['update event_log set version = 9 where position = 20'], { position: 20 }],
  [
    'position-order',
    [
      'update event_log set version = 99 where position = 1',
      'update event_log set version = 1 where position = 5',
      'update event_log set version = 2 where position = 1',
    ],
    { position: 1, stream: 'A/0' },
  ],
  ['recorded-order', ['update event_log set recorded_at = 5 where position = 7'], { position: 7 }],
  ['unreadable', [`update event_log set payload = '{"a":' where position = 3`], { position: 3 }],
  ['unreadable', [`update event_log set metadata = 'no' where position = 3`], { stream: 'A/2' }],
  [
    'duplicate-id',
    [
      'drop index event_log_id',
      'update event_log set event_id = (select event_id from event_log where position = 1) where position = 2',
    ],
    { position: 2 },
  ],
  ['index', ['drop index event_log_correlation'], { position: undefined }],
  ['index', ['delete from event_type_index where position = 4'], { position: 0 }],
  [
    'index',
    ['insert into event_type_index values (1, 3)', 'insert into event_type_index values (2, 3)'],
    {},
  ],
  ['index', ['delete from event_tenant_index where position = 4'], {}],
  ['index', ["insert into event_tenant_index values ('u', 4)"], {}],
  ['index', ['update event_chunks set events = events + 1 where event_type = 2'], {}],
  ['index', ['delete from event_kinds where event_type = 2'], {}],
  ['database', ['drop view event_outbox'], {}],
]

test.each(planted)('%s is found: %j', async (code, statements, facts) => {
  const faults = await faultsAfter(...statements)
  expect(faults).toContainEqual(expect.objectContaining({ code, ...facts }))
})

test('the abort signal ends it', async () => {
  const store = sqlite(file)
  const reason = new Error('enough')
  await expect(
    Array.fromAsync(store.catalog.verify({ signal: AbortSignal.abort(reason) })),
  ).rejects.toBe(reason)
  await store.close()
})

test('types, streams and counts are those of the log, indexed or not', async () => {
  // Read while some of the events are beyond the mark, which a writer of no filler leaves behind.
  const store = sqlite({ file, maxUnindexed: 1_000_000 })
  await store.append([
    append(
      'B/1',
      0,
      event('B/1', {
        eventType: 'Shop.Order.Placed',
        eventVersion: 3,
        timestamp: '2020-01-01T00:00:00.000Z',
      }),
    ),
    append(
      'A/3',
      'any',
      event('A/3', {
        eventType: 'Todo.Item.Step0Done',
        eventVersion: 2,
        timestamp: '2030-01-01T00:00:00.000Z',
      }),
    ),
  ])
  const types = await store.catalog.types()
  expect(types.map(({ eventType, count, versions }) => [eventType, count, versions])).toEqual([
    ['Shop.Order.Placed', 1, [3]],
    ['Todo.Item.Step0Done', 8, [1, 2]],
    ['Todo.Item.Step1Done', 7, [1]],
    ['Todo.Item.Step2Done', 6, [1]],
  ])
  expect(types[1]).toMatchObject({
    firstSeen: '2026-11-21T09:00:00.000Z',
    lastSeen: '2030-01-01T00:00:00.000Z',
  })
  const names = async (options: object): Promise<string[]> =>
    (await store.catalog.streams(options)).map(({ stream, version }) => `${stream}@${version}`)
  expect(await names({})).toEqual(['A/0@5', 'A/1@5', 'A/2@5', 'A/3@6', 'B/1@1'])
  expect(await names({ after: 'A/1', limit: 2 })).toEqual(['A/2@5', 'A/3@6'])
  expect(await names({ prefix: 'B/' })).toEqual(['B/1@1'])
  expect(await names({ prefix: 'A/', after: '0' })).toHaveLength(4)
  expect(await names({ prefix: 'A/', after: 'B/' })).toEqual([])
  expect(await names({ limit: 0 })).toEqual([])
  expect(await store.catalog.stats()).toMatchObject({
    events: 22,
    streams: 5,
    types: 4,
    commands: 0,
    head: 22,
    bytes: expect.any(Number),
  })
  await store.close()
})
