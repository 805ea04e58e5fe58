import { describe, expect, test } from 'vitest'
import * as bus from '../../../src/bus.ts'
import type { Handler } from '../../../src/bus/handler.ts'
import { aContext, anEvent } from '../../support/handling.ts'

const nothing = (): void => undefined
const {
  batch,
  concurrency,
  filter,
  idempotent,
  isolate,
  priority,
  retry,
  route,
  throttle,
  timeout,
  transform,
  window,
} = bus
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
    [() => retry({ jitter: 1 as never }, nothing), "retry's jitter is true or false; got 1"],
    [() => retry({ random: 0.5 as never }, nothing), "retry's random is a function"],
    [() => retry({ when: true as never }, nothing), "retry's when is a function"],
    [() => retry({ onRetry: 'log' as never }, nothing), "retry's onRetry is a function"],
    [() => retry(nothing as never, {} as never), 'What retry takes as options is an object'],
    [() => batch(undefined as never, nothing), 'What batch takes as options is an object'],
    [() => batch({ bisect: 'yes' as never }, nothing), "batch's bisect is true or false"],
    [() => batch({}, undefined as never), "batch's handler is a function"],
    [() => window(5 as never, nothing), 'What window takes as options is an object'],
    [() => window({ key: 'id' as never }, nothing), "window's key is a function"],
    [() => window({ latenessMs: Number.NaN }, nothing), "window's latenessMs"],
    [() => window({}, 5 as never), "window's onWindow is a function"],
    [() => concurrency(10 as never, nothing), 'What concurrency takes as options is an object'],
    [() => concurrency({ key: 'id' as never }, nothing), "concurrency's key is a function"],
    [() => concurrency({}, 1 as never), "concurrency's handler is a function"],
    [() => priority(undefined as never, nothing), 'What priority takes as options is an object'],
    [() => priority({ of: () => 0 }, 1 as never), "priority's handler is a function"],
    [() => idempotent([] as never, nothing), 'What idempotent takes as options is an object'],
    [() => idempotent({ key: 'id' as never }, nothing), "idempotent's key is a function"],
    [() => idempotent({}, 1 as never), "idempotent's handler is a function"],
    [() => throttle(undefined as never, nothing), 'What throttle takes as options is an object'],
    [() => throttle({ ...slow, onDropped: 1 as never }, nothing), "throttle's onDropped is a"],
    [() => throttle(slow, 1 as never), "throttle's handler is a function"],
    [() => timeout(undefined as never, nothing), 'What timeout takes as options is an object'],
    [() => timeout({ ms: 1 }, 1 as never), "timeout's handler is a function"],
    [() => route(undefined as never), "route's table is an object; got undefined"],
    [() => route({}, null as never), 'What route takes as options is an object'],
    [() => filter(true as never, nothing), "filter's predicate is a function"],
    [() => filter(() => true, 1 as never), "filter's handler is a function"],
    [() => transform(1 as never, nothing), "transform's function is a function"],
    [() => transform((event) => event, 1 as never), "transform's handler is a function"],
    [() => isolate(1 as never, nothing), "isolate's handler is a function"],
    [() => isolate(nothing, 1 as never), "isolate's onError is a function"],
  ])('%#: %s', (make, message) => {
    expect(make).toThrow(
      expect.objectContaining({
        code: 'TIDINGS_ARGUMENT_INVALID',
        message: expect.stringContaining(message) as string,
      }),
    )
  })
})

test('an option that is undefined is one that was left out', () => {
  const left = undefined as never
  expect(retry({ attempts: left, when: left }, nothing)).toBeTypeOf('function')
  expect(window({ count: left, key: left }, nothing)).toBeTypeOf('function')
})

describe('what a function of the options answers is looked at when it does', () => {
  test.each<[make: () => Handler, message: string]>([
    [
      () => filter((async () => false) as never, nothing),
      "What filter's predicate answers is true or false, at once; got a value of Promise",
    ],
    [
      () => idempotent({ key: () => undefined as never }, nothing),
      "What idempotent's key answers is a text; got undefined",
    ],
    [
      () => window({ key: () => 5 as never }, nothing),
      "What window's key answers is a text; got 5",
    ],
    [
      () => window({ kind: 'tumbling', key: () => 5 as never }, nothing),
      "What window's key answers is a text; got 5",
    ],
    [
      () => concurrency({ key: () => undefined as never }, nothing),
      "What concurrency's key answers is a text",
    ],
    [() => priority({ of: () => 'urgent' as never }, nothing), "A priority is 'high'"],
  ])('%#: %s', (make, message) => {
    const handler = make()
    expect(() => handler(anEvent(), aContext())).toThrow(
      expect.objectContaining({
        code: 'TIDINGS_ARGUMENT_INVALID',
        message: expect.stringContaining(message) as string,
      }),
    )
  })
})
