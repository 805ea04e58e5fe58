import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { decodeEvent } from '../../src/contract/codec.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { withOverrides } from '../support/stores.ts'

const before = z.object({ to: z.string() })
const PostedBefore = defineEvent('Shop.Letter.Sent', { payload: before })
const PostedToday = defineEvent('Shop.Letter.Posted', {
  version: 2,
  payload: z.object({ to: z.string(), copies: z.number() }),
  history: { 1: before },
  upcast: { 1: ({ to }) => ({ to, copies: 1 }) },
  aliases: ['Shop.Letter.Sent'],
})

/** Two letters to ann, as an application wrote them before the event had its name and version of today. */
async function postBefore(store: Store): Promise<void> {
  const app = await bootstrap({ store, modules: [defineModule('shop', [PostedBefore])] })
  const events = [PostedBefore({ to: 'ann' }), PostedBefore({ to: 'ann' })]
  await app.store.append({ aggregateType: 'Shop.Letter', aggregateId: 'ann', events })
  await app.close()
}

test('what is kept of an event is what was stored: not its upcast form, nor what a person put in its place', async () => {
  // Both applications have the one store.
  const store = withOverrides(memoryStore(), { close: async () => undefined })
  await postBefore(store)
  const got: unknown[] = []
  const letters = defineSubscription('letters', {
    events: PostedToday,
    retry: { attempts: 1 },
    handle: ({ payload }) => {
      got.push(payload)
      throw new Error('no')
    },
  })
  const app = await bootstrap({
    store,
    modules: [defineModule('shop', [PostedToday, letters])],
    onFailure: () => undefined,
    delivery: { pollMs: 5 },
  })
  onTestFinished(() => app.close())
  await app.delivery.caughtUp()
  const all = await app.admin.parked.list({})
  expect(all.map(({ reason }) => reason)).toEqual(['failed', 'behind'])
  const [first, follower] = all

  const ask = { subscription: 'letters', by: 'ann', reason: 'mended' } as const
  const discard = { kind: 'discard', ...ask, filter: { ids: [first!.parkedId] } } as const
  await app.admin.ended((await app.admin.request(discard)).operationId)
  // The follower runs by itself then, and fails; edited, it fails again.
  await expect
    .poll(async () => (await app.admin.parked.find(follower!.parkedId))?.reason)
    .toBe('failed')
  const edits = { [follower!.parkedId]: { to: 'ann', copies: 2 } }
  const redrive = await app.admin.request({ kind: 'redrive', ...ask, edits })
  await app.admin.ended(redrive.operationId)

  expect(got).toEqual([
    { to: 'ann', copies: 1 },
    { to: 'ann', copies: 1 },
    { to: 'ann', copies: 2 },
  ])
  for (const { parkedId } of all) {
    const kept = await app.admin.parked.find(parkedId)
    expect(kept).toMatchObject({ eventType: 'Shop.Letter.Sent', eventVersion: 1 })
    expect(decodeEvent(kept!.bytes!).envelope).toMatchObject({
      eventType: 'Shop.Letter.Sent',
      eventVersion: 1,
      payload: { to: 'ann' },
    })
  }
})
