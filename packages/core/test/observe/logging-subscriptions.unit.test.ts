import { expect, test } from 'vitest'
import type { LogLevels } from '../../src/observe/log-levels.ts'
import type { LogFields, Logger } from '../../src/observe/logger.ts'
import { logTo, type LogOptions } from '../../src/observe/logging.ts'
import { attempt, eventOf, handle, isObserved, openObservations, park } from './facts.ts'

interface Entry {
  readonly level: string
  readonly fields: LogFields
  readonly message: string
}

function record(options: LogOptions = {}) {
  const observations = openObservations()
  const entries: Entry[] = []
  const log = (level: string) => (fields: LogFields, message: string) =>
    void entries.push({ level, fields, message })
  const logger: Logger = {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
  }
  const logging = logTo(observations, logger, options)
  const lines = () => entries.map(({ level, message }) => `${level} ${message}`)
  return { observations, entries, lines, logging }
}

const event = eventOf('Shop.Mail.Requested', { eventId: 'e1', payload: { to: 'ann@shop.example' } })
const error = new Error('no answer for ann@shop.example')

/** One of everything. */
function happen({ observations }: ReturnType<typeof record>): void {
  for (const to of ['live', 'waiting', 'paused', 'outage', 'failed', 'stopped'])
    observations.subscription.emit({ subscription: 'mail', from: 'live', to, reason: `r-${to}` })
  attempt(observations, event)
  for (const decision of ['retry', 'later', 'outage', 'dead', 'skip', 'stop'] as const)
    attempt(observations, event, { error, decision })
  park(observations, event)
  park(observations, event, { reason: 'behind', total: 2 })
  park(observations, event, { what: 'resolved' })
  for (const why of ['undeclared', 'unreadable', 'skipped'] as const)
    observations.passedOver.emit({ subscription: 'mail', event, why })
  const before = '2026-08-31T09:30:00.000Z'
  observations.swept.emit({ what: 'parked', source: undefined, count: 3, before })
  observations.swept.emit({ what: 'inbox', source: 'github', count: 9, before })
}

test('what a subscription does is written by its weight, a failure once and with what follows', () => {
  const recorded = record()
  happen(recorded)
  const failed = "subscription 'mail' failed on Shop.Mail.Requested e1, attempt 1:"
  expect(recorded.lines()).toEqual([
    "info subscription 'mail' is live: r-live",
    "warn subscription 'mail' is waiting: r-waiting",
    "warn subscription 'mail' is paused: r-paused",
    "error subscription 'mail' is outage: r-outage",
    "error subscription 'mail' is failed: r-failed",
    "info subscription 'mail' is stopped: r-stopped",
    `warn ${failed} it is tried again`,
    `warn ${failed} it is put aside, and tried again later`,
    `warn ${failed} nothing succeeds, so it is kept`,
    `error ${failed} it is put aside, and waits for a person`,
    `warn ${failed} it is skipped`,
    `error ${failed} the subscription has failed`,
    "warn subscription 'mail' parked Shop.Mail.Requested e1 (failed): 1 are parked",
    "info subscription 'mail' finished the parked Shop.Mail.Requested e1",
    "warn subscription 'mail' passed over Shop.Mail.Requested e1: unreadable",
    'info forgot 3 of parked from before 2026-08-31T09:30:00.000Z',
    'info forgot 9 of inbox of github from before 2026-08-31T09:30:00.000Z',
  ])
  expect(recorded.entries[9]?.fields).toMatchObject({
    eventType: 'Shop.Mail.Requested',
    subscription: 'mail',
    attempt: 1,
    decision: 'dead',
    err: { name: 'Error', message: 'no answer for ann@shop.example' },
  })
})

test('each level can be set; where none is, nothing is observed', () => {
  const off: Required<LogLevels> = {
    failed: 'off',
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
    commandFailed: 'off',
    dropped: 'off',
    unhandled: 'off',
    published: 'off',
    handled: 'off',
    command: 'off',
  }
  const silent = record({ levels: off })
  expect(isObserved(silent.observations)).toBe(false)
  for (const [what, count] of [
    ['failed', 2],
    ['retried', 3],
    ['parked', 1],
    ['behind', 1],
    ['resolved', 1],
    ['skipped', 2],
    ['undeclared', 1],
    ['swept', 2],
    ['subscription', 2],
    ['subscriptionHeld', 2],
    ['subscriptionFailed', 2],
    ['handled', 1],
  ] as const) {
    const one = record({ levels: { ...off, [what]: 'debug' } })
    happen(one)
    expect(one.lines(), what).toHaveLength(count)
    one.logging[Symbol.dispose]()
    happen(one)
    expect(one.lines(), `${what}, disposed of`).toHaveLength(count)
  }
})

test('a listener that fails is told as before', () => {
  const { observations, lines } = record()
  handle(observations, event, { error })
  expect(lines()).toEqual(["error handler 'mail' failed on Shop.Mail.Requested e1"])
})

test('sensitive values are in no message, stack, key or payload', () => {
  const recorded = record({
    payloads: true,
    sensitiveOf: () => ['/to'],
    levels: { behind: 'info' },
  })
  happen(recorded)
  park(recorded.observations, event, { key: 'ann@shop.example' })
  const written = JSON.stringify(recorded.entries)
  expect(written).not.toContain('ann@')
  expect(written).toContain('no answer for [sensitive]')
})
