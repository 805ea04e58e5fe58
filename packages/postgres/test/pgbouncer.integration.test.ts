import { inspectServer, migrateSchema, postgres, type PostgresStore } from '@tidings/postgres'
import pg from 'pg'
import { bootstrap, defineEvent, defineModule, defineSubscription } from 'tidings'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { findPgBouncer, startPgBouncer, type PgBouncer } from './kit/pgbouncer.ts'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

/** Only where it cannot be had is it done without; `.ci/run` says so at its end. */
const required =
  process.env['TIDINGS_REQUIRE_SERVICES'] === '1' &&
  process.env['TIDINGS_WITHOUT_PGBOUNCER'] !== '1'

// Where it is required and not installed, starting it fails.
describe.runIf(required || findPgBouncer() !== undefined)(
  'through PgBouncer in transaction mode',
  () => {
    let database: TestDatabase
    let pooler: PgBouncer
    const opened: PostgresStore[] = []

    beforeAll(async () => {
      database = await createDatabase('pooled')
      await migrateSchema(database.url)
      pooler = await startPgBouncer(database.url)
    })
    afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())))
    afterAll(async () => {
      await pooler.stop()
      await database.drop()
    })

    function open(): PostgresStore {
      const store = postgres({
        connection: pooler.url,
        prepare: false,
        listen: false,
        connections: 6,
      })
      opened.push(store)
      return store
    }

    test('doctor sees that messages are not heard, and through the server itself they are', async () => {
      const report = await inspectServer(pooler.url)
      expect(report).toMatchObject({ hearsMessages: false, isReadOnly: false, isSupported: true })
      expect((await inspectServer(database.url)).hearsMessages).toBe(true)
    })

    test('many append at once, own and foreign transactions too, and one waits for all of it', async () => {
      const [one, other] = [open(), open()]
      const write = async (name: string): Promise<void> => {
        for (let n = 0; n < 10; n++) {
          await one.append([appendTo(name, makeEvent(name))])
          await other.transaction((tx) => tx.append([appendTo(name, makeEvent(name))]))
        }
        const client = new pg.Client(pooler.url)
        await client.connect()
        await client.query('begin')
        await one.appendIn(client, [appendTo(name, makeEvent(name))])
        await one.appendIn(client, [appendTo(name, makeEvent(name))], { deferred: true })
        await client.query('commit')
        await client.end()
      }
      const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
      const all = other.waitBeyond(8 * 22 - 1)
      await Promise.all(names.map(write))
      await all
      expect(await other.readAll().toArray()).toHaveLength(8 * 22)
      expect(await Array.fromAsync(other.catalog.verify())).toEqual([])
    })

    test('a subscription hears what another process appends', async () => {
      const Placed = defineEvent('Shop.Order.Placed', { payload: z.object({ total: z.int() }) })
      const heard: number[] = []
      const letters = defineSubscription('letters', {
        events: [Placed],
        handle: async ({ payload }) => void heard.push(payload.total),
      })
      const app = await bootstrap({
        store: open(),
        modules: [defineModule('shop', [Placed, letters])],
      })
      const elsewhere = await bootstrap({
        store: open(),
        modules: [defineModule('shop', [Placed])],
      })
      for (const total of [1, 2, 3]) {
        await elsewhere.store.append({
          aggregateType: 'Shop.Order',
          aggregateId: '1',
          events: Placed({ total }),
        })
      }
      await expect.poll(() => heard).toEqual([1, 2, 3])
      await app.close()
      await elsewhere.close()
    })
  },
)
