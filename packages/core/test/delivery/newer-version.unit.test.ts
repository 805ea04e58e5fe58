import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { App } from '../../src/bootstrap/app.ts'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import type { Store } from '../../src/store/store.ts'
import type { ManualClock } from '../support/fake-clock.ts'
import { openTimed, until } from '../support/orders.ts'
import { withOverrides } from '../support/stores.ts'

const first = z.object({ to: z.string() })
const second = z.object({ to: z.string(), copies: z.number() })

const PostedBefore = defineEvent('Shop.Letter.Posted', { payload: first })
const PostedToday = defineEvent('Shop.Letter.Posted', {
  version: 2,
  payload: second,
  history: { 1: first },
  upcast: { 1: ({ to }) => ({ to, copies: 1 }) },
})

interface Process {
  readonly app: App
  readonly handled: string[]
  /** State and reason, as they came. */
  readonly told: string[]
  readonly close: () => Promise<void>
}

/** A process of a rolling deployment: one that knows an older version of the event, or today's. */
async function startProcess(
  knows: typeof PostedBefore | typeof PostedToday,
  { store, clock }: { readonly store: Store; readonly clock: ManualClock },
): Promise<Process> {
  const handled: string[] = []
  const letters = defineSubscription('letters', {
    events: knows,
    handle: ({ payload }) => void handled.push(JSON.stringify(payload)),
  })
  const app = (await bootstrap({
    // The store is the other processes' too.
    store: withOverrides(store, { close: async () => undefined }),
    clock,
    modules: [defineModule('shop', [knows, letters])],
    delivery: { pollMs: 5000, leaseMs: 9000, graceMs: 0, owner: `v${knows.version}` },
  })) as unknown as App
  const told: string[] = []
  app.observations.subscription.observe(({ to, reason }) => void told.push(`${to}: ${reason}`))
  let closing: Promise<boolean> | undefined
  const close = async (): Promise<void> => {
    closing ??= app.close().then(() => true)
    const closed = closing
    await until(clock, () => closed)
  }
  onTestFinished(close)
  return { app, handled, told, close }
}

const post = async ({ app }: Process, draft: ReturnType<typeof PostedToday>): Promise<void> => {
  const { to } = draft.payload
  await app.store.append({ aggregateType: 'Shop.Letter', aggregateId: to, events: draft })
}

const says =
  'Shop.Letter.Posted: the event is of a newer version than this process knows. At /event_version: expected at most 1, got 2. Deploy the version of the contract that made it, then read it again.'

test('a process that knows an older version waits, offers the lease, and one that knows it goes on where it stood', async () => {
  const timed = openTimed()
  const { clock, store } = timed
  const older = await startProcess(PostedBefore, timed)
  await until(clock, () => older.app.delivery.subscriptions[0]?.state === 'live')
  const newer = await startProcess(PostedToday, timed)
  await until(clock, () => newer.app.delivery.subscriptions[0]?.reason === 'v1 owns it')
  await older.app.store.append({
    aggregateType: 'Shop.Letter',
    aggregateId: 'ann',
    events: PostedBefore({ to: 'ann' }),
  })
  await until(clock, () => older.handled.length === 1)

  const startMs = clock.now()
  await post(newer, PostedToday({ to: 'ben', copies: 2 }))
  await until(clock, () => older.app.delivery.subscriptions[0]?.state === 'waiting')
  expect(older.app.delivery.subscriptions[0]?.reason).toContain(says)
  await until(clock, () => newer.handled.length === 1)
  expect(clock.now() - startMs, 'not at once: a new process may be about to start').toBeGreaterThan(
    4900,
  )
  expect(clock.now() - startMs).toBeLessThan(11_000)
  expect(newer.handled).toEqual(['{"to":"ben","copies":2}'])
  expect(older.handled, 'what was handled is not handled again').toEqual(['{"to":"ann"}'])
  expect(await store.parked.list({})).toEqual([])
  expect((await store.leases.find('letters'))?.owner).toBe('v2')
  await until(clock, () => older.app.delivery.subscriptions[0]?.reason === 'v2 owns it')
})

test('where no process knows it, its key waits ten minutes while other keys go on, then it is parked, as what it is', async () => {
  const timed = openTimed()
  const { clock, store } = timed
  const older = await startProcess(PostedBefore, timed)
  const startMs = clock.now()
  const gone = await startProcess(PostedToday, timed)
  await post(gone, PostedToday({ to: 'ben', copies: 2 }))
  await gone.close()
  for (const to of ['ann', 'ben']) {
    const events = PostedBefore({ to })
    await older.app.store.append({ aggregateType: 'Shop.Letter', aggregateId: to, events })
  }
  await until(clock, () => older.handled.length === 1)
  expect(older.handled, 'another key').toEqual(['{"to":"ann"}'])

  for (let minute = 0; minute < 9; minute++) await clock.advance(60_000)
  expect(await store.parked.list({}), 'somebody may still come').toEqual([])
  expect(older.app.delivery.subscriptions[0]?.state).not.toBe('failed')
  for (let second = 0; second < 90; second++) await clock.advance(1000)
  const [letter, follower] = await store.parked.list({})
  expect(letter).toMatchObject({ position: 1, key: 'ben', reason: 'unknown-version' })
  expect(letter?.attempts.at(-1)?.error).toMatchObject({ code: 'TIDINGS_VERSION_UNKNOWN' })
  expect(letter?.attempts.at(-1)?.error.message).toContain(says)
  expect(follower).toMatchObject({ position: 3, key: 'ben', reason: 'behind' })
  expect(Date.parse(letter?.parkedAt ?? '') - startMs).toBeGreaterThanOrEqual(600_000)
  expect(older.told.filter((state) => state.startsWith('waiting')).length).toBeGreaterThan(10)
  const after = older.told.filter((_, index) => older.told[index - 1]?.startsWith('waiting'))
  expect(
    after.slice(0, -1).every((state) => state === 'catching-up: '),
    'never live',
  ).toBe(true)

  const newer = await startProcess(PostedToday, timed)
  await older.close()
  await newer.app.admin.request({ kind: 'redrive', subscription: 'letters', by: 'ann' })
  await until(clock, () => newer.handled.length === 2)
  expect(newer.handled).toEqual(['{"to":"ben","copies":2}', '{"to":"ben","copies":1}'])
})
