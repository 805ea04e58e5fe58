/** What holds where an option is not said, by what its user sees: one less does not do it, this much does. */
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Alert, AlertRule } from '../../src/observe/alert.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import type { AlertOptions } from '../../src/observe/alert-settings.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import { createTracer } from '../../src/observe/tracer.ts'
import { webhook } from '../../src/observe/webhook.ts'
import { manualClock } from '../support/fake-clock.ts'
import { command, eventOf, handle, openObservations, publish } from './facts.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the tracer', () => {
  const started = (correlationId: string) => eventOf('A.Run.Started', { correlationId })

  test('keeps 1,000 traces', () => {
    const observations = openObservations()
    const tracer = createTracer(observations)
    for (let trace = 1; trace <= 1000; trace++) publish(observations, started(`${trace}`))
    expect([tracer.size, tracer.byCorrelation('1').length]).toEqual([1000, 1])
    publish(observations, started('one more'))
    expect(tracer.size).toBe(1000)
    expect(['1', '2', 'one more'].map((id) => tracer.byCorrelation(id).length)).toEqual([0, 1, 1])
  })

  test('keeps 200 entries of a trace, and 200 handlings of an entry', () => {
    const observations = openObservations()
    const tracer = createTracer(observations)
    const events = Array.from({ length: 201 }, () => started('long'))
    for (const event of events.slice(0, 200)) publish(observations, event)
    expect([tracer.byCorrelation('long').length, tracer.omitted('long')]).toEqual([200, 0])
    publish(observations, events[200]!)
    expect(tracer.byCorrelation('long').map(({ id }) => id)).toEqual(
      events.slice(1).map(({ eventId }) => eventId),
    )
    expect(tracer.omitted('long')).toBe(1)
    for (let nth = 0; nth <= 200; nth++)
      handle(observations, events[200]!, { handler: `handler ${nth}` })
    const { handled } = tracer.byCorrelation('long').at(-1)!
    expect([handled.length, handled[0]?.handler]).toEqual([200, 'handler 1'])
  })
})

test('statistics hold 200 names a table, then count under other', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations)
  const see = (nth: number): void => {
    const event = eventOf(`A.B${nth}.Done`, { payload: { agentId: `agent ${nth}` } })
    publish(observations, event)
    handle(observations, event, { handler: `handler ${nth}` })
    handle(observations, event, { subscription: `subscription ${nth}` })
    command(observations, { type: `Test.Agent.Start${nth}` })
  }
  for (let nth = 0; nth < 200; nth++) see(nth)
  expect(statistics.summary().limited).toEqual([])
  see(200)
  const { byType, byHandler, byAgent, commands, bySubscription, limited } = statistics.summary()
  expect(limited).toEqual(['types', 'handlers', 'agents', 'commands', 'subscriptions'])
  for (const table of [byType, byHandler, byAgent, commands, bySubscription])
    expect([Object.keys(table).length, Object.keys(table).at(-1)]).toEqual([201, 'other'])
})

describe('alerts', () => {
  const START_MS = Date.parse('2026-11-21T09:30:00.000Z')

  function start(rules: readonly AlertRule[], options: Partial<AlertOptions> = {}) {
    const observations = openObservations()
    const clock = manualClock(START_MS)
    const sent: string[] = []
    const lost: unknown[] = []
    const alerts = createAlerts(observations, rules, {
      send: ({ state, severity }: Alert) => void sent.push(`${state} ${severity}`),
      onError: (error) => void lost.push(error),
      random: () => 0,
      clock,
      ...options,
    })
    onTestFinished(async () => {
      const closed = alerts.close()
      await clock.advance(10_000)
      await closed
    })
    const fail = (handler = 'mail'): void =>
      handle(observations, eventOf('A.B.Done'), { handler, error: new Error('no') })
    /** Looks at so many milliseconds after the start, wherever the timer is. */
    const lookAt = async (ms: number): Promise<void> => {
      clock.jump(START_MS + ms - clock.now())
      await alerts.check()
      await clock.advance(0)
    }
    return { observations, alerts, clock, sent, lost, fail, lookAt }
  }

  /** When a sender that always fails was called, and whether the alert was given up. */
  async function triesOf(options: Partial<AlertOptions>) {
    const calledMs: number[] = []
    const { clock, lost, fail } = start([{ kind: 'error' }], {
      send: () => {
        calledMs.push(clock.now() - START_MS)
        throw new Error('no network')
      },
      recoverAfterMs: 1e9,
      ...options,
    })
    fail()
    await clock.advance(1_000_000)
    return { calledMs, lost: lost.length }
  }

  test('are sent five times at the most, after 1, 2, 4 and 8 s', async () => {
    const calledMs = [0, 1000, 3000, 7000, 15_000]
    expect(await triesOf({})).toEqual({ calledMs, lost: 1 })
  })

  test('wait no longer than 60 s between two tries', async () => {
    const { calledMs } = await triesOf({ retry: { attempts: 9 } })
    expect(calledMs.map((ms, nth) => ms - (calledMs[nth - 1] ?? 0))).toEqual([
      0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ])
  })

  test('wait up to a half longer by chance', async () => {
    const { calledMs } = await triesOf({ random: undefined as never, retry: { attempts: 2 } })
    expect(calledMs[1]).toBeGreaterThan(1000)
    expect(calledMs[1]).toBeLessThan(1500)
  })

  test('give a try up after 30 s', async () => {
    const { clock, lost, fail } = start([{ kind: 'error' }], {
      send: () => new Promise(() => undefined),
      retry: { attempts: 1 },
    })
    fail()
    await clock.advance(29_999)
    expect(lost).toEqual([])
    await clock.advance(1)
    expect(lost).toMatchObject([{ code: 'TIDINGS_TIMEOUT' }])
  })

  test('recover after five minutes', async () => {
    const { sent, fail, lookAt } = start([{ kind: 'error' }])
    fail()
    await lookAt(299_999)
    expect(sent).toEqual(['firing high'])
    await lookAt(300_000)
    expect(sent).toEqual(['firing high', 'recovered high'])
  })

  test('remind after an hour', async () => {
    const { clock, sent, fail } = start([{ kind: 'error' }])
    fail()
    clock.jump(3_599_999)
    fail()
    await clock.advance(0)
    expect(sent).toHaveLength(1)
    clock.jump(1)
    fail()
    await clock.advance(0)
    expect(sent).toEqual(['firing high', 'firing high'])
  })

  test('look every 5 s', async () => {
    const { clock, sent } = start([{ kind: 'silence', type: '**', forMs: 1 }])
    await clock.advance(4999)
    expect(sent).toEqual([])
    await clock.advance(1)
    expect(sent).toEqual(['firing high'])
  })

  test('wait 10 s for what is still to be sent when they close', async () => {
    const { alerts, clock, lost, fail } = start([{ kind: 'error' }], {
      send: () => new Promise(() => undefined),
    })
    fail()
    const closed = alerts.close()
    await clock.advance(9999)
    expect(lost).toEqual([])
    await clock.advance(1)
    await closed
    expect(lost).toHaveLength(1)
  })

  test('hold 1,000 that wait, beside the one that is being sent', async () => {
    const gate = Promise.withResolvers<void>()
    const { clock, lost, fail } = start([{ kind: 'error' }, { kind: 'error', name: 'too' }], {
      send: () => gate.promise,
    })
    for (let nth = 0; nth < 500; nth++) fail(`handler ${nth}`)
    fail('beyond the limit of subjects')
    await clock.advance(0)
    // 1,000 subjects, and one more for each rule: 1,002 alerts.
    expect(lost).toHaveLength(1)
    gate.resolve()
  })

  test.each<[AlertRule, string]>([
    [{ kind: 'event', type: 'A.**' }, 'high'],
    [{ kind: 'slow', overMs: 5000 }, 'warning'],
    [{ kind: 'value', name: 'lag', read: () => 2, above: 1 }, 'warning'],
    [{ kind: 'subscription' }, 'high'],
    [{ kind: 'parked' }, 'warning'],
    [{ kind: 'lag', overMs: 1 }, 'warning'],
  ])('of %j are of a severity that fits: %s', async (rule, severity) => {
    const reading = { name: 'mail', reason: '', owner: 'me', lagEvents: 9, deadLetters: 1 } as const
    const { observations, clock, sent } = start([rule], {
      subscriptions: () =>
        Promise.resolve([{ ...reading, state: 'paused', lagMs: 9000, parked: 1 }]),
    })
    const payload = { executionTimeMs: 5001 }
    publish(observations, eventOf('A.B.Done', { payload }))
    await clock.advance(5000)
    expect(sent).toEqual([`firing ${severity}`])
  })
})

test('a webhook gives an answer up after 10 s, and asks again no earlier than it says, up to five minutes', async () => {
  const timers: { readonly ms: number; readonly over: AbortController }[] = []
  // The one wait that no clock of ours has: the platform's own.
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const over = new AbortController()
    timers.push({ ms, over })
    return over.signal
  })
  const fetch: typeof globalThis.fetch = (_url, init) =>
    timers.length > 1
      ? Promise.resolve(new Response('', { status: 429, headers: { 'retry-after': '9999' } }))
      : new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error))
        })
  const send = webhook('https://hooks.example.com', { fetch })
  const alert = { title: 'mail failed' } as Alert
  const { signal } = new AbortController()
  const unanswered = expect(send(alert, { signal })).rejects.toMatchObject({ retryable: true })
  expect(timers.map(({ ms }) => ms)).toEqual([10_000])
  timers[0]!.over.abort(new Error('over'))
  await unanswered
  await expect(send(alert, { signal })).rejects.toMatchObject({ retryAfterMs: 300_000 })
})
