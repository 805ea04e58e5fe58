import { describe, expect, test } from 'vitest'
import * as bus from '../../../src/bus.ts'

const nothing = (): void => undefined
const { batch, concurrency, idempotent, priority, retry, route, throttle, timeout, window } = bus
const slow = { limit: 1, intervalMs: 1 }

describe('an option that an operator cannot take is refused with what is expected', () => {
  test.each<[make: () => unknown, message: string]>([
    [() => retry({ attempts: 0 }, nothing), "retry's attempts is a whole number from 1 up; got 0"],
    [() => retry({ attempts: 1.5 }, nothing), 'got 1.5'],
    [() => retry({ delayMs: -1 }, nothing), "retry's delayMs is a number of milliseconds from 0"],
    [() => retry({ delayMs: Number.NaN }, nothing), 'got NaN'],
    [() => retry({ maxDelayMs: Number.POSITIVE_INFINITY }, nothing), 'got Infinity'],
    [() => retry({ backoff: 'cubic' as never }, nothing), "'linear' or 'exponential'; got cubic"],
    [() => retry({}, undefined as never), "retry's handler is a function; got undefined"],
    [() => batch({ size: 0 }, nothing), "batch's size"],
    [() => batch({ maxAgeMs: 2 ** 31 }, nothing), "batch's maxAgeMs"],
    [() => window({ ms: 0 }, nothing), "window's ms"],
    [() => window({ count: -1 }, nothing), "window's count"],
    [() => window({ kind: 'hopping' as never }, nothing), "'sliding' or 'tumbling'; got hopping"],
    [() => window({ by: 'guess' as never }, nothing), "'arrival' or 'event'; got guess"],
    [() => window({ late: 'keep' as never }, nothing), "'fail' or 'drop'; got keep"],
    [() => window({ maxKeys: 0 }, nothing), "window's maxKeys"],
    [
      () => window({ kind: 'tumbling', latenessMs: 5 }, nothing),
      'for tumbling windows by event time; got 5',
    ],
    [() => window({ by: 'event', latenessMs: 5 }, nothing), 'for tumbling windows by event time'],
    [() => concurrency({ limit: 0 }, nothing), "concurrency's limit"],
    [() => priority({ of: () => 0, limit: 0 }, nothing), "priority's limit"],
    [() => priority({ of: 1 as never }, nothing), "priority's of is a function; got 1"],
    [() => idempotent({ maxIds: 0 }, nothing), "idempotent's maxIds"],
    [() => throttle({ ...slow, limit: 0 }, nothing), "throttle's limit"],
    [() => throttle({ ...slow, intervalMs: 0 }, nothing), "throttle's intervalMs"],
    [() => throttle({ ...slow, excess: 'x' as never }, nothing), "'wait' or 'drop'; got x"],
    [() => timeout({ ms: 0 }, nothing), "timeout's ms"],
    [() => route({ 'A.B': 1 as never }, {}), "route's handler of A.B is a function; got 1"],
    [() => route({}, { missing: 'x' as never }), "'fail' or 'ignore'; got x"],
    [() => route({}, { default: 1 as never }), "route's default is a function; got 1"],
  ])('%#: %s', (make, message) => {
    expect(make).toThrow(
      expect.objectContaining({
        code: 'TIDINGS_ARGUMENT_INVALID',
        message: expect.stringContaining(message) as string,
      }),
    )
  })
})
