import { postgres } from '@tidings/postgres'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SCHEMA_NUMBER } from '../src/schema/migrations.ts'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

let database: TestDatabase
let admin: pg.Client
const writer = `deleter_${process.pid}`

beforeAll(async () => {
  database = await createDatabase('rights_to_delete')
  admin = new pg.Client(database.url)
  await admin.connect()
})

afterAll(async () => {
  await admin.query(`drop owned by ${writer}; drop role ${writer}`)
  await admin.end()
  await database.drop()
})

test('a writer who may not change the form of the tables deletes and erases, and keeps older versions off', async () => {
  const owner = postgres({ connection: database.url })
  await owner.append([appendTo('1', makeEvent('1'), makeEvent('1')), appendTo('2', makeEvent('2'))])
  await owner.append([appendTo('end', makeEvent('end'))])
  await owner.close()
  await admin.query(`create role ${writer} login password 'secret';
    grant usage on schema tidings to ${writer};
    grant select, insert, update, delete on all tables in schema tidings to ${writer};
    revoke insert, update, delete on tidings.schema_version from ${writer}`)
  const url = new URL(database.url)
  url.username = writer
  url.password = 'secret'
  await using store = postgres({ connection: url.href, migrate: 'check' })
  const choice = { before: '2100-01-01T00:00:00.000Z', streams: ['Sample.Counter/1'] }
  const due = await store.retention.due(choice, { limit: 10 })
  expect(await store.retention.remove(choice, due)).toBe(2)
  const why = { erasureId: '019b0000-0000-7000-8000-000000000001', requestedBy: 'a', reason: 'b' }
  const erased = await store.retention.erase({ streams: ['Sample.Counter/2'], ...why })
  expect(erased.counts.events).toBe(1)
  expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
  const { rows } = await admin.query(
    'select max(minimum_reader) as least from tidings.schema_version',
  )
  expect(rows).toEqual([{ least: 4 }])
  expect(SCHEMA_NUMBER).toBeGreaterThanOrEqual(4)
})
