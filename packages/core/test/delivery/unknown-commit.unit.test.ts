import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { StoreError } from '../../src/errors/store-errors.ts'
import type { Store } from '../../src/store/store.ts'
import { MailRequested } from '../support/failing-mail.ts'
import { stores, withOverrides } from '../support/stores.ts'

const MailSent = defineEvent('Shop.Mail.Sent', { payload: z.object({ to: z.string() }) })

/** A store whose answer to a commit is lost once, when `isDue` says so: nobody knows whether it was done. */
function losingAnAnswer(store: Store, isDue: () => boolean): Store {
  let isLost = false
  const transaction: Store['transaction'] = async (work) => {
    const result = await store.transaction(work)
    if (isLost || !isDue()) return result
    isLost = true
    throw new StoreError('TIDINGS_STORE_FAILED', 'test', 'The connection was cut.', {
      retryable: true,
    })
  }
  return withOverrides(store, { transaction })
}

describe.each(stores)('on $kind', ({ open }) => {
  test.each(['in order', 'ahead of a slower key'] as const)(
    'an effect whose commit nobody knows of happens once: %s',
    async (how) => {
      const store = await open()
      const slow = Promise.withResolvers<void>()
      let handled = 0
      const mail = defineSubscription('mail', {
        events: MailRequested,
        handle: async ({ payload: { to } }, ctx) => {
          if (to === 'slow') return slow.promise
          handled++
          const events = MailSent({ to })
          await ctx.tx.append({ aggregateType: 'Shop.Sent', aggregateId: to, events })
        },
      })
      const app = await bootstrap({
        store: losingAnAnswer(store, () => handled > 0),
        modules: [defineModule('shop', [mail, MailSent])],
        delivery: { leaseMs: 300, pollMs: 5 },
        onFailure: () => undefined,
      })
      onTestFinished(() => app.close())
      const ask = (to: string) => ({
        aggregateType: 'Shop.Mail',
        aggregateId: to,
        events: MailRequested({ to, lines: 1 }),
      })
      if (how !== 'in order') await app.store.append(ask('slow'))
      await app.store.append(ask('ann'))
      await app.store.append(ask('ben'))
      const sent = async () => {
        const events = await store.query({ types: [MailSent.type] }).toArray()
        return events.map(({ payload }) => (payload as { to: string }).to).toSorted()
      }
      await expect.poll(sent, { timeout: 4000 }).toContain('ben')
      slow.resolve()
      await app.delivery.caughtUp()
      expect(await sent()).toEqual(['ann', 'ben'])
    },
    10_000,
  )

  test('so does the effect of a parked event, and its follower goes on', async () => {
    const store = await open()
    let isBroken = true
    let redriven = 0
    const mail = defineSubscription('mail', {
      events: MailRequested,
      retry: { attempts: 1 },
      outageAfter: 100,
      handle: async ({ payload: { to, lines } }, ctx) => {
        if (isBroken) throw new Error('nobody there')
        redriven++
        const events = MailSent({ to: `${to}:${lines}` })
        await ctx.tx.append({ aggregateType: 'Shop.Sent', aggregateId: to, events })
      },
    })
    const app = await bootstrap({
      store: losingAnAnswer(store, () => redriven > 0),
      modules: [defineModule('shop', [mail, MailSent])],
      delivery: { leaseMs: 300, pollMs: 5 },
      onFailure: () => undefined,
    })
    onTestFinished(() => app.close())
    for (const lines of [1, 2, 3]) {
      const events = MailRequested({ to: 'ann', lines })
      await app.store.append({ aggregateType: 'Shop.Mail', aggregateId: 'ann', events })
    }
    await app.delivery.caughtUp()
    isBroken = false
    const asked = { subscription: 'mail', by: 'ann', kind: 'redrive' } as const
    const { operationId } = await app.admin.request(asked)
    const { operation } = await app.admin.ended(operationId, { everyMs: 5 })
    expect(operation.result).toMatchObject({ moved: 3, resolved: 3 })
    const events = await store.query({ types: [MailSent.type] }).toArray()
    expect(events.map(({ payload }) => (payload as { to: string }).to)).toEqual([
      'ann:1',
      'ann:2',
      'ann:3',
    ])
    expect(await app.admin.subscription('mail')).toMatchObject({ parked: 0, state: 'live' })
  })

  test.each([1, 2, 3, 4])(
    'a redrive and a discard come to their end, whichever of their commits nobody knows of: number %i',
    async (number) => {
      const store = await open()
      let isBroken = true
      let begun = Number.NEGATIVE_INFINITY
      const mail = defineSubscription('mail', {
        events: MailRequested,
        retry: { attempts: 1 },
        outageAfter: 100,
        maxParked: 4,
        handle: () => {
          if (isBroken) throw new Error('nobody there')
        },
      })
      const app = await bootstrap({
        store: losingAnAnswer(store, () => ++begun === number),
        modules: [defineModule('shop', [mail])],
        delivery: { leaseMs: 300, pollMs: 5 },
        onFailure: () => undefined,
      })
      onTestFinished(() => app.close())
      const fail = async (...names: readonly string[]): Promise<void> => {
        for (const to of names) {
          const events = MailRequested({ to, lines: 1 })
          await app.store.append({ aggregateType: 'Shop.Mail', aggregateId: to, events })
        }
        await app.delivery.caughtUp()
      }
      const carryOut = async (kind: 'redrive' | 'discard') => {
        const asked = { subscription: 'mail', by: 'ann', kind, reason: 'mended' } as const
        const { operationId } = await app.admin.request(asked)
        return (await app.admin.ended(operationId, { everyMs: 5 })).operation
      }
      await fail('ann', 'ann', 'ben')
      begun = 0
      expect((await carryOut('discard')).result).toMatchObject({ discarded: 3 })
      // There is room again for as many as may be parked.
      await fail('ann', 'ben', 'cid')
      isBroken = false
      expect((await carryOut('redrive')).result).toMatchObject({ moved: 3, resolved: 3 })
      expect(await app.admin.subscription('mail')).toMatchObject({ parked: 0, state: 'live' })
    },
  )
})
