import { expect, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { sqlite } from '../../src/sqlite.ts'
import type { SqlTransaction } from '../../src/store/store.ts'
import { scratch } from '../sqlite/log-fixture.ts'
import { MailRequested } from '../support/failing-mail.ts'

test.each(['anywhere', 'database'] as const)(
  'a statement that the database refuses is a failure of its event, and not trouble of the store (effects: %s)',
  async (effects) => {
    const folder = scratch()
    const store = sqlite(folder.path('log.db'))
    await store.transaction(async (tx) => {
      await tx.sql`create table mails (who text primary key) strict`
      await tx.sql`insert into mails values ('poison')`
    })
    const states = new Set<string>()
    const mails = defineSubscription<'mails', typeof MailRequested, SqlTransaction>('mails', {
      events: MailRequested,
      effects,
      retry: { attempts: 2, delay: 1 },
      handle: async ({ payload: { to } }, { tx }) => {
        await tx.sql`insert into mails values (${to})`
      },
    })
    const app = await bootstrap({ store, modules: [defineModule('shop', [mails])] })
    for (const to of ['ann', 'poison', 'ben', 'cyn']) {
      await app.store.append({
        aggregateType: 'Shop.Mail',
        aggregateId: to,
        events: MailRequested({ to, lines: 1 }),
      })
    }
    await app.delivery.caughtUp()
    for (const { state } of app.delivery.subscriptions) states.add(state)
    const letters = await app.admin.parked.list({ subscription: 'mails' }, { limit: 10 })
    expect(letters.map(({ key, reason }) => [key, reason])).toEqual([['poison', 'failed']])
    expect(letters[0]!.attempts).toHaveLength(2)
    expect(letters[0]!.attempts[0]!.error).toMatchObject({ code: 'TIDINGS_STORE_FAILED' })
    const sent = await app.store.transaction(
      (tx) => tx.sql<{ who: string }>`select who from mails order by who`,
    )
    expect(sent.map(({ who }) => who)).toEqual(['ann', 'ben', 'cyn', 'poison'])
    expect([...states]).toEqual(['live'])
    await app.close()
    await store.close()
    folder.remove()
  },
)
