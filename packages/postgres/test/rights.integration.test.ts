import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  migrateSchema,
  postgres,
  type PostgresOptions,
  type PostgresStore,
} from '@tidings/postgres'
import pg from 'pg'
import { bootstrap, defineEvent, defineModule, defineSubscription, isTidingsError } from 'tidings'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/how-to/grant-rights.md'), 'utf8')
const roles = {
  owner: `owner_${process.pid}`,
  writer: `writer_${process.pid}`,
  reader: `reader_${process.pid}`,
}

/** A script of the page, for roles that no other run uses. */
function script(name: string): string {
  const found = new RegExp(`\`\`\`sql file=${name}\n(?<sql>[^\`]*)\`\`\``).exec(page)?.groups?.[
    'sql'
  ]
  if (found === undefined) throw new Error(`The page has no ${name}.`)
  return found.replaceAll(
    /shop_(owner|writer|reader)/g,
    (_, role: keyof typeof roles) => roles[role],
  )
}

let database: TestDatabase
let admin: pg.Client
const opened: PostgresStore[] = []

beforeAll(async () => {
  database = await createDatabase('rights')
  admin = new pg.Client(database.url)
  await admin.connect()
  await admin.query(script('roles.sql'))
  await migrateSchema(as('owner'))
  await admin.query(script('after.sql'))
  await admin.query(script('add-only.sql'))
})
afterAll(async () => {
  await admin.query(script('drop.sql'))
  await admin.end()
  await database.drop()
})
afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())))

function as(role: keyof typeof roles): string {
  const url = new URL(database.url)
  url.username = roles[role]
  return url.href
}

function open(role: keyof typeof roles, options: Partial<PostgresOptions> = {}): PostgresStore {
  const store = postgres({ connection: as(role), migrate: 'check', ...options })
  opened.push(store)
  return store
}

/** What PostgreSQL refuses, it says: which thing. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => new Error('It was done.'),
    (error: unknown) => error,
  )
  if (!isTidingsError(error)) throw error
  expect(error.code).toBe('TIDINGS_STORE_REFUSED')
  return error.message
}

describe('a writer', () => {
  test('appends, subscribes, parks, and appends in transactions of its own and of others', async () => {
    const Placed = defineEvent('Shop.Order.Placed', { payload: z.object({ total: z.int() }) })
    const heard: number[] = []
    const letters = defineSubscription('letters', {
      events: [Placed],
      retry: { attempts: 1 },
      handle: async ({ payload }) => {
        if (payload.total === 2) throw new Error('refused')
        heard.push(payload.total)
      },
    })
    const store = open('writer')
    const app = await bootstrap({ store, modules: [defineModule('shop', [Placed, letters])] })
    const placed = (total: number) => ({
      aggregateType: 'Shop.Order',
      aggregateId: `${total}`,
      events: Placed({ total }),
    })
    await app.store.append(placed(1))
    await app.store.transaction((tx) => tx.append(placed(2)))
    const client = new pg.Client(as('writer'))
    await client.connect()
    await client.query('begin')
    await store.appendIn(client, app.store.seal(placed(3)))
    await store.appendIn(client, app.store.seal(placed(4)), { deferred: true })
    await client.query('commit')
    await client.end()
    await expect.poll(() => heard.toSorted((a, b) => a - b)).toEqual([1, 3, 4])
    await expect.poll(() => store.parked.list({ subscription: 'letters' })).toHaveLength(1)
    await app.close()
  })

  test('changes no event, and no table', async () => {
    const client = new pg.Client(as('writer'))
    await client.connect()
    for (const statement of [
      'delete from tidings.event_log',
      'update tidings.event_log set payload = null',
      'truncate tidings.event_log',
      'insert into tidings.schema_version values (99, 99, now(), 1)',
      'drop table tidings.timers',
    ]) {
      await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' })
    }
    await client.end()
  })

  test('does not migrate: opening says which of the two it is', async () => {
    await admin.query(
      'create table public.kept as select * from tidings.schema_version where number > 1',
    )
    await admin.query('delete from tidings.schema_version where number > 1')
    try {
      const old = { code: 'TIDINGS_STORE_TOO_OLD' }
      await expect(open('writer').open()).rejects.toMatchObject(old)
      expect(await refusal(open('writer', { migrate: 'auto' }).open())).toContain(
        'permission denied',
      )
    } finally {
      await admin.query('insert into tidings.schema_version select * from public.kept')
    }
    expect(await refusal(open('writer', { migrate: 'auto', schema: 'other' }).open())).toContain(
      'permission denied for database',
    )
  })
})

describe('a reader', () => {
  test('reads and follows', async () => {
    const [reader, writer] = [open('reader'), open('writer')]
    const head = await reader.head()
    const more = reader.waitBeyond(head)
    await writer.append([appendTo('1', makeEvent('1'))])
    await more
    expect(await reader.readStream('Sample.Counter/1').toArray()).toHaveLength(1)
    expect(await Array.fromAsync(reader.catalog.verify())).toEqual([])
    expect((await reader.catalog.stats()).events).toBe(head + 1)
    expect(await reader.subscriptions.list()).not.toEqual([])
  })

  test('writes nothing, by no way', async () => {
    const store = open('reader')
    const before = await store.head()
    const append = appendTo('1', makeEvent('1'))
    expect(await refusal(store.append([append]))).toContain('permission denied for table')
    expect(await refusal(store.transaction((tx) => tx.append([append])))).toContain(
      'permission denied',
    )
    const client = new pg.Client(as('reader'))
    await client.connect()
    for (const deferred of [false, true]) {
      await client.query('begin')
      await expect(store.appendIn(client, [append], { deferred })).rejects.toMatchObject({
        code: '42501',
      })
      await client.query('rollback')
    }
    await client.end()
    expect(await store.head()).toBe(before)
  })

  test('waits for events while a deferred one is there that it may not append', async () => {
    const sealed = JSON.stringify([appendTo('2', makeEvent('2'))])
    await admin.query('insert into tidings.deferred_appends (call) values ($1)', [sealed])
    const reader = open('reader')
    const head = await reader.head()
    const more = reader.waitBeyond(head)
    await open('writer').append([appendTo('1', makeEvent('1'))])
    await more
    void open('writer')
      .waitBeyond(head + 1)
      .catch(() => undefined)
    await expect.poll(() => reader.readStream('Sample.Counter/2').toArray()).toHaveLength(1)
  })
})
