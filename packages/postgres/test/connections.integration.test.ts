import pg from 'pg'
import { postgres, SqlError, type PostgresStore } from '@tidings/postgres'
import { runOutside } from 'tidings/store'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

let database: TestDatabase
let admin: pg.Client

beforeAll(async () => {
  database = await createDatabase('connections')
  admin = new pg.Client(database.url)
  await admin.connect()
})
afterAll(async () => {
  await admin.end()
  await database.drop()
})

function open(options: { readonly schema: string; readonly connections?: number }): PostgresStore {
  const store = postgres({ connection: database.url, reconnectLimitMs: 0, ...options })
  onTestFinished(() => store.close())
  return store
}

test('a statement that a connection keeps is read anew when its table has changed', async () => {
  const store = open({ schema: 'kept' })
  await store.open()
  const insert = (value: string) =>
    store.transaction(async (tx) => {
      await tx.sql`insert into kept.rows values (${value})`
    })
  await admin.query('create table kept.rows (n integer)')
  for (const value of ['1', '2', '3']) await insert(value)
  const { rows } = await admin.query<{ readonly n: number }>('select n from kept.rows order by n')
  expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  await admin.query('drop table kept.rows')
  await admin.query('create table kept.rows (n text)')
  // The connection has read the value as a whole number so far: that fails once, and not for good.
  await insert('four').catch((error: unknown) => expect(error).toBeInstanceOf(SqlError))
  await insert('five')
  const changed = await admin.query<{ readonly n: string }>('select n from kept.rows')
  expect(changed.rows).toContainEqual({ n: 'five' })
})

test('a transaction learns a name, whoever waits for its rows', async () => {
  const store = open({ schema: 'crowded', connections: 6 })
  await store.open()
  const claim = { name: 'mail', token: 1, owner: 'me', startAt: 0 }
  const { record } = await store.subscriptions.claim(claim)
  const fence = { subscription: 'mail', generation: record.generation, token: 1 }
  const waiting: Promise<unknown>[] = []
  await store.transaction(async (tx) => {
    await tx.progress({ ...fence, mark: { from: 0, to: 1 } })
    const waiter = (reason: string) =>
      store.subscriptions.describe(fence, { state: 'live', reason })
    // Outside of the transaction, as the runtime does it.
    waiting.push(...runOutside(() => ['a', 'b', 'c'].map(waiter)))
    const waiters = async (): Promise<number> => {
      const { rows } = await admin.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rows.length
    }
    await expect.poll(waiters, { timeout: 5000 }).toBeGreaterThan(0)
    await tx.append([appendTo('1', makeEvent('1'))])
  })
  await Promise.all(waiting)
  expect(await store.head()).toBe(1)
})
