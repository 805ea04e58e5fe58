import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import type { Handler } from '../../src/bus/handler.ts'
import { timeout } from '../../src/bus/operators/timeout.ts'
import { window } from '../../src/bus/operators/window.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import type { Alert } from '../../src/observe/alert.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import type { LogFields } from '../../src/observe/logger.ts'
import { logTo } from '../../src/observe/logging.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import { manualClock, settle } from '../support/fake-clock.ts'

const LoginTried = defineEvent('Shop.Login.Tried', {
  payload: z.object({ password: z.string() }),
  sensitive: ['password'],
})

afterEach(() => {
  vi.restoreAllMocks()
})

const secretOf = (event: Envelope): string => (event.payload as { password: string }).password

const sums: Handler = window({ kind: 'tumbling', ms: 60_000, count: 10 }, ({ events }) => {
  throw new Error(`no sum of ${events.map(secretOf).join()}`)
})
const goesOn: Handler = timeout({ ms: 1000 }, async (event: Envelope, { signal }) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  throw new Error(`no login with ${secretOf(event)}`)
})
const failsClosing: Handler = Object.assign(() => undefined, {
  close: () => Promise.reject(new Error('no end')),
})

function start(handler: Handler, isLogged: boolean) {
  const written: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  const clock = manualClock()
  const bus = createEventBus({ events: [LoginTried], clock })
  const sent: Alert[] = []
  const logged: { fields: LogFields; message: string }[] = []
  const statistics = createStatistics(bus.observations)
  const sensitiveOf = (): readonly string[] => ['/password']
  const alerts = createAlerts(bus.observations, [{ kind: 'error' }], {
    send: (alert) => void sent.push(alert),
    sensitiveOf,
    clock,
  })
  const log = (fields: LogFields, message: string) => void logged.push({ fields, message })
  if (isLogged) logTo(bus.observations, { info: log, warn: log, error: log }, { sensitiveOf })
  bus.subscribe(LoginTried, handler, { name: 'login' })
  return { bus, clock, alerts, sent, logged, written, statistics }
}

/** Whose failure is about one event, about two, about none. */
const LATE = [
  ['what goes on behind a timeout', goesOn, 1, /no login with \[sensitive\]/],
  ['a window that ends by time', sums, 2, /no sum of \[sensitive\],\[sensitive\]/],
  ['a close', failsClosing, 0, /no end/],
] as const

describe.each(LATE)('%s that fails', (_name, handler, events, said) => {
  async function fail(isLogged: boolean) {
    const started = start(handler, isLogged)
    const { bus, clock, alerts } = started
    for (const password of ['hunter2secret', 'swordfish99'].slice(0, events))
      void bus.publish(LoginTried({ password }))
    await clock.advance(60_000)
    await bus.close()
    await settle()
    await alerts.close()
    return started
  }

  test('is counted, alerted and logged, without what is sensitive', async () => {
    const { statistics, sent, logged, written } = await fail(true)
    const late = logged.at(-1)!
    expect(late.fields).toMatchObject({ handler: 'login', events, err: { name: 'Error' } })
    expect(JSON.stringify(late)).toMatch(said)
    expect(sent.map(({ subject }) => subject)).toContain('handler login')
    const { errors } = statistics.summary().byHandler['login']!
    // The timeout itself is an outcome: that counts as before.
    expect(errors).toBe(handler === goesOn ? 2 : 1)
    expect(JSON.stringify([sent, logged])).not.toMatch(/hunter2secret|swordfish99/)
    expect(written).toEqual([])
  })

  test('is written where nobody logs, with what it is about', async () => {
    const { written } = await fail(false)
    const place = {
      0: "listener 'login' failed while closing",
      1: "listener 'login' failed on Shop.Login.Tried ",
      2: "listener 'login' failed on 2 events, of which Shop.Login.Tried ",
    }[events]
    expect(written.at(-1)).toContain(place)
    expect(written.at(-1)).toMatch(said)
    expect(written.join('')).not.toMatch(/hunter2secret|swordfish99/)
  })
})

test('an alert rule for other types does not hear of it', async () => {
  const { bus, clock, alerts } = start(sums, true)
  const sent: Alert[] = []
  const others = createAlerts(bus.observations, [{ kind: 'error', type: 'Other.**' }], {
    send: (alert) => void sent.push(alert),
    clock,
  })
  void bus.publish(LoginTried({ password: 'hunter2secret' }))
  await clock.advance(60_000)
  await bus.close()
  await Promise.all([alerts.close(), others.close()])
  expect(sent).toEqual([])
})
