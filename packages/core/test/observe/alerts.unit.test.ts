import { describe, expect, onTestFinished, test } from 'vitest'
import { WebhookError } from '../../src/errors/webhook-error.ts'
import { currentFrame, runInFrame } from '../../src/internal/flow.ts'
import type { Alert, AlertRule } from '../../src/observe/alert.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import type { AlertOptions } from '../../src/observe/alert-settings.ts'
import { fakeClock } from '../../../testing/src/fakes/fake-clock.ts'
import { manualClock } from '../support/fake-clock.ts'
import { command, eventOf, handle, isObserved, openObservations, publish } from './facts.ts'

const START_MS = Date.parse('2026-11-21T09:30:00.000Z')
const boom = { error: new Error('boom') }

function start(rules: readonly AlertRule[], options: Partial<AlertOptions> = {}) {
  const observations = openObservations()
  const clock = fakeClock(START_MS)
  const sent: Alert[] = []
  const lost: { error: unknown; alert: Alert | undefined }[] = []
  const alerts = createAlerts(observations, rules, {
    send: (alert) => void sent.push(alert),
    onError: (error, alert) => void lost.push({ error, alert }),
    random: () => 0,
    clock,
    ...options,
  })
  onTestFinished(() => alerts.close())
  const said = () => sent.map(({ state, subject }) => `${state} ${subject}`)
  return { observations, clock, sent, lost, alerts, said }
}

describe('what breaks a rule', () => {
  test('an error is high, and says what failed, on what, why', async () => {
    const { observations, clock, sent } = start([{ kind: 'error' }])
    handle(observations, eventOf('Agent.Run.Completed'), { handler: 'mail', ...boom })
    await clock.advance(0)
    expect(sent).toEqual([
      {
        id: expect.any(String) as string,
        state: 'firing',
        rule: 'error',
        kind: 'error',
        severity: 'high',
        subject: 'handler mail',
        title: "Handler 'mail' failed on Agent.Run.Completed",
        message: 'Error: boom',
        since: '2026-11-21T09:30:00.000Z',
        at: '2026-11-21T09:30:00.000Z',
        count: 1,
        correlationId: 'correlation-1',
      },
    ])
    expect(JSON.parse(JSON.stringify(sent))).toEqual(sent)
  })

  test('slower than 5,000 ms is a warning: handlers, commands, and what events tell of', async () => {
    const { observations, clock, sent } = start([{ kind: 'slow', overMs: 5000 }])
    const event = eventOf('Agent.Run.Completed')
    handle(observations, event, { durationMs: 5000 })
    command(observations, { durationMs: 5000 })
    const tells = (executionTimeMs: number) =>
      publish(
        observations,
        eventOf('Agent.Run.Completed', { payload: { agentId: 'writer', executionTimeMs } }),
      )
    tells(5000)
    await clock.advance(0)
    expect(sent).toEqual([])
    handle(observations, event, { durationMs: 5000.6 })
    command(observations, { durationMs: 9000 })
    tells(7000)
    await clock.advance(0)
    expect(sent.map(({ severity, subject, message }) => [severity, subject, message])).toEqual([
      ['warning', 'handler mail', 'It took 5001 ms; the limit is 5000 ms.'],
      ['warning', 'command Test.Agent.Start', 'It took 9000 ms; the limit is 5000 ms.'],
      ['warning', 'Agent.Run.Completed of writer', 'It says 7000 ms; the limit is 5000 ms.'],
    ])
  })

  test('a command that fails; an event that tells of a failure; each only of its type', async () => {
    const { observations, clock, said } = start([
      { kind: 'error', type: 'Test.**', name: 'tests', severity: 'critical' },
      { kind: 'event', type: 'Agent.*.Failed' },
    ])
    command(observations, boom)
    handle(observations, eventOf('Agent.Run.Done'), boom)
    publish(observations, eventOf('Agent.Run.Failed', { payload: { agentId: 'writer' } }))
    publish(observations, eventOf('Agent.Run.Done'))
    await clock.advance(0)
    expect(said()).toEqual(['firing command Test.Agent.Start', 'firing Agent.Run.Failed of writer'])
  })

  test('sensitive values are in no alert', async () => {
    const { observations, clock, sent } = start([{ kind: 'error' }], {
      sensitiveOf: () => ['/card'],
    })
    const event = eventOf('A.Card.Added', { payload: { card: '41111111' } })
    handle(observations, event, { error: new Error('41111111 refused') })
    await clock.advance(0)
    expect(sent.map(({ message }) => message)).toEqual(['Error: [sensitive] refused'])
  })
})

describe('once', () => {
  test('one alert for each rule and subject until it has been quiet for five minutes, then its recovery', async () => {
    const { observations, clock, said, sent, alerts } = start([{ kind: 'error' }])
    const event = eventOf('A.B.Done')
    for (let index = 0; index < 100; index++)
      handle(observations, event, { handler: 'mail', ...boom })
    handle(observations, event, { handler: 'bill', ...boom })
    await clock.advance(200_000)
    handle(observations, event, { handler: 'mail', ...boom })
    expect(alerts.firing).toBe(2)
    await clock.advance(100_000)
    expect(said()).toEqual(['firing handler mail', 'firing handler bill', 'recovered handler bill'])
    await clock.advance(200_000)
    const [first, , , last] = sent
    expect(last).toMatchObject({
      state: 'recovered',
      subject: 'handler mail',
      count: 101,
      id: first?.id,
    })
    expect(last?.title).toBe(`Recovered: ${first?.title}`)
    expect([alerts.firing, clock.sleeping]).toEqual([0, 0])
    handle(observations, event, { handler: 'mail', ...boom })
    await clock.advance(0)
    expect(sent[4]).toMatchObject({ state: 'firing', count: 1 })
    expect(sent[4]?.id).not.toBe(first?.id)
  })

  test('it is said again after an hour, or as often as asked, or never', async () => {
    for (const [remindAfterMs, expected] of [
      [undefined, 2],
      [60_000, 61],
      [0, 1],
    ] as const) {
      const { observations, clock, sent } = start(
        [{ kind: 'error' }],
        remindAfterMs === undefined ? {} : { remindAfterMs },
      )
      for (let minute = 0; minute <= 60; minute++) {
        handle(observations, eventOf('A.B.Done'), boom)
        await clock.advance(60_000)
      }
      expect(sent.map(({ state }) => state)).toEqual(Array(expected).fill('firing'))
    }
  })

  test('a clock that steps back an hour puts no recovery off by an hour', async () => {
    const clock = manualClock(START_MS)
    const { observations, said } = start([{ kind: 'error' }], { clock })
    handle(observations, eventOf('A.B.Done'), boom)
    await clock.advance(0)
    clock.jump(-3_600_000)
    await clock.advance(304_999)
    expect(said()).toEqual(['firing handler mail'])
    // Five minutes from the first look that saw the step.
    await clock.advance(1)
    expect(said()).toEqual(['firing handler mail', 'recovered handler mail'])
  })

  test('names without end share one incident', async () => {
    const { observations, alerts, clock, sent } = start([{ kind: 'error' }])
    const event = eventOf('A.B.Done')
    for (let index = 0; index < 5000; index++)
      handle(observations, event, { handler: `h${index}`, ...boom })
    await clock.advance(0)
    expect(alerts.firing).toBe(1001)
    expect(sent).toHaveLength(1001)
  })
})

describe('silence', () => {
  test('is told when nothing that fits came for so long, and is over with the first that comes', async () => {
    const { observations, clock, said, sent } = start([
      { kind: 'silence', type: 'Sensor.**', forMs: 60_000 },
    ])
    await clock.advance(55_000)
    publish(observations, eventOf('Sensor.Room.Measured'))
    await clock.advance(55_000)
    publish(observations, eventOf('Other.Thing.Happened'))
    expect(said()).toEqual([])
    await clock.advance(10_000)
    expect(said()).toEqual(['firing Sensor.**'])
    await clock.advance(600_000)
    expect(said()).toHaveLength(1)
    publish(observations, eventOf('Sensor.Room.Measured'))
    await clock.advance(0)
    expect(said()).toEqual(['firing Sensor.**', 'recovered Sensor.**'])
    expect(sent[0]?.message).toBe('None was published for 60000 ms; the limit is 60000 ms.')
    await clock.advance(65_000)
    expect(said()).toHaveLength(3)
  })

  test('of one source is told whatever others say', async () => {
    const { observations, clock, said } = start([
      { kind: 'silence', type: 'Sensor.**', source: 'hall', forMs: 60_000 },
      { kind: 'silence', type: 'Sensor.**', source: 'attic', forMs: 60_000 },
    ])
    const measured = (agentId: string): void =>
      publish(observations, eventOf('Sensor.Room.Measured', { payload: { agentId } }))
    await clock.advance(55_000)
    measured('attic')
    await clock.advance(10_000)
    expect(said()).toEqual(['firing Sensor.** of hall'])
    measured('attic')
    measured('hall')
    await clock.advance(0)
    expect(said()).toEqual(['firing Sensor.** of hall', 'recovered Sensor.** of hall'])
  })

  test('after a step back of the clock it is counted from there', async () => {
    const { clock, said, alerts } = start([{ kind: 'silence', type: 'A.**', forMs: 60_000 }])
    clock.set(START_MS - 3_600_000)
    await alerts.check()
    clock.set(START_MS - 3_600_000 + 60_000)
    await alerts.check()
    await clock.advance(0)
    expect(said()).toEqual(['firing A.**'])
  })
})

describe('a value', () => {
  test('above or below a bound fires, and recovers at the first look that is good', async () => {
    let lag: number | undefined = 10
    const { clock, sent } = start([
      { kind: 'value', name: 'lag', read: () => lag, above: 10 },
      {
        kind: 'value',
        name: 'workers',
        read: () => Promise.resolve(lag),
        below: 5,
        severity: 'critical',
      },
    ])
    await clock.advance(5000)
    expect(sent).toEqual([])
    lag = 11
    await clock.advance(5000)
    lag = undefined
    await clock.advance(600_000)
    expect(sent).toHaveLength(1)
    lag = 4
    await clock.advance(5000)
    expect(sent.map(({ state, title, severity }) => [state, title, severity])).toEqual([
      ['firing', 'lag is 11', 'warning'],
      ['recovered', 'Recovered: lag is 11', 'warning'],
      ['firing', 'workers is 4', 'critical'],
    ])
  })

  test('that cannot be read is told once to the owner of errors, until it can be again', async () => {
    let broken = true
    const read = () => {
      if (broken) throw new Error('no connection')
      return 0
    }
    const { clock, lost, sent } = start([{ kind: 'value', name: 'lag', read, above: 1 }])
    await clock.advance(60_000)
    expect(lost).toEqual([{ error: new Error('no connection'), alert: undefined }])
    broken = false
    await clock.advance(5000)
    broken = true
    await clock.advance(5000)
    expect(lost).toHaveLength(2)
    expect(sent).toEqual([])
  })
})

describe('sending', () => {
  test('is tried again after 1, 2, 4 s, in order, then the alert goes to the owner of errors', async () => {
    const tries: { atMs: number; subject: string }[] = []
    let working = false
    const { observations, clock, lost } = start([{ kind: 'error' }], {
      retry: { attempts: 4 },
      send: ({ subject }) => {
        tries.push({ atMs: clock.now() - START_MS, subject })
        if (!working) throw new Error('no network')
      },
    })
    handle(observations, eventOf('A.B.Done'), { handler: 'one', ...boom })
    handle(observations, eventOf('A.B.Done'), { handler: 'two', ...boom })
    await clock.advance(6999)
    expect(tries.map(({ atMs }) => atMs)).toEqual([0, 1000, 3000])
    expect(lost).toEqual([])
    await clock.advance(1)
    expect(lost).toEqual([
      {
        error: new Error('no network'),
        alert: expect.objectContaining({ subject: 'handler one' }) as Alert,
      },
    ])
    working = true
    await clock.advance(1000)
    expect(tries.slice(3).map(({ subject }) => subject)).toEqual([
      'handler one',
      'handler two',
      'handler two',
    ])
    expect(lost).toHaveLength(1)
  })

  test('that hangs is given up after 30 s, tried again, and holds up nobody for ever', async () => {
    const subjects: string[] = []
    const { observations, clock, lost } = start([{ kind: 'error' }], {
      retry: { attempts: 2 },
      send: ({ subject }) => {
        subjects.push(subject)
        return subject === 'handler one' ? new Promise(() => undefined) : undefined
      },
    })
    handle(observations, eventOf('A.B.Done'), { handler: 'one', ...boom })
    handle(observations, eventOf('A.B.Done'), { handler: 'two', ...boom })
    await clock.advance(60_999)
    expect(subjects).toEqual(['handler one', 'handler one'])
    await clock.advance(1)
    expect(subjects).toEqual(['handler one', 'handler one', 'handler two'])
    expect(lost).toMatchObject([
      { error: { code: 'TIDINGS_TIMEOUT' }, alert: { subject: 'handler one' } },
    ])
  })

  test('is not tried again where the sender says that it cannot help', async () => {
    let tries = 0
    const { observations, clock, lost } = start([{ kind: 'error' }], {
      send: () => {
        tries++
        return Promise.reject(new WebhookError('http://x', 404, { retryable: false }))
      },
    })
    handle(observations, eventOf('A.B.Done'), boom)
    await clock.advance(600)
    expect([tries, lost.length]).toEqual([1, 1])
  })

  test('runs outside the message that broke the rule', async () => {
    const frames: unknown[] = []
    const { observations, clock } = start([{ kind: 'error' }], {
      send: () => frames.push(currentFrame()),
    })
    runInFrame({ correlationId: 'x' }, () => handle(observations, eventOf('A.B.Done'), boom))
    await clock.advance(300_000)
    expect(frames).toEqual([undefined, undefined])
  })

  test('close sends what waits, and observes no more', async () => {
    const { observations, alerts, said, clock } = start([
      { kind: 'error' },
      { kind: 'silence', type: '**', forMs: 1 },
    ])
    handle(observations, eventOf('A.B.Done'), boom)
    await alerts.close()
    await alerts.close()
    expect(said()).toEqual(['firing handler mail'])
    expect(isObserved(observations)).toBe(false)
    expect(clock.sleeping).toBe(0)
  })

  test('close waits for a sender that fails until it is through, but not for ever', async () => {
    const gate = Promise.withResolvers<void>()
    const signals: AbortSignal[] = []
    const { observations, alerts, lost, clock } = start([{ kind: 'error' }], {
      send: (_alert, { signal }) => {
        signals.push(signal)
        return gate.promise
      },
    })
    handle(observations, eventOf('A.B.Done'), { handler: 'one', ...boom })
    handle(observations, eventOf('A.B.Done'), { handler: 'two', ...boom })
    const closed = alerts.close({ timeoutMs: 3000 })
    await clock.advance(2999)
    expect(lost).toEqual([])
    await clock.advance(1)
    await closed
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(lost.map(({ alert }) => alert?.subject)).toEqual(['handler one', 'handler two'])
    expect(String(lost[0]?.error)).toContain('could not be sent within 3000 ms')
  })

  test('what more than a thousand that wait push out is not lost in silence', async () => {
    const gate = Promise.withResolvers<void>()
    const { observations, clock, lost, sent } = start(
      [{ kind: 'error' }, { kind: 'error', name: 'second' }],
      { send: async (alert) => void (await gate.promise, sent.push(alert)) },
    )
    for (let index = 0; index < 600; index++)
      handle(observations, eventOf('A.B.Done'), { handler: `h${index}`, ...boom })
    await clock.advance(0)
    gate.resolve()
    await clock.advance(0)
    expect(sent.length + lost.length).toBe(alertsOf(600))
    expect(lost.length).toBeGreaterThan(0)
  })
})

/** Two rules; beyond a thousand incidents, one more for each rule at the most. */
function alertsOf(handlers: number): number {
  return Math.min(2 * handlers, 1000) + 2
}
