import { pino } from 'pino'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import type { LogFields, Logger } from '../../src/observe/logger.ts'
import { logTo } from '../../src/observe/logging.ts'
import type { LogLevels } from '../../src/observe/log-levels.ts'
import { textLogger } from '../../src/observe/text-logger.ts'
import { fakeClock } from '../../../testing/src/fakes/fake-clock.ts'
import { CounterUpdated } from '../support/counter.ts'
import { command, eventOf, handle, openObservations, publish } from './facts.ts'

const START_MS = Date.parse('2026-11-21T09:30:00.000Z')

afterEach(() => {
  vi.restoreAllMocks()
})

interface Entry {
  readonly level: string
  readonly fields: LogFields
  readonly message: string
}

function recorder() {
  const entries: Entry[] = []
  const log = (level: string) => (fields: LogFields, message: string) =>
    void entries.push({ level, fields, message })
  const logger: Logger = { info: log('info'), warn: log('warn'), error: log('error') }
  return { entries, logger }
}

/** One of everything. */
function happen(observations: ReturnType<typeof openObservations>): void {
  const event = eventOf('A.Run.Started')
  publish(observations, event)
  handle(observations, event)
  handle(observations, event, { error: new Error('no') })
  observations.unhandled.emit({ event })
  observations.dropped.emit({ event, policy: 'reject', queueSize: 5 })
  command(observations)
  command(observations, { error: new Error('refused') })
}

describe('levels', () => {
  test('by default a failed handler is an error, a dropped event a warning, and no more is written', () => {
    const observations = openObservations()
    const { entries, logger } = recorder()
    logTo(observations, logger)
    expect(observations.published.active).toBe(false)
    happen(observations)
    expect(entries.map(({ level, message }) => [level, message.replace(/event-\d+/, '#')])).toEqual(
      [
        ['error', "handler 'mail' failed on A.Run.Started #"],
        ['warn', 'A.Run.Started was dropped: the queue holds 5 (reject)'],
      ],
    )
  })

  test('each can be set', () => {
    const observations = openObservations()
    const { entries, logger } = recorder()
    const levels: Required<LogLevels> = {
      published: 'info',
      handled: 'info',
      unhandled: 'warn',
      command: 'info',
      commandFailed: 'error',
      failed: 'off',
      dropped: 'off',
      retried: 'off',
      parked: 'off',
      behind: 'off',
      resolved: 'off',
      skipped: 'off',
      undeclared: 'off',
      swept: 'off',
      subscription: 'off',
      subscriptionHeld: 'off',
      subscriptionFailed: 'off',
    }
    logTo(observations, logger, { levels })
    happen(observations)
    expect(entries.map(({ level }) => level)).toEqual(['info', 'info', 'warn', 'info', 'error'])
    expect(entries.at(-1)?.fields).toMatchObject({ err: { name: 'Error', message: 'refused' } })
  })

  test.each([
    [{ failed: 'loud' }, /got failed: "loud"/],
    [{ fialed: 'info' }, /got fialed/],
    [{ handled: 'debug' }, /no function 'debug', which is the level of 'handled'/],
  ])('%j is refused', (levels, message) => {
    const observations = openObservations()
    expect(() => logTo(observations, recorder().logger, { levels: levels as LogLevels })).toThrow(
      message,
    )
    expect(observations.handled.active).toBe(false)
  })

  test('after disposal nothing is written', () => {
    const observations = openObservations()
    const { entries, logger } = recorder()
    logTo(observations, logger)[Symbol.dispose]()
    happen(observations)
    expect(entries).toEqual([])
  })
})

test('payloads are written where asked for, without their sensitive fields, nor are these in errors', () => {
  const observations = openObservations()
  const { entries, logger } = recorder()
  logTo(observations, logger, { payloads: true, sensitiveOf: () => ['/card'] })
  const event = eventOf('A.Card.Added', { payload: { card: '41111111', holder: 'Ada' } })
  const cause = new Error('41111111 unknown')
  handle(observations, event, { error: new Error('refused 41111111', { cause }) })
  expect(JSON.stringify(entries)).not.toContain('41111111')
  expect(entries[0]?.fields).toMatchObject({
    payload: { card: '[sensitive]', holder: 'Ada' },
    err: { message: 'refused [sensitive]', cause: { message: '[sensitive] unknown' } },
  })
  expect(() => logTo(observations, logger, { payloads: true })).toThrow(/'sensitiveOf' says which/)
})

test.each([[undefined], [null], ['text'], [Object.create(null)], [Symbol('s')]])(
  'a handler that throws %o is logged',
  (error: unknown) => {
    const observations = openObservations()
    const { entries, logger } = recorder()
    logTo(observations, logger)
    handle(observations, eventOf('A.B.Done'), { error })
    expect(entries).toHaveLength(1)
  },
)

test('an error that is its own cause ends', () => {
  const observations = openObservations()
  const { entries, logger } = recorder()
  logTo(observations, logger)
  const error = new Error('round')
  error.cause = error
  handle(observations, eventOf('A.B.Done'), { error })
  expect(entries).toHaveLength(1)
})

test('the default is readable: time, what failed where, after how long, why', () => {
  const observations = openObservations()
  const texts: string[] = []
  logTo(observations, textLogger({ write: (text) => texts.push(text), clock: fakeClock(START_MS) }))
  const error = new Error('mail server is down', { cause: new Error('ECONNREFUSED') })
  error.stack = 'Error: mail server is down\n    at send (mail.ts:1:1)'
  ;(error.cause as Error).stack = 'Error: ECONNREFUSED'
  handle(observations, eventOf('A.Run.Started', { eventId: 'e1' }), { durationMs: 12.34, error })
  expect(texts).toEqual([
    `2026-11-21T09:30:00.000Z error handler 'mail' failed on A.Run.Started e1 after 12.3 ms (correlation correlation-1)
  Error: mail server is down
      at send (mail.ts:1:1)
  caused by
  Error: ECONNREFUSED
`,
  ])
})

test('a failed handler is printed once: by the owner of failures, or by the log while there is one', async () => {
  const texts: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    texts.push(String(text))
    return true
  })
  await using bus = createEventBus()
  bus.subscribe(CounterUpdated, () => Promise.reject(new Error('no')), { name: 'mail' })
  const publishOne = () => bus.publish(CounterUpdated({ counterId: 'a', by: 1 }))

  await publishOne()
  expect(texts).toEqual([expect.stringMatching(/^tidings: listener 'mail' failed/)])
  const logs = [logTo(bus.observations), logTo(bus.observations)]
  logs[1]![Symbol.dispose]()
  logs[1]![Symbol.dispose]()
  await publishOne()
  expect(texts.slice(1)).toEqual([expect.stringMatching(/^\S+ error handler 'mail' failed/)])
  logs[0]![Symbol.dispose]()
  await publishOne()
  expect(texts.slice(2)).toEqual([expect.stringMatching(/^tidings: listener 'mail' failed/)])
})

test('pino is a logger as it stands', () => {
  const observations = openObservations()
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  logTo(observations, logger, { levels: { handled: 'debug' } })
  const event = eventOf('A.Run.Started')
  handle(observations, event, { error: new TypeError('no') })
  handle(observations, event)
  const [failed, handled] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(failed).toMatchObject({
    level: 50,
    eventType: 'A.Run.Started',
    handler: 'mail',
    err: {
      type: 'TypeError',
      message: 'no',
      stack: expect.stringContaining('logging.unit.test.ts') as string,
    },
    msg: `handler 'mail' failed on A.Run.Started ${event.eventId}`,
  })
  expect(handled).toMatchObject({ level: 20, correlationId: 'correlation-1' })
})
