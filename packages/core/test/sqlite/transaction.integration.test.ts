import { afterEach, beforeEach, expect, test } from 'vitest'

import { StoreError } from '../../src/errors/store-errors.ts'
import { SqlError, sqlite, type SqliteStore } from '../../src/sqlite.ts'
import type { SqlTransaction, SqlValue } from '../../src/store/store.ts'
import { append, command, scratch } from './log-fixture.ts'

let folder: ReturnType<typeof scratch>
let store: SqliteStore

beforeEach(async () => {
  folder = scratch()
  store = sqlite(folder.path('log.db'))
  await store.transaction(async (tx) => {
    await tx.sql`create table person (id integer primary key, name text not null unique, born text)`
  })
})

afterEach(async () => {
  await store.close()
  folder.remove()
})

const people = (): Promise<object[]> =>
  store.transaction((tx) => tx.sql`select id, name from person order by id`)

test("the user's rows and the events are there together", async () => {
  const result = await store.transaction(async (tx) => {
    await tx.sql`insert into person (id, name) values (${1}, ${'Ann'})`
    const [appended] = await tx.append([append('A/1', 0)], { command: command() })
    return appended?.version
  })
  expect(result).toBe(1)
  expect(await people()).toEqual([{ id: 1, name: 'Ann' }])
  expect(await store.head()).toBe(1)
})

test('an error leaves neither, and comes out as it was', async () => {
  const mine = new Error('mine')
  const work = store.transaction(async (tx) => {
    await tx.sql`insert into person (id, name) values (1, 'Ann')`
    await tx.append([append('A/1', 0)])
    throw mine
  })
  await expect(work).rejects.toBe(mine)
  expect(await people()).toEqual([])
  expect(await store.head()).toBe(0)
})

test('values are parameters, and come back as what they were', async () => {
  const hostile = `'); drop table person; --`
  const rows = await store.transaction(async (tx) => {
    await tx.sql`insert into person (id, name) values (1, ${hostile})`
    return tx.sql`select name, ${true} as yes, ${null} as absent, ${new Uint8Array([1, 2])} as bytes,
      ${2n ** 60n} as big, ${1.5} as half, 7 as small from person`
  })
  expect(rows).toEqual([
    {
      name: hostile,
      yes: 1,
      absent: null,
      bytes: new Uint8Array([1, 2]),
      big: 2n ** 60n,
      half: 1.5,
      small: 7,
    },
  ])
})

test('returning gives rows, a statement without rows none', async () => {
  await store.transaction(async (tx) => {
    expect(await tx.sql`insert into person (name) values ('Ann') returning id`).toEqual([{ id: 1 }])
    expect(await tx.sql`update person set born = '2000'`).toEqual([])
    expect(await tx.sql<{ n: number }>`select count(*) as n from person`).toEqual([{ n: 1 }])
  })
})

test.each([
  [new Date(0), /value 1 is an object \(Date\).*toISOString/s],
  [{ a: 1 }, /an object \(Object\).*JSON\.stringify/s],
  [[1], /an object \(Array\)/],
  [undefined, /undefined/],
  [Number.NaN, /NaN/],
])('a value that SQLite cannot keep is refused: %j', async (value, message) => {
  const work = store.transaction(
    (tx) => tx.sql`insert into person (name) values (${value as unknown as SqlValue})`,
  )
  await expect(work).rejects.toThrow(message)
  await expect(work).rejects.toMatchObject({ code: 'TIDINGS_ARGUMENT_INVALID' })
})

const refused: readonly (readonly [string, (tx: SqlTransaction) => Promise<unknown>, RegExp])[] = [
  ['begin', (tx) => tx.sql`begin`, /no BEGIN/],
  ['commit', (tx) => tx.sql`/* hello */ commit`, /no BEGIN, COMMIT/],
  ['rollback', (tx) => tx.sql`rollback`, /ROLLBACK/],
  ['savepoint', (tx) => tx.sql`savepoint a`, /SAVEPOINT/],
  ['attach', (tx) => tx.sql`attach ':memory:' as other`, /ATTACH/],
  ['pragma', (tx) => tx.sql`pragma synchronous = off`, /PRAGMA/],
  ['two statements', (tx) => tx.sql`select 1; select 2`, /one statement at a time/],
  ['the log', (tx) => tx.sql`delete from event_log`, /'event_log', and only the store/],
  [
    'in a CTE',
    (tx) => tx.sql`with a as (select 1) update Event_Log set payload = '{}'`,
    /event_log/i,
  ],
  ['its indexes', (tx) => tx.sql`drop index event_log_id`, /event_log/],
  ['its tables', (tx) => tx.sql`alter table commands add column x`, /commands/],
  ['marks', (tx) => tx.sql`update subscriptions set position = 0`, /'subscriptions'/],
  ['an index on parked events', (tx) => tx.sql`create index i on parked (key)`, /'parked'/],
  [
    'by a trigger',
    (tx) => tx.sql`create trigger t after insert on commands begin select 1; end`,
    /commands/,
  ],
]

test.each(refused)(
  'what has no place in a transaction is refused: %s',
  async (_name, act, message) => {
    await store.append([append('A/1', 0)])
    const work = store.transaction(act)
    await expect(work).rejects.toMatchObject({ code: 'TIDINGS_ARGUMENT_INVALID' })
    await expect(work).rejects.toThrow(message)
    expect(await store.head()).toBe(1)
    // And the connection is as free as before.
    await store.append([append('A/1', 1)])
  },
)

test('the log may be read by SQL, and a column may be named like one of its tables', async () => {
  await store.append([append('A/1', 0)])
  const rows = await store.transaction(async (tx) => {
    await tx.sql`create table note (commands text)`
    await tx.sql`insert into note values ('x')`
    await tx.sql`update note set commands = 'y'`
    return tx.sql`select event_type, commands from domain_events, note; -- all of it`
  })
  expect(rows).toEqual([{ event_type: 'Todo.Item.Created', commands: 'y' }])
})

test('a broken constraint says which, and the transaction goes on if it is caught', async () => {
  await store.transaction(async (tx) => {
    await tx.sql`insert into person (name) values ('Ann')`
    const failure: unknown = await tx.sql`insert into person (name) values ('Ann')`.catch(
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(SqlError)
    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({ constraint: 'unique', code: 'TIDINGS_STORE_FAILED' })
    expect((failure as Error).cause).toMatchObject({ errcode: 2067 })
    await expect(tx.sql`insert into person (name) values (${null})`).rejects.toMatchObject({
      constraint: 'not-null',
    })
    await expect(tx.sql`insert into nowhere values (1)`).rejects.toMatchObject({
      constraint: undefined,
      statement: 'insert into nowhere values (1)',
    })
  })
  expect(await people()).toEqual([{ id: 1, name: 'Ann' }])
})

test('an append that failed cannot be swallowed', async () => {
  await store.append([append('A/1', 0)])
  const work = store.transaction(async (tx) => {
    await tx.sql`insert into person (name) values ('Ann')`
    await tx.append([append('A/1', 0)]).catch(() => undefined)
    await expect(tx.sql`select 1`).rejects.toMatchObject({ code: 'TIDINGS_TRANSACTION_CLOSED' })
  })
  await expect(work).rejects.toMatchObject({ code: 'TIDINGS_CONCURRENCY_CONFLICT' })
  expect(await people()).toEqual([])
})

test('an append over an id that is there already writes nothing, in whatever order', async () => {
  const there = append('A/1', 0)
  await store.append([there])
  await expect(
    store.transaction(async (tx) => {
      await tx.append([append('B/1', 0)])
      await tx.append([append('C/1', 0), { ...append('A/1', 1), events: there.events }])
    }),
  ).rejects.toMatchObject({ code: 'TIDINGS_EVENT_ID_CONFLICT' })
  const repeated = await store.transaction((tx) => tx.append([{ ...there, expectedVersion: 1 }]))
  expect(repeated).toMatchObject([{ repeated: true, positions: [1] }])
  expect(await store.head()).toBe(1)
})

test('inside a transaction its own store is refused at once, another store is not', async () => {
  const other = sqlite(folder.path('other.db'))
  await store.transaction(async (tx) => {
    await tx.append([append('A/1', 0)])
    const nested = { code: 'TIDINGS_TRANSACTION_NESTED' }
    await expect(store.append([append('A/2', 0)])).rejects.toMatchObject(nested)
    await expect(store.transaction(async () => 1)).rejects.toMatchObject(nested)
    await expect(store.commands.record(command())).rejects.toMatchObject(nested)
    await expect(store.close()).rejects.toMatchObject(nested)
    await other.append([append('A/2', 0)])
    // Reading is apart, and sees what is committed.
    expect(await store.head()).toBe(0)
  })
  await other.close()
  expect(await store.head()).toBe(1)
})

test('code that a transaction started may use the store when it has ended', async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let later: Promise<unknown> | undefined
  await store.transaction(async () => {
    later = ended.then(() => store.append([append('A/1', 0)]))
  })
  resolve()
  await later
  expect(await store.head()).toBe(1)
})

test('used after its end, or not awaited in time, it is closed', async () => {
  const kept = await store.transaction(async (tx) => ({ tx }))
  const closed = { code: 'TIDINGS_TRANSACTION_CLOSED' }
  await expect(kept.tx.sql`select 1`).rejects.toMatchObject(closed)
  await expect(kept.tx.append([append('A/1', 0)])).rejects.toMatchObject(closed)
  await expect(kept.tx.readStream('A/1').toArray()).rejects.toMatchObject(closed)
})

test('before its first statement it holds nothing; from then on others wait', async () => {
  const order: string[] = []
  const { promise: appended, resolve } = Promise.withResolvers<void>()
  const slow = store.transaction(async (tx) => {
    await appended
    await tx.append([append('A/2', 0)])
    const late = store.readAll().toArray()
    order.push('slow')
    await late
  })
  await store.append([append('A/1', 0)])
  order.push('first')
  resolve()
  await slow
  await store.append([append('A/3', 0)])
  order.push('third')
  expect(order).toEqual(['first', 'slow', 'third'])
})

test('appends that come during a transaction wait for it, in order', async () => {
  const waiting: Promise<unknown>[] = []
  const { promise: begun, resolve } = Promise.withResolvers<void>()
  const slow = store.transaction(async (tx) => {
    await tx.append([append('A/1', 0)])
    resolve()
    for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next))
    await tx.append([append('A/1', 1)])
  })
  await begun
  waiting.push(store.append([append('A/1', 2)]), store.append([append('A/1', 3)]))
  await Promise.all([slow, ...waiting])
  const versions = await store.readAll().toArray()
  expect(versions.map((event) => event.streamVersion)).toEqual([1, 2, 3, 4])
})

test('aborted, it rolls back with the reason', async () => {
  const controller = new AbortController()
  const reason = new Error('too slow')
  const work = store.transaction(
    async (tx) => {
      await tx.append([append('A/1', 0)])
      controller.abort(reason)
    },
    { signal: controller.signal },
  )
  await expect(work).rejects.toBe(reason)
  expect(await store.head()).toBe(0)
})

test('readStream sees the events of the transaction, both ways', async () => {
  await store.append([append('A/1', 0)])
  await store.transaction(async (tx) => {
    await tx.append([append('A/1', 1)])
    const forwards = await tx.readStream('A/1').toArray()
    const backwards = await tx.readStream('A/1', { reverse: true, limit: 1 }).toArray()
    expect(forwards.map((event) => event.streamVersion)).toEqual([1, 2])
    expect(backwards.map((event) => event.streamVersion)).toEqual([2])
    expect(await store.readStream('A/1').toArray()).toHaveLength(1)
  })
})

test('more statements than are kept prepared still run', async () => {
  await store.transaction(async (tx) => {
    for (let index = 0; index < 450; index++) {
      const strings = Object.assign([`select ${index % 225} as n`], { raw: [''] })
      expect(await tx.sql(strings)).toEqual([{ n: index % 225 }])
    }
  })
})
