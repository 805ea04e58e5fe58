import { inspectServer, postgres, type PostgresStore } from '@tidings/postgres'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest'
import { SCHEMA_NUMBER } from '../src/schema/migrations.ts'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

let database: TestDatabase
let admin: pg.Client
let store: PostgresStore

beforeAll(async () => {
  database = await createDatabase('inspect')
  admin = new pg.Client(database.url)
  await admin.connect()
})
afterAll(async () => {
  await admin.end()
  await database.drop()
})
beforeEach(async () => {
  store = postgres({ connection: database.url, schema: 'watched' })
  await store.open()
})
afterEach(() => store.close())

const inspect = (settings: Record<string, string> = {}, longSeconds?: number) => {
  const url = new URL(database.url)
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
  if (options.length > 0) url.searchParams.set('options', options.join(' '))
  return inspectServer({ connection: url.href, schema: 'watched' }, { longSeconds })
}

test('a server that is well', async () => {
  const report = await inspect()
  expect(report).toMatchObject({
    isSupported: true,
    isReadOnly: false,
    synchronousCommit: 'on',
    hearsMessages: true,
    hiddenSessions: 0,
    lock: { holder: undefined, waiting: 0 },
    bloat: [],
    longTransactions: [],
    deferred: { waiting: 0, oldestSeconds: 0, refused: 0 },
  })
  expect(report.schema?.number).toBe(SCHEMA_NUMBER)
  expect(report.version).toMatch(/^\d+/)
  expect(report.connections.used).toBeGreaterThan(1)
  expect(report.connections.max).toBeGreaterThan(report.connections.used)
})

test('settings that cost safety, and a session that takes no writes', async () => {
  const settings = { synchronous_commit: 'off', default_transaction_read_only: 'on' }
  expect(await inspect(settings)).toMatchObject({ synchronousCommit: 'off', isReadOnly: true })
  const { rows } = await admin.query<{ fsync: string }>(`select current_setting('fsync') as fsync`)
  expect((await inspect()).fsync).toBe(rows[0]?.fsync === 'on')
})

test('no log, and rights on none', async () => {
  const nowhere = await inspectServer({ connection: database.url, schema: 'nowhere' })
  expect(nowhere).toMatchObject({ schema: undefined, bloat: [], deferred: { waiting: 0 } })
  const role = `nobody_${process.pid}`
  await admin.query(`create role ${role} login`)
  try {
    const url = new URL(database.url)
    url.username = role
    const report = await inspectServer({ connection: url.href, schema: 'watched' })
    expect(report).toMatchObject({ schema: undefined, hearsMessages: true })
    expect(report.hiddenSessions, 'the sessions of the administrator').toBeGreaterThan(0)
  } finally {
    await admin.query(`drop role ${role}`)
  }
})

test('who holds the lock of this log and who waits for it, and whose transaction is long', async () => {
  const other = postgres({ connection: database.url, schema: 'other' })
  const go = Promise.withResolvers<void>()
  const hold = (held: PostgresStore) =>
    held.transaction(async (tx) => {
      await tx.append([appendTo('1', makeEvent('1'))])
      await go.promise
    })
  const held = [hold(other)]
  const patiently = { timeout: 30_000 }
  await expect.poll(async () => (await inspect({}, 0)).longTransactions.length, patiently).toBe(1)
  expect((await inspect()).lock, 'that of another log').toEqual({ holder: undefined, waiting: 0 })
  held.push(hold(store))
  // Of two that begin at once either may be the first: one has the lock before the other asks for it.
  await expect
    .poll(async () => (await inspect()).lock.holder?.application, patiently)
    .toBe('tidings')
  held.push(
    store.transaction((tx) => tx.append([appendTo('2', makeEvent('2'))])).then(() => undefined),
  )
  await expect.poll(async () => (await inspect()).lock.waiting, patiently).toBe(1)
  const { lock, longTransactions } = await inspect({}, 0)
  expect(lock.holder).toMatchObject({ application: 'tidings', state: 'idle in transaction' })
  expect(longTransactions.map(({ pid }) => pid)).toContain(lock.holder?.pid)
  expect((await inspect()).longTransactions, 'none for a minute').toEqual([])
  go.resolve()
  await Promise.all(held)
  await other.close()
  expect((await inspect()).lock.holder).toBeUndefined()
})

test('a table full of dead rows', async () => {
  await admin.query(`
    alter table watched.inbox set (autovacuum_enabled = off);
    insert into watched.inbox select 'c', n::text, now() from generate_series(1, 60000) n;
    delete from watched.inbox`)
  await expect
    .poll(async () => (await inspect()).bloat, { timeout: 20_000 })
    .toEqual([{ table: 'inbox', live: 0, dead: 60_000 }])
})

test('what was deferred and nobody appends, and what never can be', async () => {
  await admin.query(`insert into watched.deferred_appends (call, refused, deferred_at)
    values ('[]', null, now() - interval '2 minutes'), ('[]', 'why', now())`)
  const { deferred } = await inspect()
  expect(deferred).toMatchObject({ waiting: 1, refused: 1 })
  expect(deferred.oldestSeconds).toBeGreaterThanOrEqual(120)
  await admin.query('delete from watched.deferred_appends')
})
