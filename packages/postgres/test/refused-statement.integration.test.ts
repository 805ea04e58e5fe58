import { postgres } from '@tidings/postgres'
import {
  bootstrap,
  defineEvent,
  defineModule,
  defineSubscription,
  type SqlTransaction,
} from 'tidings'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createDatabase, type TestDatabase } from './kit/server.ts'

const Mailed = defineEvent('Sample.Mail.Requested', { payload: z.object({ to: z.string() }) })

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase('refused')
})
afterAll(() => database.drop())

test('a statement that the server refuses is a failure of its event, and not trouble of the store', async () => {
  const store = postgres(database.url)
  await store.transaction(async (tx) => {
    await tx.sql`create table mails (who text primary key)`
    await tx.sql`insert into mails values ('poison')`
  })
  const mails = defineSubscription<'mails', typeof Mailed, SqlTransaction>('mails', {
    events: Mailed,
    retry: { attempts: 2, delay: 1 },
    handle: async ({ payload: { to } }, { tx }) => {
      await tx.sql`insert into mails values (${to})`
    },
  })
  const app = await bootstrap({ store, modules: [defineModule('sample', [mails])] })
  for (const to of ['ann', 'poison', 'ben']) {
    await app.store.append({
      aggregateType: 'Sample.Mail',
      aggregateId: to,
      events: Mailed({ to }),
    })
  }
  await app.delivery.caughtUp()
  const letters = await app.admin.parked.list({ subscription: 'mails' }, { limit: 10 })
  expect(letters.map(({ key, reason }) => [key, reason])).toEqual([['poison', 'failed']])
  expect(letters[0]?.attempts).toHaveLength(2)
  expect(app.delivery.subscriptions.map(({ state }) => state)).toEqual(['live'])
  const sent = await app.store.transaction(
    (tx) => tx.sql<{ who: string }>`select who from mails order by who`,
  )
  expect(sent.map(({ who }) => who)).toEqual(['ann', 'ben', 'poison'])
  await app.close()
  await store.close()
})
