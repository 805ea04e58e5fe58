import pg from 'pg'
import { postgres } from '@tidings/postgres'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

let database: TestDatabase
let listener: pg.Client
const told: string[] = []

beforeAll(async () => {
  database = await createDatabase('wake')
  listener = new pg.Client(database.url)
  await listener.connect()
  listener.on('notification', ({ payload = '' }) => told.push(payload))
  await listener.query('listen tidings')
})
afterAll(async () => {
  await listener.end()
  await database.drop()
})

test('what was appended last before a close is told', async () => {
  const store = postgres(database.url)
  for (let n = 1; n <= 3; n++) await store.append([appendTo('1', makeEvent('1'))])
  await store.close()
  await expect.poll(() => told.at(-1)).toBe('3')
})

test('a position that is never reached is looked for once', async () => {
  const store = postgres(database.url)
  const over = new AbortController()
  const waiting = store.waitBeyond(await store.head(), { signal: over.signal })
  await expect.poll(countListening).toBe(1)
  const looks = vi.spyOn(pg.Client.prototype, 'query')
  const count = (): number => looks.mock.calls.filter(([query]) => isLook(query)).length
  await listener.query(`select pg_notify('tidings', '9000000000')`)
  await expect.poll(count).toBeGreaterThan(0)
  // Twenty journeys of others: in that time it was looked for some twenty times.
  for (let n = 0; n < 20; n++) await listener.query('select 1')
  expect(count()).toBeLessThan(4)
  looks.mockRestore()
  await store.append([appendTo('1', makeEvent('1'))])
  await waiting
  over.abort()
  await store.close()
})

function isLook(query: unknown): boolean {
  const { text } = query as { readonly text?: string }
  return text?.includes('deferred_appends') === true
}

async function countListening(): Promise<number | null> {
  const sql = `select 1 from pg_stat_activity where datname = current_database() and query ilike 'listen %'`
  return (await listener.query(sql)).rowCount
}
