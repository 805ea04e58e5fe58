import { describe, expect, onTestFinished, test } from 'vitest'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import { defineSubscription } from '../../src/delivery/define-subscription.ts'
import { PartialFailure } from '../../src/delivery/partial-failure.ts'
import type { Alert } from '../../src/observe/alert.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import { prometheusText } from '../../src/observe/prometheus.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import { MailRequested } from '../support/failing-mail.ts'
import { OrderCreated, openTimed, startOrders, until, type OrderApp } from '../support/orders.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'

const ann = { subscription: 'orders', by: 'ann', reason: 'mended' }

describe('each event that is handled is counted once, and timed', () => {
  test.each(['alone', 'group', 'batch', 'part of a batch'] as const)('%s', async (kind) => {
    const { store, clock } = openTimed()
    const failsOnce = new Set(kind === 'part of a batch' ? [2] : [])
    const { app, place } = await startOrders({
      store,
      clock,
      ...(kind === 'alone' || kind === 'group'
        ? { handle: () => undefined }
        : {
            handleBatch: (events) => {
              const failed = events.filter(({ payload }) => failsOnce.delete(payload.n))
              if (failed.length === 0) return
              throw new PartialFailure(failed.map((event) => ({ event, error: new Error('once') })))
            },
          }),
      subscription: {
        ...(kind === 'group' ? { effects: 'database' as const } : {}),
        retry: { attempts: 2, delay: 1 },
      },
    })
    const statistics = createStatistics(app.observations)
    await place('a', 'b', 'c', 'a')
    await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 4)
    const { handled, count, minMs } = statistics.summary().bySubscription['orders']!
    expect([handled, count]).toEqual([4, 4])
    expect(minMs).toBeGreaterThan(0)
  })
})

async function startFailing(): Promise<
  OrderApp & Pick<ReturnType<typeof openTimed>, 'clock'> & { readonly mend: () => void }
> {
  const { store, clock } = openTimed()
  let isBroken = true
  const orders = await startOrders({
    store,
    clock,
    subscription: { maxParkedOfKey: 2 },
    handle: ({ payload }) => {
      if (isBroken && payload.key === 'a') throw new Error('a is broken')
    },
  })
  return { ...orders, clock, mend: () => void (isBroken = false) }
}

test('what is parked is told with its reason, and counted down when it is finished', async () => {
  const { app, place, clock, mend } = await startFailing()
  const facts: string[] = []
  app.observations.parked.observe(({ what, reason, key, total }) =>
    facts.push(`${what} ${reason} ${key}: ${total}`),
  )
  await place('a', 'a', 'b')
  await until(clock, () => app.delivery.subscriptions[0]?.handledUpTo === 3)
  mend()
  await app.admin.request({ kind: 'redrive', ...ann })
  await until(clock, () => facts.length === 4)
  expect(facts).toEqual([
    'parked failed a: 1',
    'parked behind a: 2',
    'resolved failed a: 1',
    'resolved behind a: 0',
  ])
})

test('at its bound a subscription is paused: health, an alert and a metric say so, and when it goes on', async () => {
  const { app, place, clock, mend } = await startFailing()
  const alerted: Alert[] = []
  const alerts = createAlerts(
    app.observations,
    [{ kind: 'subscription' }, { kind: 'parked', only: 'dead-letters' }],
    {
      send: (alert) => void alerted.push(alert),
      subscriptions: () => app.admin.subscriptions(),
      clock,
      checkEveryMs: 50,
    },
  )
  onTestFinished(() => alerts.close({ timeoutMs: 0 }))
  const titles = (): string[] => alerted.map(({ title }) => title).toSorted()
  const reason =
    "2 events of key 'a' are parked, and no more may be. Redrive or discard, then resume."

  await place('a', 'a', 'a', 'b')
  await until(clock, () => titles().length === 2)
  expect(titles()).toEqual([
    "Events of subscription 'orders' are parked",
    "Subscription 'orders' is paused",
  ])
  expect(alerted.find(({ kind }) => kind === 'subscription')?.message).toBe(reason)
  expect(app.health()).toEqual({
    live: true,
    ready: true,
    reasons: [],
    subscriptions: [{ name: 'orders', state: 'paused', reason }],
  })
  const text = prometheusText(createStatistics(app.observations), await app.admin.subscriptions())
  expect(text).toContain('tidings_subscription_state{subscription="orders",state="paused"} 1\n')
  expect(text).toContain('tidings_subscription_events_parked{subscription="orders"} 2\n')
  expect(text).toContain('tidings_subscription_dead_letters{subscription="orders"} 1\n')
  expect(text).toContain('tidings_subscription_lag_events{subscription="orders"} 1\n')

  mend()
  await app.admin.request({ kind: 'redrive', ...ann })
  await app.admin.request({ kind: 'resume', ...ann })
  await until(clock, () => titles().length === 4)
  expect(titles().filter((title) => title.startsWith('Recovered'))).toHaveLength(2)
  expect(app.health().subscriptions).toEqual([])
})

test('in an outage a failed attempt is told as one that is kept', async () => {
  const { store, clock } = openTimed()
  const { app, place } = await startOrders({
    store,
    clock,
    subscription: { outageAfter: 2 },
    handle: () => {
      throw new Error('nothing works')
    },
  })
  const decisions: string[] = []
  app.observations.attemptFailed.observe(({ decision }) => decisions.push(decision))
  await place('a', 'b')
  await until(clock, () => decisions.length >= 2)
  expect(decisions.slice(0, 2)).toEqual(['dead', 'outage'])
  expect(app.health().subscriptions).toMatchObject([{ name: 'orders', state: 'outage' }])
})

test('the reason of a state holds no sensitive value', async () => {
  const store = memoryStore()
  const mail = defineSubscription('mail', {
    events: MailRequested,
    // oxlint-disable-next-line unicorn/no-thenable -- that is what a rule of a policy is called
    retry: { rules: [{ when: Error, then: 'stop' }] },
    handle: ({ payload }) => {
      throw new Error(`code ${payload.code} is wrong`)
    },
  })
  const app = await bootstrap({
    store,
    modules: [defineModule('shop', [OrderCreated, mail])],
    onFailure: () => undefined,
  })
  onTestFinished(() => app.close())
  const events = MailRequested({ to: 'ann', lines: 1, code: 'hunter2' })
  await app.store.append({ aggregateType: 'Shop.Mail', aggregateId: 'ann', events })
  await expect.poll(() => app.health().subscriptions).toHaveLength(1)
  expect(app.health().subscriptions[0]?.reason).toContain('code [sensitive] is wrong')
})
