import { describe, expect, test } from 'vitest'
import type { AlertRule } from '../../src/observe/alert.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import type { AlertOptions } from '../../src/observe/alert-settings.ts'
import { openObservations } from './facts.ts'

describe('rules and options that cannot be kept are refused, with their place', () => {
  test.each<[unknown, RegExp]>([
    [[], /at least one rule/],
    [{ kind: 'error' }, /at least one rule/],
    [['error'], /rules\[0\]: a rule is an object with a 'kind'; got "error"/],
    [
      [{ kind: 'eror' }],
      /rules\[0\]: 'kind' is one of error, slow, event, silence, value, subscription, parked, lag; got eror/,
    ],
    [
      [{ kind: 'slow' }],
      /rules\[0\]\.overMs' is a number of milliseconds from 0 up; got undefined/,
    ],
    [[{ kind: 'slow', overMs: -1 }], /got -1/],
    [[{ kind: 'error', type: '' }], /'type' is the name of an event or a glob/],
    [[{ kind: 'event', type: 'A..B' }], /'type' is the name of an event or a glob; got "A\.\.B"/],
    [[{ kind: 'error' }, { kind: 'event' }], /rules\[1\]: 'type'/],
    [
      [{ kind: 'error', severity: 'huge' }],
      /'severity' is one of info, warning, high, critical; got "huge"/,
    ],
    [[{ kind: 'error' }, { kind: 'error' }], /rules\[1\] is a second rule named 'error'/],
    [[{ kind: 'silence', type: 'A.**', forMs: 0 }], /forMs must be more than 0/],
    [[{ kind: 'silence', forMs: 5 }], /'type'/],
    [[{ kind: 'silence', type: 'A.**', forMs: 5, source: '' }], /'source' is the name of one/],
    [[{ kind: 'value', read: () => 1, above: 1 }], /has a 'name'/],
    [[{ kind: 'value', name: 'lag', above: 1 }], /'read' is a function/],
    [[{ kind: 'value', name: 'lag', read: () => 1 }], /either 'above' or 'below'/],
    [
      [{ kind: 'value', name: 'lag', read: () => 1, above: 1, below: 0 }],
      /either 'above' or 'below'/,
    ],
    [[{ kind: 'subscription', subscription: '' }], /'subscription' is a name or a glob/],
    [[{ kind: 'subscription', states: [] }], /'states' is a list of starting, .*unowned; got \[\]/],
    [[{ kind: 'subscription', states: ['broken'] }], /got \["broken"\]/],
    [[{ kind: 'parked', above: -1 }], /rules\[0\]\.above' is a whole number from 0 up/],
    [[{ kind: 'parked', only: 'letters' }], /'only' is 'dead-letters'; got "letters"/],
    [[{ kind: 'lag' }], /has 'overMs', 'overEvents' or both/],
    [[{ kind: 'lag', overMs: -1 }], /overMs' is a number of milliseconds/],
    [[{ kind: 'lag', overEvents: 0.5 }], /overEvents' is a whole number/],
    [[{ kind: 'lag', overMs: 1 }], /\('lag'\) need 'subscriptions', a function that reads them/],
  ])('%j', (rules, message) => {
    const observations = openObservations()
    const call = () => createAlerts(observations, rules as AlertRule[], { send: () => undefined })
    expect(call).toThrow(message)
    expect(call).toThrow(expect.objectContaining({ code: 'TIDINGS_ARGUMENT_INVALID' }))
    expect(observations.handled.active).toBe(false)
  })

  test.each<[Partial<AlertOptions>, RegExp]>([
    [{ send: 'http://x' as never }, /'send' is a function/],
    [{ retry: { attempts: 0 } }, /'retry.attempts'/],
    [{ recoverAfterMs: -1 }, /'recoverAfterMs'/],
    [{ checkEveryMs: 0 }, /'checkEveryMs'/],
    [{ onError: 'log' as never }, /'onError' is a function; got "log"/],
    [{ sensitiveOf: [] as never }, /'sensitiveOf' is a function/],
    [{ agentOf: 'agentId' as never }, /'agentOf' is a function/],
  ])('%j', (options, message) => {
    const call = () =>
      createAlerts(openObservations(), [{ kind: 'error' }], { send: () => undefined, ...options })
    expect(call).toThrow(message)
  })
})
