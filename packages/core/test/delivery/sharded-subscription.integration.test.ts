import { describe, expect, onTestFinished, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { createAdmin } from '../../src/delivery/admin.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import type { Store } from '../../src/store/store.ts'
import { MailRequested } from '../support/failing-mail.ts'
import { stores, withOverrides } from '../support/stores.ts'

const asked = { subscription: 'mail', by: 'ann', reason: 'mended' } as const

interface Started {
  readonly app: Awaited<ReturnType<typeof bootstrap>>
  /** `to:lines`, in order. */
  readonly sent: string[]
  readonly failures: string[]
}

async function start(
  store: Store,
  options: { readonly owner: string; readonly shards: number; readonly broken?: Set<string> },
): Promise<Started> {
  const { owner, shards, broken } = options
  const sent: string[] = []
  const failures: string[] = []
  const mail = defineSubscription('mail', {
    events: MailRequested,
    shards,
    retry: { attempts: 1 },
    outageAfter: 1000,
    handle: ({ payload: { to, lines } }) => {
      if (broken?.has(to) === true) throw new Error(`${to} does not answer`)
      sent.push(`${to}:${lines}`)
    },
  })
  const app = await bootstrap({
    // Others go on with it when this one closes.
    store: withOverrides(store, { close: async () => undefined }),
    modules: [defineModule('shop', [mail])],
    delivery: { owner, pollMs: 5, leaseMs: 600 },
    onFailure: ({ error }) => void failures.push(String(error)),
  })
  onTestFinished(() => app.close())
  return { app, sent, failures }
}

async function append({ app }: Started, to: string, lines: number): Promise<void> {
  const events = MailRequested({ to, lines })
  await app.store.append({ aggregateType: 'Shop.Mail', aggregateId: to, events })
}

const ownersOf = async (store: Store): Promise<readonly string[]> => {
  const leases = await store.leases.list()
  return leases.filter(({ name }) => name.includes('/')).map(({ owner }) => owner)
}

/** How many of them `one` and `two` own. */
const sharesOf = async (store: Store): Promise<readonly number[]> => {
  const owners = await ownersOf(store)
  return ['one', 'two'].map((who) => owners.filter((owner) => owner === who).length)
}

const patiently = { timeout: 30_000 }

describe.each(stores)('on $kind', ({ open }) => {
  test('two processes share 1,000 events of 50 keys, each once and in order, also while one goes', async () => {
    const store = await open()
    const one = await start(store, { owner: 'one', shards: 4 })
    const two = await start(store, { owner: 'two', shards: 4 })
    await expect.poll(() => sharesOf(store), patiently).toEqual([2, 2])
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`)
    for (let n = 1; n <= 10; n++) for (const key of keys) await append(one, key, n)
    await expect.poll(() => one.sent.length + two.sent.length, patiently).toBe(500)
    expect(Math.min(one.sent.length, two.sent.length)).toBeGreaterThan(100)
    const closed = one.app.close()
    for (let n = 11; n <= 20; n++) for (const key of keys) await append(two, key, n)
    await closed
    await expect.poll(() => one.sent.length + two.sent.length, patiently).toBe(1000)
    await expect.poll(() => sharesOf(store), patiently).toEqual([0, 4])
    for (const key of keys) {
      const all = [...one.sent, ...two.sent].filter((mail) => mail.startsWith(`${key}:`))
      expect(all).toEqual(Array.from({ length: 20 }, (_, index) => `${key}:${index + 1}`))
    }
  }, 60_000)

  test('one process owns all shards; what they have parked is discarded as of one', async () => {
    const store = await open()
    const broken = new Set(['ann', 'ben', 'cem', 'dan', 'eve'])
    const one = await start(store, { owner: 'one', shards: 3, broken })
    for (const to of ['ann', 'ben', 'cem', 'dan', 'eve', 'fay']) await append(one, to, 1)
    await one.app.delivery.caughtUp()
    expect(one.sent).toEqual(['fay:1'])
    const { admin } = one.app
    // The marks move over what is of other shards from time to time.
    await expect
      .poll(() => admin.subscription('mail'), patiently)
      .toMatchObject({
        name: 'mail',
        position: 6,
        owner: 'one',
        parked: 5,
        deadLetters: 5,
        shards: [{ owner: 'one' }, { owner: 'one' }, { owner: 'one' }],
      })
    const { operationId } = await admin.request({ ...asked, kind: 'discard' })
    const { operation } = await admin.ended(operationId, { everyMs: 5 })
    expect(operation).toMatchObject({ state: 'done', result: { discarded: 5 } })
    expect((await admin.subscription('mail')).parked).toBe(0)
    expect(await admin.operations.list({})).toHaveLength(1)
  })

  test('a rate is of all shards, and a cancel ends the part of each', async () => {
    const store = await open()
    const broken = new Set(['ann', 'ben', 'cem', 'dan', 'eve'])
    const one = await start(store, { owner: 'one', shards: 2, broken })
    for (const to of broken) for (const n of [1, 2, 3]) await append(one, to, n)
    await one.app.delivery.caughtUp()
    broken.clear()
    const { admin } = one.app
    const { operationId } = await admin.request({ ...asked, kind: 'redrive', rate: 0.1 })
    await expect
      .poll(async () => (await admin.operations.find(operationId))?.progress['moved'])
      .toBe(15)
    await admin.cancel(operationId, { by: 'ann' })
    const { operation } = await admin.ended(operationId, { everyMs: 5 })
    expect(operation).toMatchObject({ state: 'cancelled', cancelledBy: 'ann' })
    expect(operation.result).toMatchObject({ moved: 15 })
    // One of each shard at once, and with it those that were behind it.
    expect(one.sent.length).toBeLessThanOrEqual(6)
    await expect
      .poll(async () => (await admin.subscription('mail')).parked + one.sent.length)
      .toBe(15)
  })

  test.each([
    [1, 3],
    [3, 1],
    [2, 4],
  ])(
    '%i shards run as %i only from a reset on',
    async (before, after) => {
      const store = await open()
      const one = await start(store, { owner: 'one', shards: before })
      for (const to of ['ann', 'ben', 'cem']) await append(one, to, 1)
      await one.app.delivery.caughtUp()
      await one.app.close()
      const two = await start(store, { owner: 'two', shards: after })
      for (const to of ['ann', 'ben', 'cem']) await append(two, to, 2)
      await expect.poll(() => two.failures.length).toBeGreaterThan(0)
      expect(two.failures[0]).toMatch(
        new RegExp(`'mail' has 'shards: ${after}', and its records are of ${before}\\..*reset`),
      )
      expect(two.sent, 'it handles nothing').toEqual([])
      expect(two.app.delivery.subscriptions[0]).toMatchObject({ name: 'mail', state: 'failed' })
      const request = { ...asked, kind: 'reset', to: 3 } as const
      const { operationId } = await two.app.admin.request(request)
      const { operation } = await two.app.admin.ended(operationId, { everyMs: 5 })
      expect(operation).toMatchObject({ state: 'done', result: { generation: 2 } })
      await two.app.delivery.caughtUp()
      expect(two.sent.toSorted()).toEqual(['ann:2', 'ben:2', 'cem:2'])
      const overviews = () => two.app.admin.subscriptions()
      const overview = { name: 'mail', generation: 2, position: 6 }
      await expect.poll(overviews, patiently).toMatchObject([overview])
      expect((await overviews())[0]?.shards?.length ?? 1).toBe(after)
      await two.app.close()
      const three = await start(store, { owner: 'three', shards: before })
      await expect.poll(() => three.failures.length).toBeGreaterThan(0)
      expect(three.sent, 'who runs it as before handles nothing').toEqual([])
    },
    30_000,
  )

  test('what was paused is paused in another number of shards, until it is resumed', async () => {
    const store = await open()
    const one = await start(store, { owner: 'one', shards: 2 })
    await append(one, 'ann', 1)
    await one.app.delivery.caughtUp()
    const carryOut = async ({ app }: Started, kind: 'pause' | 'resume'): Promise<void> => {
      const { operationId } = await app.admin.request({ ...asked, kind })
      await app.admin.ended(operationId, { everyMs: 5 })
    }
    await carryOut(one, 'pause')
    await one.app.close()
    const admin = createAdmin(store)
    const { operationId } = await admin.request({ ...asked, kind: 'reset', to: 'beginning' })
    const two = await start(store, { owner: 'two', shards: 3 })
    await admin.ended(operationId, { everyMs: 5 })
    expect(await admin.subscription('mail')).toMatchObject({ isPaused: true, generation: 2 })
    expect(two.sent).toEqual([])
    await carryOut(two, 'resume')
    await expect.poll(() => two.sent).toEqual(['ann:1'])
    expect(await admin.subscription('mail')).toMatchObject({ isPaused: false })
  }, 30_000)

  test.each([1, 3])(
    'a redrive that %d shards come in between ends, and says what the reset overtook',
    async (shards) => {
      const store = await open()
      const broken = new Set(['ann', 'ben', 'cem', 'dan', 'eve'])
      const before = await start(store, { owner: 'one', shards: 2, broken })
      for (const to of broken) for (const n of [1, 2, 3]) await append(before, to, n)
      await before.app.delivery.caughtUp()
      broken.clear()
      const { admin } = before.app
      const redrive = await admin.request({ ...asked, kind: 'redrive', rate: 0.1 })
      await expect
        .poll(async () => (await admin.operations.find(redrive.operationId))?.progress['moved'])
        .toBe(15)
      await before.app.close()
      const reset = await createAdmin(store).request({ ...asked, kind: 'reset', to: 'end' })
      const after = await start(store, { owner: 'two', shards })
      await after.app.admin.ended(reset.operationId, { everyMs: 5 })
      const { operation } = await after.app.admin.ended(redrive.operationId, { everyMs: 5 })
      const done = before.sent.length
      expect(done).toBeLessThanOrEqual(6)
      expect(operation).toMatchObject({
        state: 'done',
        result: { moved: 15, resolved: done, earlier: 15 - done },
      })
    },
    30_000,
  )

  test('a reset to another number waits for who still owns a shard', async () => {
    const store = await open()
    const one = await start(store, { owner: 'one', shards: 2 })
    await append(one, 'ann', 1)
    await one.app.delivery.caughtUp()
    await one.app.close()
    const held = await store.leases.acquire('mail#1/2', 'somebody', 60_000)
    const two = await start(store, { owner: 'two', shards: 3 })
    await expect.poll(() => two.failures.length).toBeGreaterThan(0)
    await two.app.admin.request({ ...asked, kind: 'reset', to: 'beginning' })
    await expect.poll(() => two.failures.at(-1), patiently).toMatch(/somebody has let go/)
    expect(two.sent).toEqual([])
    await store.leases.release(held!)
    await expect.poll(() => two.sent, patiently).toEqual(['ann:1'])
  }, 60_000)
})
