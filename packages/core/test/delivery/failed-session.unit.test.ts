import { describe, expect, onTestFinished, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { MailRequested } from '../support/failing-mail.ts'
import { stores, withOverrides } from '../support/stores.ts'

describe.each(stores)('on $kind', ({ open }) => {
  test('what fails by itself is begun again in a moment, not when its lease has run out', async () => {
    const store = await open()
    const sent: string[] = []
    const failures: string[] = []
    const mail = defineSubscription('mail', {
      events: MailRequested,
      handle: ({ payload: { to } }) => void sent.push(to),
    })
    let isBroken = true
    const { parked } = store
    const app = await bootstrap({
      store: withOverrides(store, {
        parked: {
          ...parked,
          keys: async (...asked) => {
            if (isBroken) throw new Error('a fault of the runtime')
            return parked.keys(...asked)
          },
        },
      }),
      modules: [defineModule('shop', [mail])],
      delivery: { leaseMs: 600_000, pollMs: 5 },
      onFailure: ({ error }) => void failures.push(String(error)),
    })
    onTestFinished(() => app.close())
    const events = MailRequested({ to: 'ann', lines: 1 })
    await app.store.append({ aggregateType: 'Shop.Mail', aggregateId: 'ann', events })
    await expect.poll(() => app.delivery.subscriptions[0]?.state).toBe('failed')
    // Others may have it.
    await expect.poll(() => store.leases.find('mail')).toBeUndefined()
    isBroken = false
    await expect.poll(() => sent, { timeout: 4000 }).toEqual(['ann'])
    expect(new Set(failures)).toEqual(new Set(['Error: a fault of the runtime']))
  })
})
