import { expect, test } from 'vitest'
import { createTracer } from '../../src/observe/tracer.ts'
import { formatTrace, traceTree } from '../../src/observe/trace-tree.ts'
import { fakeClock } from '../../../testing/src/fakes/fake-clock.ts'
import { UpdateTwice } from '../support/counter.ts'
import { startCounter } from '../support/start.ts'
import { attempt, eventOf, handle, openObservations, park, publish } from './facts.ts'

const START_MS = Date.parse('2026-11-21T09:30:00.000Z')

test('keeps type, handler, duration, error and time of each event of a correlation', async () => {
  const observations = openObservations()
  const clock = fakeClock(START_MS)
  const tracer = createTracer(observations, { clock })
  const first = eventOf('A.Run.Started')
  publish(observations, first)
  handle(observations, first, { handler: 'mail', durationMs: 3 })
  await clock.advance(5)
  const second = eventOf('A.Run.Failed', { causationId: first.eventId })
  publish(observations, second)
  handle(observations, second, { handler: 'mail', durationMs: 4, error: new TypeError('no') })
  publish(observations, eventOf('A.Run.Started', { correlationId: 'another' }))

  expect(tracer.byCorrelation('correlation-1')).toEqual([
    {
      kind: 'event',
      id: first.eventId,
      type: 'A.Run.Started',
      correlationId: 'correlation-1',
      causationId: undefined,
      sessionId: undefined,
      time: '2026-11-21T09:30:00.000Z',
      handled: [{ handler: 'mail', durationMs: 3, error: undefined }],
    },
    {
      kind: 'event',
      id: second.eventId,
      type: 'A.Run.Failed',
      correlationId: 'correlation-1',
      causationId: first.eventId,
      sessionId: undefined,
      time: '2026-11-21T09:30:00.005Z',
      handled: [{ handler: 'mail', durationMs: 4, error: { name: 'TypeError', message: 'no' } }],
    },
  ])
  expect(tracer.byCorrelation('unknown')).toEqual([])
})

test('a session is found across correlations, and holds only its own events', () => {
  const observations = openObservations()
  const tracer = createTracer(observations)
  const inSession = (correlationId: string, sessionId?: string) =>
    publish(observations, eventOf('A.Run.Started', { correlationId, payload: { sessionId } }))
  inSession('one', 's1')
  inSession('two', 's1')
  inSession('two', 's2')
  inSession('two')
  expect(tracer.bySession('s1').map(({ correlationId }) => correlationId)).toEqual(['one', 'two'])
  expect(tracer.bySession('s2')).toHaveLength(1)
  expect(tracer.bySession('s3')).toEqual([])
})

test('the trace that was longest without news goes, and its session with it', () => {
  const observations = openObservations()
  const tracer = createTracer(observations, {
    maxTraces: 2,
    sessionOf: ({ correlationId }) => `session of ${correlationId}`,
  })
  for (const correlationId of ['a', 'b', 'a', 'c'])
    publish(observations, eventOf('A.Run.Started', { correlationId }))
  expect(tracer.size).toBe(2)
  expect(tracer.byCorrelation('b')).toEqual([])
  expect(tracer.bySession('session of b')).toEqual([])
  expect(tracer.byCorrelation('a')).toHaveLength(2)
  expect(tracer.bySession('session of c')).toHaveLength(1)
})

test('a long trace keeps the newest, says how many went, and forgets their sessions', () => {
  const observations = openObservations()
  const tracer = createTracer(observations, { maxEventsPerTrace: 3 })
  const events = Array.from({ length: 10 }, (_, index) =>
    eventOf('A.Run.Started', { payload: { sessionId: index < 5 ? 'early' : 'late' } }),
  )
  for (const event of events) publish(observations, event)
  expect(tracer.byCorrelation('correlation-1').map(({ id }) => id)).toEqual(
    events.slice(-3).map(({ eventId }) => eventId),
  )
  expect(tracer.omitted('correlation-1')).toBe(7)
  expect(tracer.omitted('unknown')).toBeUndefined()
  expect(tracer.bySession('early')).toEqual([])
  expect(tracer.bySession('late')).toHaveLength(3)
  for (let index = 0; index < 10; index++)
    handle(observations, events[9]!, { handler: `h${index}` })
  expect(
    tracer
      .byCorrelation('correlation-1')
      .at(-1)
      ?.handled.map(({ handler }) => handler),
  ).toEqual(['h7', 'h8', 'h9'])
})

test('errors are shortened, and sensitive values are not in them', () => {
  const observations = openObservations()
  const tracer = createTracer(observations, { sensitiveOf: () => ['/card'] })
  const event = eventOf('A.Card.Added', { payload: { card: '4111111111111111' } })
  handle(observations, event, { error: new Error(`4111111111111111 is bad ${'x'.repeat(1000)}`) })
  const { message } = tracer.byCorrelation('correlation-1')[0]!.handled[0]!.error!
  expect(message).toMatch(/^\[sensitive\] is bad x+… \(\d+ characters\)$/)
  expect(message.length).toBeLessThan(330)
})

test('of a command and its events on an application there is a tree', async () => {
  const app = await startCounter()
  using tracer = createTracer(app.observations)
  app.bus.subscribe('Test.Counter.*', () => undefined, { name: 'mail' })
  const { events } = await app.send(UpdateTwice, { counterId: 'a', by: 1 })
  const entries = tracer.byCorrelation(events[0]!.correlationId)
  const [root, ...others] = traceTree(entries)
  expect(others).toEqual([])
  expect(root?.entry).toMatchObject({ kind: 'command', type: 'Test.Counter.UpdateTwice' })
  expect(root?.children.map(({ entry }) => entry.id)).toEqual(events.map(({ eventId }) => eventId))
  const lines = formatTrace([root!]).replaceAll(/\d+\.\d ms/g, '# ms')
  expect(lines).toBe(
    `Test.Counter.UpdateTwice
  → done, # ms
  Test.Counter.Updated
    → mail, # ms
  Test.Counter.Updated
    → mail, # ms`,
  )
})

test('ids that go in a circle are shown once each', () => {
  const observations = openObservations()
  const tracer = createTracer(observations)
  publish(observations, eventOf('A.A.Done', { eventId: 'x', causationId: 'y' }))
  publish(observations, eventOf('A.B.Done', { eventId: 'y', causationId: 'x' }))
  publish(observations, eventOf('A.C.Done', { eventId: 'z', causationId: 'z' }))
  const tree = traceTree(tracer.byCorrelation('correlation-1'))
  expect(formatTrace(tree)).toBe('A.A.Done\n  A.B.Done\nA.C.Done')
})

test.each([{ maxTraces: 0 }, { maxEventsPerTrace: -1 }, { maxTraces: 1.5 }])(
  '%j is refused',
  (options) => {
    expect(() => createTracer(openObservations(), options)).toThrow(/whole number from 1 up/)
  },
)

test('after disposal nothing is kept', () => {
  const observations = openObservations()
  const tracer = createTracer(observations)
  tracer[Symbol.dispose]()
  publish(observations, eventOf('A.Run.Started'))
  expect(tracer.size).toBe(0)
})

test('of a subscription it says what was done about a failure, and what was put aside untried', () => {
  const observations = openObservations()
  const tracer = createTracer(observations, { sensitiveOf: () => ['/to'] })
  const [first, second] = [1, 2].map((n) =>
    eventOf('Shop.Mail.Requested', { payload: { to: `ann${n}@shop.example` } }),
  )
  const error = new Error('ann1@shop.example does not answer')
  attempt(observations, first!, { error, decision: 'retry' })
  attempt(observations, first!, { error, decision: 'dead' })
  park(observations, first!)
  park(observations, second!, { reason: 'behind' })
  park(observations, second!, { what: 'resolved', reason: 'behind' })
  attempt(observations, second!)
  expect(formatTrace(traceTree(tracer.byCorrelation('correlation-1'))).split('\n')).toEqual([
    'Shop.Mail.Requested',
    '  → mail, 2.0 ms, failed: Error: [sensitive] does not answer, then retry',
    '  → mail, 2.0 ms, failed: Error: [sensitive] does not answer, then dead',
    'Shop.Mail.Requested',
    '  → mail, parked (behind)',
    '  → mail, 2.0 ms',
  ])
})
