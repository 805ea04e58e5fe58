import { describe, expect, onTestFinished, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { PartialFailure } from '../../src/delivery/partial-failure.ts'
import { MailRequested } from '../support/failing-mail.ts'
import { stores } from '../support/stores.ts'

describe.each(stores)('on $kind', ({ open }) => {
  test.each([
    ['none', () => []],
    [
      'an event of somewhere else',
      (event: object) => [{ event: { ...event, eventId: 'another' }, error: new Error('no') }],
    ],
  ] as const)('a failure that names %s makes nothing done', async (_, name) => {
    const store = await open()
    const mail = defineSubscription('mail', {
      events: MailRequested,
      retry: { attempts: 1 },
      outageAfter: 100,
      batch: { age: 0 },
      handleBatch: (events) => {
        throw new PartialFailure(name(events[0]!) as never)
      },
    })
    const app = await bootstrap({ store, modules: [defineModule('shop', [mail])] })
    onTestFinished(() => app.close())
    for (const to of ['ann', 'ben']) {
      const events = MailRequested({ to, lines: 1 })
      await app.store.append({ aggregateType: 'Shop.Mail', aggregateId: to, events })
    }
    await app.delivery.caughtUp()
    const parked = await app.admin.parked.list({})
    expect(parked.map(({ key }) => key)).toEqual(['ann', 'ben'])
    expect(parked[0]?.attempts[0]?.error.message).toMatch(
      /names the events of the batch that failed/,
    )
  })
})
