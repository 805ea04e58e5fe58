import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import pg from 'pg'
import {
  postgres,
  SqlError,
  type PostgresOptions,
  type PostgresStore,
  type PostgresTransaction,
} from '@tidings/postgres'
import { isTidingsError, type ErrorCode, type TidingsError } from 'tidings'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

const PASSWORD = 'correct-horse'

let database: TestDatabase
let admin: pg.Client
const role = `guest_${process.pid}`
const opened: PostgresStore[] = []

beforeAll(async () => {
  database = await createDatabase('failures')
  admin = new pg.Client(database.url)
  await admin.connect()
  await admin.query(`create role ${role} login password '${PASSWORD}'`)
})
afterAll(async () => {
  await admin.query(`drop owned by ${role}`)
  await admin.query(`drop role ${role}`)
  await admin.end()
  await database.drop()
})
afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())))

function open(options: Partial<PostgresOptions> & { readonly url?: string } = {}): PostgresStore {
  const { url = database.url, ...rest } = options
  const store = postgres({ connection: url, reconnectLimitMs: 0, ...rest })
  opened.push(store)
  return store
}

/** The same database, as somebody who may do little. */
function asGuest(options: Record<string, string> = {}): string {
  const url = new URL(database.url)
  url.username = role
  url.password = PASSWORD
  for (const [name, value] of Object.entries(options)) url.searchParams.set(name, value)
  return url.href
}

async function refusal(promise: Promise<unknown>, code: ErrorCode): Promise<TidingsError> {
  const error: unknown = await promise.then(
    () => new Error('It was accepted.'),
    (error: unknown) => error,
  )
  if (!isTidingsError(error)) throw error
  expect(error.code).toBe(code)
  const said = inspect(error, { depth: 10 })
  expect(said, 'no secrets in errors').not.toContain(PASSWORD)
  expect(error.message, 'nor users').not.toContain(`${role}:`)
  return error
}

describe('a store says why it cannot be opened', () => {
  test('no server', async () => {
    const url = new URL(database.url)
    url.searchParams.set('host', '/nowhere')
    const error = await refusal(open({ url: url.href }).open(), 'TIDINGS_STORE_UNREACHABLE')
    expect(error.retryable).toBe(true)
  })

  test('no such database, and it opens once there is one', async () => {
    const url = new URL(database.url)
    const name = `late_${process.pid}`
    url.pathname = `/${name}`
    const store = open({ url: url.href })
    await refusal(store.open(), 'TIDINGS_STORE_MISSING')
    await admin.query(`create database ${name}`)
    await store.open()
    await store.close()
    await admin.query(`drop database ${name}`)
  })

  test('a role that does not exist', async () => {
    const url = new URL(database.url)
    url.username = 'nobody-at-all'
    url.password = PASSWORD
    await refusal(open({ url: url.href }).open(), 'TIDINGS_STORE_REFUSED')
  })

  test('no right to make a schema; and one that an owner has made will do', async () => {
    const store = open({ url: asGuest(), schema: 'guarded' })
    await refusal(store.open(), 'TIDINGS_STORE_REFUSED')
    await admin.query(`create schema guarded authorization ${role}`)
    await store.append([appendTo('1', makeEvent('1'))])
    expect(await store.head()).toBe(1)
  })

  test('a reader without the right to write', async () => {
    await open({ schema: 'shown' }).append([appendTo('1', makeEvent('1'))])
    await admin.query(`grant usage on schema shown to ${role}`)
    await admin.query(`grant select on all tables in schema shown to ${role}`)
    const reader = open({ url: asGuest(), schema: 'shown' })
    expect(await reader.readAll().toArray()).toHaveLength(1)
    await refusal(reader.append([appendTo('1', makeEvent('1'))]), 'TIDINGS_STORE_REFUSED')
    expect(await reader.head()).toBe(1)
  })

  test('a schema that a newer version has made', async () => {
    await open({ schema: 'newer' }).open()
    await admin.query('insert into newer.schema_version values (99, 99, now(), $1)', ['tidings 9'])
    const error = await refusal(open({ schema: 'newer' }).open(), 'TIDINGS_STORE_TOO_NEW')
    expect(error.message).toContain('99')
    await admin.query('update newer.schema_version set minimum_reader = 1 where number = 99')
    await open({ schema: 'newer' }).append([appendTo('1', makeEvent('1'))])
  })

  test('a log that may be opened and not be read: no attempt leaves a connection behind', async () => {
    await open({ schema: 'hidden' }).open()
    await admin.query(`grant usage on schema hidden to ${role}`)
    await admin.query(`grant select on hidden.schema_version to ${role}`)
    const reader = open({ url: asGuest(), schema: 'hidden' })
    for (let attempt = 0; attempt < 3; attempt++) {
      await refusal(reader.head(), 'TIDINGS_STORE_REFUSED')
    }
    await expect.poll(() => connectionsOf(role)).toBe(0)
  })

  test('transactions that are not READ COMMITTED by default', async () => {
    const url = new URL(database.url)
    url.searchParams.set('options', '-c default_transaction_isolation=serializable')
    const store = open({ url: url.href, schema: 'strict' })
    const error = await refusal(store.open(), 'TIDINGS_STORE_FAILED')
    expect(error.message).toContain('READ COMMITTED')
  })

  test('a server that takes a connection and says nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tidings-silent-'))
    const silent = createServer((socket) => void socket.resume())
    await new Promise<void>((resolve) => silent.listen(join(folder, '.s.PGSQL.5432'), resolve))
    const url = `postgres://me@localhost/x?host=${encodeURIComponent(folder)}`
    await refusal(open({ url }).open(), 'TIDINGS_STORE_UNREACHABLE')
    await new Promise((resolve) => silent.close(resolve))
    await rm(folder, { recursive: true })
  })

  test('no log where there must be one: nothing is made', async () => {
    const store = open({ schema: 'absent', mustExist: true })
    await refusal(store.open(), 'TIDINGS_STORE_MISSING')
    const { rows } = await admin.query(`select 1 from pg_namespace where nspname = 'absent'`)
    expect(rows).toEqual([])
    await open({ schema: 'absent' }).open()
    await store.open()
  })

  test("a table of somebody else's under a name of ours: nothing is changed", async () => {
    await admin.query('create schema taken')
    await admin.query('create table taken.timers (n integer)')
    const error = await refusal(open({ schema: 'taken' }).open(), 'TIDINGS_STORE_FAILED')
    expect(error.message).toContain("'timers'")
    const { rows } = await admin.query(
      `select relname from pg_class where relnamespace = 'taken'::regnamespace`,
    )
    expect(rows).toEqual([{ relname: 'timers' }])
    await admin.query('alter table taken.timers rename to my_timers')
    await open({ schema: 'taken' }).open()
  })

  test('a server that takes no writes', async () => {
    await open({ schema: 'replica' }).open()
    const url = new URL(database.url)
    url.searchParams.set('options', '-c default_transaction_read_only=on')
    await refusal(open({ url: url.href, schema: 'replica' }).open(), 'TIDINGS_STORE_READ_ONLY')
    const reader = open({ url: url.href, schema: 'replica', migrate: 'check' })
    expect(await reader.readAll().toArray()).toEqual([])
    const append = reader.append([appendTo('1', makeEvent('1'))])
    await refusal(append, 'TIDINGS_STORE_READ_ONLY')
  })

  test('no connection left, and it goes on once there is one', async () => {
    await open({ schema: 'crowded' }).open()
    await admin.query(`grant usage on schema crowded to ${role}`)
    await admin.query(`grant all on all tables in schema crowded to ${role}`)
    await admin.query(`alter role ${role} connection limit 1`)
    const holder = new pg.Client(asGuest())
    await holder.connect()
    const store = open({ url: asGuest(), schema: 'crowded' })
    const error = await refusal(store.open(), 'TIDINGS_STORE_BUSY')
    expect(error.retryable).toBe(true)
    await admin.query(`alter role ${role} connection limit -1`)
    await store.open()
    await holder.end()
  })
})

describe('a store that is open', () => {
  test('gives up a statement that takes too long, and stores nothing of it', async () => {
    const url = new URL(database.url)
    url.searchParams.set('statement_timeout', '100')
    const [holder, hasty] = [open({ schema: 'slow' }), open({ schema: 'slow', url: url.href })]
    await hasty.append([appendTo('2', makeEvent('2'))])
    const go = Promise.withResolvers<void>()
    const holding = holder.transaction(async (tx) => {
      await tx.append([appendTo('1', makeEvent('1'))])
      await go.promise
    })
    await expect.poll(() => locksHeld()).toBe(1)
    const error = await refusal(hasty.append([appendTo('2', makeEvent('2'))]), 'TIDINGS_STORE_BUSY')
    expect(error.retryable).toBe(true)
    go.resolve()
    await holding
    expect(await holder.readStream('Sample.Counter/2').toArray()).toHaveLength(1)
    await hasty.append([appendTo('2', makeEvent('2'))])
  })

  test('two schemas are two logs, which do not wait for each other', async () => {
    const [one, other] = [open({ schema: 'one' }), open({ schema: 'it\'s "other"' })]
    await other.append([appendTo('1', makeEvent('1'))])
    await one.transaction(async (tx) => {
      await tx.append([appendTo('1', makeEvent('1')), appendTo('2', makeEvent('2'))])
      await other.append([appendTo('1', makeEvent('1'))])
    })
    expect(await one.head()).toBe(2)
    expect((await other.readAll().toArray()).map(({ streamVersion }) => streamVersion)).toEqual([
      1, 2,
    ])
  })

  test('a deadlock of two transactions fails one of them, and it can be tried again', async () => {
    const store = open({ schema: 'deadlock' })
    await store.open()
    await admin.query('create table deadlock.rows as select n, 0 as v from generate_series(1, 2) n')
    const met = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const cross = (own: number, others: number): Promise<unknown> =>
      store.transaction(async (tx) => {
        await tx.sql`update deadlock.rows set v = v + 1 where n = ${own}`
        met[own - 1]?.resolve()
        await Promise.all(met.map(({ promise }) => promise))
        await tx.sql`update deadlock.rows set v = v + 1 where n = ${others}`
        await tx.append([appendTo(`${own}`, makeEvent(`${own}`))])
      })
    const answers = await Promise.allSettled([cross(1, 2), cross(2, 1)])
    const [lost, ...others] = answers.filter(({ status }) => status === 'rejected')
    expect(others).toEqual([])
    expect(lost).toMatchObject({ reason: { sqlState: '40P01', retryable: true } })
    expect(await store.readAll().toArray()).toHaveLength(1)
  })

  test("a statement of the user's own that fails says which, and what broke", async () => {
    const store = open({ schema: 'own' })
    await store.open()
    await admin.query('create table own.rows (id integer constraint row_id primary key)')
    const failing = store.transaction(async (tx) => {
      await tx.append([appendTo('1', makeEvent('1'))])
      await tx.sql`insert into own.rows values (${1}), (${1})`
    })
    const error = await refusal(failing, 'TIDINGS_STORE_FAILED')
    expect(error).toBeInstanceOf(SqlError)
    expect(error).toMatchObject({
      statement: 'insert into own.rows values ($1), ($2)',
      sqlState: '23505',
      constraint: 'row_id',
    })
    expect(await store.head()).toBe(0)
  })

  test('a reading that fails fails the transaction, also where its error is caught', async () => {
    const store = open({ schema: 'caught' })
    await store.open()
    await admin.query('create table caught.rows (n integer)')
    const hiding = store.transaction(async (tx) => {
      await tx.sql`insert into caught.rows values (1)`
      const reading = tx.readStream('Sample.Counter/no\0text').toArray()
      await expect(reading).rejects.toThrow('0x00')
    })
    await refusal(hiding, 'TIDINGS_STORE_FAILED')
    expect((await admin.query('select n from caught.rows')).rows).toEqual([])
  })

  test.each([
    'commit',
    ' /* now */ ROLLBACK',
    '-- or later\nsavepoint s',
    'begin',
    'select 1; commit',
    '; /* a */ commit',
    'set statement_timeout = 1',
    'RESET ALL',
  ])('keeps the transaction to itself: %s', async (text) => {
    const store = open({ schema: 'control' })
    const ways: ((tx: PostgresTransaction) => Promise<unknown>)[] = [
      (tx) => tx.sql([text] as unknown as TemplateStringsArray),
      (tx) => tx.client.query(text),
      (tx) => tx.client.query({ text }),
    ]
    for (const way of ways) {
      const spoiling = store.transaction(async (tx) => {
        await tx.append([appendTo('1', makeEvent('1'))])
        await way(tx)
      })
      await expect(spoiling).rejects.toSatisfy(isTidingsError)
    }
    expect(await store.readStream('Sample.Counter/1').toArray()).toEqual([])
  })
})

async function connectionsOf(user: string): Promise<number> {
  const sql = 'select count(*)::int as n from pg_stat_activity where usename = $1'
  const { rows } = await admin.query<{ n: number }>(sql, [user])
  return rows[0]?.n ?? 0
}

test('a setting of one transaction is none of the next', async () => {
  const store = open({ schema: 'settings' })
  const show = async (): Promise<unknown> =>
    store.transaction((tx) => tx.sql`select current_setting('statement_timeout') as value`)
  const before = await show()
  await store.transaction(async (tx) => {
    await tx.sql`set local statement_timeout = 4711`
    await tx.sql`set constraints all deferred`
  })
  expect(await show()).toEqual(before)
})

/** Advisory locks of the database that somebody has. */
async function locksHeld(): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(
    `select count(*)::int as n from pg_locks where locktype = 'advisory' and granted
     and database = (select oid from pg_database where datname = current_database())`,
  )
  return rows[0]?.n ?? 0
}

describe('options that cannot be are refused at once', () => {
  test.each<[string, PostgresOptions | string]>([
    ['a URL that is none', `postgres://${role}:${PASSWORD}@host:port:x/[`],
    ['an empty schema', { connection: 'postgres://localhost/x', schema: '' }],
    ['a schema of the system', { connection: 'postgres://localhost/x', schema: 'pg_mine' }],
    [
      'a schema that would be cut off',
      { connection: 'postgres://localhost/x', schema: 'x'.repeat(64) },
    ],
    [
      'a schema that would end a quotation',
      { connection: 'postgres://localhost/x', schema: 'a$b' },
    ],
    ['too few connections', { connection: 'postgres://localhost/x', connections: 3 }],
    ['a limit that is none', { connection: 'postgres://localhost/x', reconnectLimitMs: -1 }],
  ])('%s', async (_, options) => {
    const error = await refusal((async () => postgres(options))(), 'TIDINGS_ARGUMENT_INVALID')
    expect(error.message).not.toContain(PASSWORD)
  })

  test('the location names neither user nor password', () => {
    const store = postgres('postgres://me:secret@db.example:5433/shop?sslmode=disable')
    expect(store.location).toBe('postgres://db.example:5433/shop?schema=tidings')
  })

  test('a location leads to the same log', () => {
    for (const url of [
      'postgres://db.example:5433/shop?schema=orders',
      'postgres://localhost/shop?host=%2Fvar%2Frun&schema=it%27s+ours',
    ]) {
      expect(postgres(url).location).toBe(url)
    }
  })
})
