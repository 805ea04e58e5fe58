import { DatabaseSync } from 'node:sqlite'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { eventLog } from '../../src/sqlite/schema/001-event-log.ts'
import { SCHEMA_NUMBER } from '../../src/sqlite/schema/schema-version.ts'
import { sqlite } from '../../src/sqlite.ts'
import { failureOf } from './fault-fixture.ts'
import { append, scratch } from './log-fixture.ts'

let folder: ReturnType<typeof scratch>
let file: string

beforeEach(() => {
  folder = scratch()
  file = folder.path('log.db')
})

afterEach(() => folder.remove())

const EVENTS = 5

/** A file as the first version left it: events, a command, a snapshot, and a table of the user's. */
function makeFirstForm(...more: readonly string[]): void {
  const db = new DatabaseSync(file)
  db.exec('pragma journal_mode = wal')
  db.exec(eventLog.sql)
  db.exec(`create table schema_version (
    number integer primary key, minimum_reader integer not null, at text not null, by text not null) strict;
    insert into schema_version values (1, 1, '2026-11-01T00:00:00.000Z', 'tidings 0.1.0');
    insert into event_types (name) values ('Todo.Item.Created');
    insert into topics (name) values ('todos');
    insert into snapshots values ('Todo.Item/1', 2, 1, '{"title":"milk"}');
    create table person (name text) strict;
    insert into person values ('Ann');`)
  const insert = db.prepare(`insert into event_log
    (stream, version, event_id, event_type, event_version, topic, correlation_id, occurred_at, recorded_at, payload)
    values ('Todo.Item/1', ?, ?, 1, 1, 1, 'c1', 1700000000000, 1700000000000, '{"title":"milk"}')`)
  for (let version = 1; version <= EVENTS; version++) {
    insert.run(version, `019c0000-0000-7000-8000-00000000000${version}`)
  }
  for (const sql of more) db.exec(sql)
  db.close()
}

/** The file, looked at from outside. */
function outside(sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(file)
  try {
    return db.prepare(sql).all()
  } finally {
    db.close()
  }
}

test('a file of the first form is brought to this one, keeps its rows, and goes on', async () => {
  makeFirstForm()
  const store = sqlite(file)
  const before = await store.readStream('Todo.Item/1').toArray()
  expect(before.map((event) => event.streamVersion)).toEqual([1, 2, 3, 4, 5])
  expect(before[0]).toMatchObject({ eventType: 'Todo.Item.Created', payload: { title: 'milk' } })
  expect(await store.snapshots.load('Todo.Item/1')).toMatchObject({ streamVersion: 2 })
  const [next] = await store.append([append('Todo.Item/1', EVENTS)])
  expect(next?.positions).toEqual([EVENTS + 1])
  const { record } = await store.subscriptions.claim({
    name: 'mail',
    token: 1,
    owner: 'a',
    startAt: EVENTS,
  })
  expect(record.position).toBe(EVENTS)
  expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
  await store.close()
  expect(outside('select name from person')).toEqual([{ name: 'Ann' }])
  expect(outside('select count(*) as n from event_outbox')).toEqual([{ n: EVENTS }])
  expect(outside('select number, minimum_reader from schema_version')).toEqual(
    Array.from({ length: SCHEMA_NUMBER }, (_, n) => ({ number: n + 1, minimum_reader: 1 })),
  )
})

test('two processes that meet a file of the first form bring it to this one once', async () => {
  makeFirstForm()
  const [one, two] = [sqlite(file), sqlite(file)]
  await Promise.all([one.open(), two.open()])
  expect(await one.head()).toBe(EVENTS)
  expect(await two.head()).toBe(EVENTS)
  await Promise.all([one.close(), two.close()])
  expect(outside('select number from schema_version')).toHaveLength(SCHEMA_NUMBER)
})

test("a table of the user's own is in the way: nothing is changed, and the message says which", async () => {
  makeFirstForm("create table timers (name text); insert into timers values ('egg')")
  const failure = await failureOf(sqlite(file).open())
  expect(failure).toMatchObject({ code: 'TIDINGS_STORE_FAILED' })
  expect(failure.message).toMatch(/'timers'.*another table of that name. Nothing was changed/)
  expect(outside('select name from timers')).toEqual([{ name: 'egg' }])
  expect(outside('select number from schema_version')).toEqual([{ number: 1 }])
  const db = new DatabaseSync(file)
  db.exec('alter table timers rename to egg_timers')
  db.close()
  const store = sqlite(file)
  expect(await store.head()).toBe(EVENTS)
  expect(await store.timers.next()).toBeUndefined()
  await store.close()
})

test('what the first version writes into a file of this form is taken in', async () => {
  makeFirstForm()
  const store = sqlite(file)
  await store.open()
  await store.close()
  // Its statements know nothing of the tables that came later.
  const db = new DatabaseSync(file)
  db.exec(`insert into event_log
    (stream, version, event_id, event_type, event_version, topic, correlation_id, occurred_at, recorded_at, payload)
    values ('Todo.Item/1', 6, '019c0000-0000-7000-8000-000000000006', 1, 1, 1, 'c1', 1700000000000, 1700000000000, '{}')`)
  db.close()
  const again = sqlite(file)
  expect(await again.head()).toBe(EVENTS + 1)
  expect(await Array.fromAsync(again.catalog.verify())).toEqual([])
  await again.close()
})
