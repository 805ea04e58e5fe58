import { describe, expect, test } from 'vitest'
import { newId } from '../../src/internal/ids.ts'
import { startMail } from '../support/failing-mail.ts'
import { stores } from '../support/stores.ts'

describe.each(stores)('on $kind', ({ open }) => {
  test('what only a newer process can do is left to it, and holds up nothing else', async () => {
    const store = await open()
    const { app, ask, unreachable } = await startMail(store)
    unreachable.add('ann')
    await ask('ann')
    await app.delivery.caughtUp()
    expect((await app.admin.subscription('mail')).parked).toBe(1)
    const asked = { subscription: 'mail', by: 'eve', reason: 'for a test' } as const
    const paused = await app.admin.request({ ...asked, kind: 'pause' })
    const { operation } = await app.admin.ended(paused.operationId, { everyMs: 5 })
    const operationId = newId()
    await store.operations.request({
      ...operation,
      operationId,
      kind: 'rebuild' as never,
      state: 'requested',
    })
    const resumed = await app.admin.request({ ...asked, kind: 'resume' })
    await app.admin.ended(resumed.operationId, { everyMs: 5 })
    expect((await app.admin.operations.find(operationId))?.state).toBe('requested')
    expect((await app.admin.subscription('mail')).parked).toBe(1)
  })
})
