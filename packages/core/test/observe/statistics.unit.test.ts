import { describe, expect, test } from 'vitest'
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import { CounterUpdated } from '../support/counter.ts'
import {
  attempt,
  command,
  eventOf,
  handle,
  isObserved,
  openObservations,
  park,
  publish,
  seeHundred,
} from './facts.ts'

test('counts and times by type, handler, agent and command', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations)
  const done = eventOf('Agent.Run.Completed', {
    payload: { agentId: 'writer', executionTimeMs: 4000 },
  })
  publish(observations, done)
  handle(observations, done, { handler: 'mail', durationMs: 10 })
  handle(observations, done, { handler: 'bill', durationMs: 30, error: new Error('no') })
  const lost = eventOf('Agent.Run.Started', { metadata: { source: 'gateway' } })
  publish(observations, lost)
  observations.unhandled.emit({ event: lost })
  observations.dropped.emit({ event: lost, policy: 'reject', queueSize: 1 })
  command(observations, { durationMs: 2 })
  command(observations, { durationMs: 4, error: 'refused' })

  const summary = statistics.summary()
  expect(summary).toMatchObject({
    published: 2,
    unhandled: 1,
    dropped: 1,
    handled: { count: 2, errors: 1, avgMs: 20, minMs: 10, maxMs: 30 },
    byType: {
      'Agent.Run.Completed': { published: 1, count: 2, errors: 1, unhandled: 0 },
      'Agent.Run.Started': { published: 1, count: 0, unhandled: 1, dropped: 1 },
    },
    byHandler: { mail: { count: 1, errors: 0, avgMs: 10 }, bill: { count: 1, errors: 1 } },
    byAgent: {
      writer: { published: 1, count: 2, errors: 1, reported: { count: 1, avgMs: 4000 } },
      gateway: { published: 1, count: 0, reported: { count: 0, errors: 0 } },
    },
    commands: { 'Test.Agent.Start': { count: 2, errors: 1, avgMs: 3 } },
    limited: [],
  })
  expect(JSON.parse(JSON.stringify(summary))).toEqual(summary)
})

test('percentiles of 1 to 1,000 ms are within 3.2 %', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations)
  const event = eventOf('A.B.Happened')
  for (let ms = 1; ms <= 1000; ms++) handle(observations, event, { durationMs: ms })
  const { p50Ms, p95Ms, p99Ms } = statistics.summary().handled
  for (const [told, exact] of [
    [p50Ms, 500],
    [p95Ms, 950],
    [p99Ms, 990],
  ] as const)
    expect(Math.abs(told! - exact) / exact).toBeLessThan(1 / 31)
})

test('each percentile is the one that it is called, in every table', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations)
  seeHundred(observations)
  const { handled, byType, byHandler, byAgent, commands, bySubscription } = statistics.summary()
  const { writer } = byAgent
  const tables = { handled, ...byType, ...byHandler, writer, reported: writer?.reported }
  for (const [name, times] of Object.entries({ ...tables, ...commands, ...bySubscription })) {
    const { p50Ms = 0, p95Ms = 0, p99Ms = 0, minMs, avgMs, maxMs } = times!
    expect([minMs, avgMs, maxMs], name).toEqual([10, 180, 9000])
    for (const ratio of [p50Ms / 10, p95Ms / 100, p99Ms / 1000])
      expect(Math.abs(ratio - 1), name).toBeLessThan(1 / 31)
  }
})

test('names beyond the limit are counted together, and that is said', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations, { maxKeys: 2 })
  for (let index = 0; index < 10; index++) {
    const event = eventOf('A.B.Happened', { payload: { agentId: `agent-${index}` } })
    publish(observations, event)
    handle(observations, event, { durationMs: 1 })
  }
  const { byAgent, byType, limited } = statistics.summary()
  expect(Object.keys(byAgent)).toEqual(['agent-0', 'agent-1', 'other'])
  expect(byAgent['other']).toMatchObject({ published: 8, count: 8 })
  expect(Object.keys(byType)).toEqual(['A.B.Happened'])
  expect(limited).toEqual(['agents'])
})

test('a name of a member of Object is a name like any other', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations)
  handle(observations, eventOf('A.B.Happened'), { handler: '__proto__' })
  expect(Object.keys(statistics.summary().byHandler)).toEqual(['__proto__'])
})

test('reset begins at nothing; after disposal nothing is counted, and nobody looks', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations)
  publish(observations, eventOf('A.B.Happened'))
  statistics.reset()
  expect(statistics.summary()).toMatchObject({ published: 0, byType: {} })
  publish(observations, eventOf('A.B.Happened'))
  statistics[Symbol.dispose]()
  publish(observations, eventOf('A.B.Happened'))
  expect(statistics.summary().published).toBe(1)
  expect(isObserved(observations)).toBe(false)
})

test('agents are whose the application says they are', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations, { agentOf: ({ aggregateId }) => aggregateId })
  handle(observations, eventOf('A.B.Happened', { aggregateId: 'x' }))
  expect(Object.keys(statistics.summary().byAgent)).toEqual(['x'])
})

test.each([0, -1, 1.5, Number.NaN])('maxKeys of %s is refused', (maxKeys) => {
  const observations = openObservations()
  expect(() => createStatistics(observations, { maxKeys })).toThrow(/'maxKeys' is a whole number/)
  expect(observations.published.active).toBe(false)
})

describe('on a bus', () => {
  test('handlers that are asynchronous, that fail, and events to nobody are counted', async () => {
    await using bus = createEventBus({ onFailure: () => undefined })
    using statistics = createStatistics(bus.observations)
    const listener = bus.subscribe(
      CounterUpdated,
      async () => {
        await Promise.resolve()
        throw new Error('later')
      },
      { name: 'late' },
    )
    bus.subscribe(CounterUpdated, () => undefined, { name: 'now' })
    await bus.publish(CounterUpdated({ counterId: 'a', by: 1 }))
    await bus.publish(CounterUpdated({ counterId: 'a', by: 1 }))
    listener.unsubscribe()
    const { byHandler, byType } = statistics.summary()
    expect(byHandler).toMatchObject({ late: { count: 2, errors: 2 }, now: { count: 2, errors: 0 } })
    expect(byType['Test.Counter.Updated']).toMatchObject({ published: 2, count: 4, errors: 2 })
  })
})

test('a subscription is counted by itself: attempts, what is done about failures, what is put aside', () => {
  const observations = openObservations()
  const statistics = createStatistics(observations)
  const event = eventOf('Shop.Mail.Requested')
  const error = new Error('no')
  attempt(observations, event)
  for (const decision of ['retry', 'later', 'outage', 'dead', 'skip', 'stop'] as const)
    attempt(observations, event, { error, decision })
  park(observations, event)
  park(observations, event, { reason: 'behind', total: 2 })
  park(observations, event, { what: 'resolved', total: 1 })
  observations.passedOver.emit({ subscription: 'mail', event, why: 'undeclared' })
  const to = { subscription: 'mail', from: 'live', to: 'outage', reason: '5 keys failed' }
  observations.subscription.emit(to)
  handle(observations, event, { handler: 'mail' })

  const { bySubscription, byHandler, handled } = statistics.summary()
  expect(bySubscription).toEqual({
    mail: expect.objectContaining({
      count: 7,
      errors: 6,
      handled: 1,
      retried: 3,
      deadLettered: 1,
      parked: 2,
      resolved: 1,
      passedOver: 1,
      state: 'outage',
      reason: '5 keys failed',
      maxMs: 2,
    }) as object,
  })
  // A listener of the same name is another one.
  expect(byHandler['mail']?.count).toBe(1)
  expect(handled.count).toBe(8)
  statistics.reset()
  expect(statistics.summary().bySubscription).toEqual({})
})
