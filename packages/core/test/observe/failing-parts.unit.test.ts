import { Counter, Registry } from 'prom-client'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Alert, AlertRule } from '../../src/observe/alert.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import type { AlertOptions } from '../../src/observe/alert-settings.ts'
import { logTo } from '../../src/observe/logging.ts'
import { createObservations } from '../../src/observe/observations.ts'
import { registerInPromClient } from '../../src/observe/prom-client.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import type { SubscriptionReading } from '../../src/observe/subscription-reading.ts'
import { manualClock, settle } from '../support/fake-clock.ts'
import { eventOf, handle, openObservations, publish } from './facts.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function start(rules: readonly AlertRule[], options: Partial<AlertOptions> = {}) {
  const observations = openObservations()
  const clock = manualClock()
  const sent: Alert[] = []
  const lost: unknown[] = []
  const alerts = createAlerts(observations, rules, {
    send: (alert) => void sent.push(alert),
    onError: (error) => void lost.push(error),
    clock,
    ...options,
  })
  onTestFinished(() => alerts.close())
  const said = () => sent.map(({ state, subject }) => `${state} ${subject}`)
  return { observations, clock, sent, lost, alerts, said }
}

const reading = (name: string, state: string): SubscriptionReading => ({
  name,
  state,
  reason: '',
  owner: 'me',
  lagEvents: 0,
  lagMs: 0,
  parked: 0,
  deadLetters: 0,
})

describe('an alert that comes as the last one before it is sent', () => {
  test.each(Array.from({ length: 16 }, (_, turns) => turns))('%i turns later', async (turns) => {
    const subjects: string[] = []
    const { observations, alerts } = start([{ kind: 'event', type: 'A.**' }], {
      send: ({ subject }) => {
        subjects.push(subject)
        if (subject === 'A.One') void publishIn(turns)
      },
    })
    // Not a part of the sending, which is over while it goes on.
    const publishIn = async (left: number): Promise<void> => {
      for (let turn = 0; turn < left; turn++) await Promise.resolve()
      publish(observations, eventOf('A.Two'))
    }
    publish(observations, eventOf('A.One'))
    await settle()
    expect(subjects).toEqual(['A.One', 'A.Two'])
    await alerts.close()
  })
})

describe('a reading that hangs', () => {
  const never = (): Promise<never> => new Promise(() => undefined)

  test('holds up no other rule, is told of once, and is not begun again while it goes on', async () => {
    const read = vi.fn<() => Promise<number>>(never)
    const { observations, clock, said, lost } = start(
      [
        { kind: 'value', name: 'hangs', above: 1, read },
        { kind: 'value', name: 'lag', above: 1, read: () => 7 },
        { kind: 'event', type: 'A.**' },
        { kind: 'silence', type: 'B.**', forMs: 10_000 },
      ],
      { recoverAfterMs: 10_000 },
    )
    publish(observations, eventOf('A.One'))
    await clock.advance(20_000)
    expect(said()).toEqual(['firing A.One', 'firing lag', 'recovered A.One', 'firing B.**'])
    expect(lost).toEqual([])
    await clock.advance(100_000)
    expect(lost.map(String)).toEqual([expect.stringMatching(/The reading of 'hangs'.*30,?000 ms/)])
    expect(read).toHaveBeenCalledOnce()
  })

  test('for minutes is begun anew: one connection that hangs must not blind a rule for good', async () => {
    const read = vi.fn<() => Promise<number>>(async () => 5).mockImplementationOnce(never)
    const { clock, said, lost } = start([{ kind: 'value', name: 'hung', above: 1, read }])
    await clock.advance(600_000)
    expect(read.mock.calls.length).toBeGreaterThan(1)
    expect([said(), lost.length]).toEqual([['firing hung'], 1])
  })

  test('and is over after all, is read again', async () => {
    const first = Promise.withResolvers<number>()
    const read = vi.fn<() => Promise<number>>(async () => 5).mockReturnValueOnce(first.promise)
    const { clock, said } = start([{ kind: 'value', name: 'late', above: 1, read }])
    await clock.advance(20_000)
    first.resolve(0)
    await clock.advance(5000)
    expect(said()).toEqual(['firing late'])
  })
})

test('what is read and is no number is told of, and ends nothing that is broken', async () => {
  let value = 9
  const { clock, said, lost } = start([{ kind: 'value', name: 'v', above: 1, read: () => value }])
  await clock.advance(5000)
  value = Number.NaN
  await clock.advance(10_000)
  expect(said()).toEqual(['firing v'])
  expect(lost.map(String)).toEqual([expect.stringMatching(/is a number; got NaN/)])
})

test('an event that tells of no number of milliseconds is not slow', async () => {
  const { observations, alerts, said } = start([{ kind: 'slow', overMs: 5000 }], {
    reportedMsOf: () => Number.NaN,
  })
  const statistics = createStatistics(observations, {
    agentOf: () => 'a',
    reportedMsOf: () => Number.NaN,
  })
  publish(observations, eventOf('A.One'))
  await alerts.close()
  expect(said()).toEqual([])
  expect(statistics.summary().byAgent['a']?.reported.count).toBe(0)
})

describe('beyond a thousand incidents', () => {
  async function startFull() {
    const readings = [reading('a', 'failed'), reading('b', 'live')]
    const started = start([{ kind: 'event', type: 'A.**' }, { kind: 'subscription' }], {
      agentOf: ({ aggregateId }) => aggregateId,
      subscriptions: async () => readings,
      checkEveryMs: 60_000,
    })
    for (let n = 0; n < 1000; n++)
      publish(started.observations, eventOf('A.One', { aggregateId: `agent-${n}` }))
    const about = () =>
      started.sent
        .filter(({ kind }) => kind === 'subscription')
        .map(({ state, subject }) => `${state} ${subject}`)
    return { ...started, readings, about }
  }

  test('one subject that is well ends not what is said of another', async () => {
    const { alerts, about } = await startFull()
    for (let n = 0; n < 4; n++) await alerts.check()
    await settle()
    expect(about()).toEqual(['firing subscription a'])
  })

  test('what many share is over when none of them was broken for a while', async () => {
    const { clock, readings, about } = await startFull()
    await clock.advance(60_000)
    readings[0] = reading('a', 'live')
    await clock.advance(360_000)
    expect(about()).toEqual(['firing subscription a', 'recovered subscription a'])
  })
})

test('a clock that steps back an hour puts no reminder off by an hour', async () => {
  const { observations, clock, said } = start([{ kind: 'event', type: 'A.**' }], {
    recoverAfterMs: 100_000,
    remindAfterMs: 60_000,
  })
  const come = () => publish(observations, eventOf('A.One'))
  come()
  clock.jump(-3_600_000)
  for (let ms = 0; ms <= 60_000; ms += 30_000) {
    come()
    await clock.advance(30_000)
  }
  expect(said()).toEqual(['firing A.One', 'firing A.One'])
})

test('what is sensitive is not searched for in what is not written', () => {
  const observations = openObservations()
  let asked = 0
  const sensitiveOf = () => {
    asked++
    return ['/secret']
  }
  const log = vi.fn<() => void>()
  logTo(observations, { info: log, warn: log, error: log }, { sensitiveOf })
  handle(observations, eventOf('A.B.Done'))
  expect([asked, log.mock.calls.length]).toEqual([0, 0])
})

describe('a logger that fails', () => {
  const sync = (): never => {
    throw new Error('the disk is full')
  }
  const later = async (): Promise<never> => {
    await Promise.resolve()
    throw new Error('the disk is full')
  }

  test.each([
    ['at once', sync],
    ['later', later],
  ])('%s: what it could not take is on standard error', async (_when, error) => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const observations = openObservations()
    // oxlint-disable-next-line typescript/no-misused-promises -- whoever does it without a linter
    logTo(observations, { info: sync, warn: sync, error })
    handle(observations, eventOf('A.B.Done'), { error: new Error('boom') })
    await settle()
    const [[text] = []] = write.mock.calls
    expect(text).toMatch(
      /the logger failed \(Error: the disk is full\) to take: handler 'mail' failed on A\.B\.Done/,
    )
    expect(text).toContain('Error: boom')
  })
})

test('what an asynchronous observer rejects with has an owner', async () => {
  const errors: unknown[] = []
  const observations = createObservations((error) => errors.push(error))
  // oxlint-disable-next-line typescript/no-misused-promises -- whoever does it without a linter
  observations.published.observe(async () => {
    await Promise.resolve()
    throw new Error('no')
  })
  publish(observations, eventOf('A.B.Done'))
  await settle()
  expect(errors).toEqual([new Error('no')])
})

test('where subscriptions cannot be read, prom-client has all the other metrics', async () => {
  const registry = new Registry()
  new Counter({ name: 'own_total', help: 'of the application', registers: [registry] }).inc()
  const observations = openObservations()
  const statistics = createStatistics(observations)
  publish(observations, eventOf('A.B.Done'))
  const errors: unknown[] = []
  let isDown = true
  const subscriptions = async () => {
    if (isDown) throw new Error('no log')
    return [reading('mail', 'live')]
  }
  registerInPromClient(statistics, registry, { subscriptions, onError: (e) => errors.push(e) })
  for (let scrape = 0; scrape < 2; scrape++) {
    const text = await registry.metrics()
    expect(text).toContain('own_total 1')
    expect(text).toContain('tidings_events_published_total{type="A.B.Done"} 1')
    expect(text).not.toContain('subscription="mail"')
  }
  expect(errors).toEqual([new Error('no log')])
  isDown = false
  expect(await registry.metrics()).toContain('subscription="mail"')
})
