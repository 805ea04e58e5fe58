import { expect, onTestFinished, test } from 'vitest'
import type { Alert, AlertRule } from '../../src/observe/alert.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import type { SubscriptionReading } from '../../src/observe/subscription-reading.ts'
import { fakeClock } from '../../../testing/src/fakes/fake-clock.ts'
import { isObserved, openObservations } from './facts.ts'

const mail: SubscriptionReading = {
  name: 'mail',
  state: 'live',
  reason: '',
  owner: 'host:1:a',
  lagEvents: 0,
  lagMs: 0,
  parked: 0,
  deadLetters: 0,
}

function watch(...rules: readonly AlertRule[]) {
  const clock = fakeClock(Date.parse('2026-11-29T09:30:00.000Z'))
  const sent: Alert[] = []
  const failures: unknown[] = []
  const now: { readings: readonly SubscriptionReading[]; error: Error | undefined } = {
    readings: [mail, { ...mail, name: 'bill' }],
    error: undefined,
  }
  const observations = openObservations()
  const alerts = createAlerts(observations, rules, {
    send: (alert) => void sent.push(alert),
    subscriptions: async () => {
      if (now.error !== undefined) throw now.error
      return now.readings
    },
    onError: (error) => void failures.push(error),
    clock,
  })
  onTestFinished(() => alerts.close())
  /** What is said once `mail` is like this. */
  const after = async (change: Partial<SubscriptionReading>): Promise<readonly string[]> => {
    now.readings = [
      { ...mail, ...change },
      { ...mail, name: 'bill' },
    ]
    sent.length = 0
    await clock.advance(5000)
    return sent.map(({ state, severity, title, message }) =>
      state === 'firing' ? `${severity}: ${title}: ${message}` : title,
    )
  }
  return { after, now, failures, clock, sent, observations }
}

test('a subscription that failed, is paused or in an outage is told, and that it is over', async () => {
  const { after, observations } = watch({ kind: 'subscription' })
  expect(isObserved(observations), 'it is looked at, not observed').toBe(false)
  expect(await after({})).toEqual([])
  const reason = "1000 events of key 'ann' are parked, and no more may be."
  expect(await after({ state: 'paused', reason })).toEqual([
    `high: Subscription 'mail' is paused: ${reason}`,
  ])
  expect(await after({ state: 'paused', reason }), 'once').toEqual([])
  expect(await after({ state: 'catching-up' })).toEqual([
    "Recovered: Subscription 'mail' is paused",
  ])
  expect(await after({ state: 'failed', reason: 'e1: no' })).toHaveLength(1)
  expect(await after({ state: 'live' })).toHaveLength(1)
  expect(await after({ state: 'outage', reason: 'the store' })).toHaveLength(1)
  expect(await after({ state: 'waiting' })).toHaveLength(1)
})

test('that nobody runs one is told where it is asked for, unless somebody stopped it', async () => {
  const { after } = watch({ kind: 'subscription', states: ['unowned'] })
  expect(await after({ owner: undefined, state: 'stopped' })).toEqual([])
  expect(await after({ state: 'failed' })).toEqual([])
  expect(await after({ owner: undefined })).toEqual([
    "high: Nobody runs subscription 'mail': Its last owner was live and did not let go of it in good order.",
  ])
})

test('parked events are told above a number, all of them or those that wait for a person', async () => {
  const { after } = watch(
    { kind: 'parked', above: 3 },
    { kind: 'parked', name: 'letters', only: 'dead-letters', severity: 'critical' },
  )
  expect(await after({ parked: 3 })).toEqual([])
  expect(await after({ parked: 4, deadLetters: 1 })).toEqual([
    "warning: Events of subscription 'mail' are parked: 4 events are parked; the most allowed is 3.",
    "critical: Events of subscription 'mail' are parked: 1 dead letters wait for a person; the most allowed is 0.",
  ])
  expect(await after({})).toHaveLength(2)
})

test('lag is told by time, by positions, or either', async () => {
  const { after } = watch({ kind: 'lag', overMs: 60_000, overEvents: 1000 })
  expect(await after({ lagMs: 60_000, lagEvents: 1000 })).toEqual([])
  expect(await after({ lagMs: 60_001, lagEvents: 3 })).toEqual([
    "warning: Subscription 'mail' lags: It lags by 3 positions and 60001 ms; the limit is 60000 ms or 1000 positions.",
  ])
  expect(await after({})).toHaveLength(1)
  expect(await after({ lagEvents: 1001 })).toHaveLength(1)
})

test('a rule is about the subscriptions whose name fits', async () => {
  const { after, sent } = watch({ kind: 'parked', subscription: 'b*' })
  expect(await after({ parked: 1 })).toEqual([])
  const { after: all } = watch({ kind: 'parked', subscription: 'mail' })
  expect(await all({ parked: 1 })).toHaveLength(1)
  expect(sent).toEqual([])
})

test('what cannot be read is said once, and changes nothing', async () => {
  const { after, now, failures, clock, sent } = watch({ kind: 'parked' })
  expect(await after({ parked: 1 })).toHaveLength(1)
  now.error = new Error('the store is busy')
  // Longer than it takes for an error that does not come again.
  await clock.advance(400_000)
  expect(failures).toEqual([now.error])
  expect(sent.filter(({ state }) => state === 'recovered')).toEqual([])
  now.error = undefined
  expect(await after({ parked: 0 })).toEqual([
    "Recovered: Events of subscription 'mail' are parked",
  ])
})
