import { explainCommit } from '@tidings/postgres'
import { drizzle } from 'drizzle-orm/node-postgres'
import { sql as drizzleSql } from 'drizzle-orm'
import { Kysely, PostgresDialect, sql as kyselySql } from 'kysely'
import pg from 'pg'
import { ConcurrencyError, type StreamAppend } from 'tidings'
import { describe, expect, test } from 'vitest'
import { expecting, failureOf, useForeignLog } from './kit/foreign-log.ts'
import { appendTo, makeEvent } from './kit/sample.ts'

const log = useForeignLog()

describe('a transaction of another library', () => {
  test('Drizzle', async () => {
    const client = await log.connect()
    const db = drizzle({ client })
    const insert = (append: StreamAppend): Promise<void> =>
      db.transaction(async (tx) => {
        await tx.execute(drizzleSql.raw(`insert into ${log.schema}.orders values ('1')`))
        await log.store.appendIn(
          (strings, ...values) => tx.execute(drizzleSql(strings, ...values)),
          [append],
        )
      })
    await insert(expecting('1', 0))
    expect([await log.rowsOf('orders'), await log.versionOf('1')]).toEqual([1, 1])
    await log.admin.query(`delete from ${log.schema}.orders`)
    expect(await failureOf(insert(expecting('1', 0)))).toBeInstanceOf(ConcurrencyError)
    expect([await log.rowsOf('orders'), await log.versionOf('1')]).toEqual([0, 1])
  })

  test('Kysely', async () => {
    const pool = new pg.Pool({ connectionString: log.database.url, max: 1 })
    const db = new Kysely<Record<string, { id: string }>>({
      dialect: new PostgresDialect({ pool }),
    })
    log.ends.push(() => db.destroy())
    const insert = (append: StreamAppend): Promise<void> =>
      db.transaction().execute(async (tx) => {
        await tx.insertInto(`${log.schema}.orders`).values({ id: '1' }).execute()
        await log.store.appendIn(
          (strings, ...values) => kyselySql(strings, ...values).execute(tx),
          [append],
        )
      })
    await insert(expecting('1', 0))
    expect([await log.rowsOf('orders'), await log.versionOf('1')]).toEqual([1, 1])
    await log.admin.query(`delete from ${log.schema}.orders`)
    expect(await failureOf(insert(expecting('1', 0)))).toBeInstanceOf(ConcurrencyError)
    expect([await log.rowsOf('orders'), await log.versionOf('1')]).toEqual([0, 1])
  })
})

describe('what is deferred', () => {
  test('is appended soon after the COMMIT, in the order of the transaction', async () => {
    const client = await log.begin()
    const events = Array.from({ length: 5 }, () => makeEvent('1'))
    for (const event of events)
      await log.store.appendIn(client, [appendTo('1', event), appendTo('2', makeEvent('2'))], {
        deferred: true,
      })
    await client.query('commit')
    await log.store.waitBeyond(9)
    const stored = await log.store.readStream('Sample.Counter/1').toArray()
    expect(stored.map(({ eventId }) => eventId)).toEqual(
      events.map(({ envelope }) => envelope.eventId),
    )
    expect(stored.map(({ payload }) => payload)).toEqual(events.map(() => ({ by: 1 })))
    expect(await log.rowsOf('deferred_appends')).toBe(0)
  })

  test('is not there after a rollback', async () => {
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('1', makeEvent('1'))], { deferred: true })
    await client.query('rollback')
    await log.store.close()
    expect([await log.rowsOf('event_log'), await log.rowsOf('deferred_appends')]).toEqual([0, 0])
  })

  test('waits for no lock at its COMMIT', async () => {
    const holder = await log.begin()
    const lock = `hashtextextended('"${log.schema}".event_log', 0)`
    await holder.query(`select pg_advisory_xact_lock(${lock})`)
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('1', makeEvent('1'))], { deferred: true })
    await client.query('commit')
    expect(await log.rowsOf('event_log')).toBe(0)
    await holder.query('rollback')
    await log.store.waitBeyond(0)
    expect([await log.rowsOf('event_log'), await log.rowsOf('deferred_appends')]).toEqual([1, 0])
  })

  test('is appended by another process where the one that deferred it was killed', async () => {
    const client = await log.begin()
    await log.store.appendIn(client, [appendTo('1', makeEvent('1'))], { deferred: true })
    const { rows } = await client.query<{ call: string }>(
      `select call::text from ${log.schema}.deferred_appends`,
    )
    await client.query('rollback')
    await log.store.close()
    await log.admin.query(`insert into ${log.schema}.deferred_appends (call) values ($1)`, [
      rows[0]?.call,
    ])
    await log.open().waitBeyond(0)
    await expect.poll(() => log.rowsOf('deferred_appends')).toBe(0)
    expect(await log.rowsOf('event_log')).toBe(1)
  })

  test('the same a second time is stored once; an id that is elsewhere is kept for a person', async () => {
    const append = appendTo('1', makeEvent('1'))
    await log.store.append([append])
    const client = await log.begin()
    const clash = appendTo('2', makeEvent('2', append.events[0]?.envelope.eventId))
    for (const one of [append, clash, appendTo('3', makeEvent('3'))])
      await log.store.appendIn(client, [one], { deferred: true })
    await client.query('commit')
    await log.store.waitBeyond(1)
    expect([await log.versionOf('1'), await log.versionOf('2'), await log.versionOf('3')]).toEqual([
      1, 0, 1,
    ])
    const { rows } = await log.admin.query(`select refused from ${log.schema}.deferred_appends`)
    expect(rows).toEqual([{ refused: expect.stringContaining('is in the log already') as unknown }])
  })
})

describe('is refused at the door', () => {
  test('a pool, no transaction, no events, a deferred expectation, a closed store', async () => {
    const pool = new pg.Pool({ connectionString: log.database.url })
    log.ends.push(() => pool.end())
    const append = [appendTo('1', makeEvent('1'))]
    const code = 'TIDINGS_ARGUMENT_INVALID'
    await expect(log.store.appendIn(pool, append)).rejects.toMatchObject({ code })
    await expect(log.store.appendIn({} as pg.Client, append)).rejects.toMatchObject({ code })
    const client = await log.begin()
    await expect(log.store.appendIn(client, [])).rejects.toMatchObject({ code })
    const strict = log.store.appendIn(client, [expecting('1', 0)], { deferred: true })
    await expect(strict).rejects.toMatchObject({ code })
    await log.store.close()
    await expect(log.store.appendIn(client, append)).rejects.toMatchObject({
      code: 'TIDINGS_CLOSED',
    })
    await client.query('commit')
    expect(await log.rowsOf('event_log')).toBe(0)
  })

  test('other errors of a COMMIT are left as they are', () => {
    const error = new Error('something else', { cause: { code: '23505' } })
    expect(explainCommit(error)).toBe(error)
    expect(explainCommit('text')).toBe('text')
  })
})
