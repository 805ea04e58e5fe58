import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import { logTo } from '../../src/observe/logging.ts'
import { createTracer } from '../../src/observe/tracer.ts'
import { ofType } from '../support/open-bus.ts'

const written: string[] = []
beforeEach(() => {
  written.length = 0
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
})
afterEach(() => {
  vi.restoreAllMocks()
})

function throws(): never {
  throw new Error('a trap')
}

class OddError extends Error {
  override readonly name = 5 as never
  override readonly message = Object.create(null) as never
  override readonly stack = Object.create(null) as never
}

test('a large object that is thrown is not written whole', async () => {
  const bus = createEventBus()
  bus.subscribe('A.B', () => {
    throw { body: 'x'.repeat(100_000) } as unknown as Error
  })
  await bus.publish(ofType('A.B'))
  expect(written).toEqual([expect.stringMatching(/object: \{"body":"x+… \(100011 characters\)\n$/)])
  expect(written[0]!.length).toBeLessThan(600)
  await bus.close()
})

test('a failure is told also where the fields to hide cannot be found out', async () => {
  const { ownerOf, reportFailure } = await import('../../src/bootstrap/report-failure.ts')
  const sensitiveOf = (): never => throws()
  const event = ofType('A.B')
  const failure = {
    kind: 'listener',
    listenerId: '1',
    name: 'bad',
    event,
    error: 'secret',
  } as const
  ownerOf((told) => reportFailure(told, sensitiveOf), sensitiveOf)(failure)
  expect(written).toEqual([
    expect.stringMatching(/listener 'bad' failed on A\.B .*cannot be shown/),
  ])
})

/** What can be thrown, and cannot be turned into a text by `String`, or not even be looked at. */
const ODD: readonly (readonly [string, unknown])[] = [
  ['an object without a prototype', Object.create(null)],
  ['a symbol', Symbol('odd')],
  ['an object whose toString throws', { toString: throws, toJSON: throws }],
  ['a proxy that throws whatever is asked', new Proxy({}, { get: throws, getPrototypeOf: throws })],
  ['an error whose members are no texts', new OddError()],
  ['undefined', undefined],
]

describe.each(ODD)('a handler that throws %s', (_name, thrown) => {
  const bad = (): never => {
    throw thrown
  }
  const badLater = async (): Promise<never> => {
    await Promise.resolve()
    throw thrown
  }

  test.each([
    ['at once', bad],
    ['later', badLater],
  ])('%s: has failed, is written, and touches no other', async (_when, handler) => {
    const bus = createEventBus()
    const good = vi.fn<() => void>()
    bus.subscribe('A.B', handler, { name: 'bad' })
    bus.subscribe('A.B', good, { name: 'good' })
    const { outcomes } = await bus.publish(ofType('A.B'))
    expect(outcomes.map(({ name, failed }) => [name, failed])).toEqual([
      ['bad', true],
      ['good', false],
    ])
    // Not by a matcher: it would look into what throws when it is looked at.
    expect(outcomes[0]?.failed === true && Object.is(outcomes[0].error, thrown)).toBe(true)
    expect(good).toHaveBeenCalledOnce()
    expect(written).toEqual([expect.stringContaining("listener 'bad' failed on A.B")])
    await bus.close()
  })

  test('behind a queue: the others are handled all the same', async () => {
    const bus = createEventBus()
    const good = vi.fn<() => void>()
    bus.subscribe('A.B', bad)
    bus.subscribe('A.B', good)
    for (let n = 0; n < 3; n++) void bus.enqueue(ofType('A.B'))
    await bus.drain()
    expect(good).toHaveBeenCalledTimes(3)
    await bus.close()
  })

  test('is seen by log, tracer and alerts', async () => {
    const bus = createEventBus()
    const send = vi.fn<() => void>()
    const log = vi.fn<() => void>()
    const tracer = createTracer(bus.observations)
    const alerts = createAlerts(bus.observations, [{ kind: 'error' }], { send })
    logTo(bus.observations, { info: log, warn: log, error: log })
    bus.subscribe('A.B', bad, { name: 'bad' })
    const event = ofType('A.B')
    await bus.publish(event)
    await alerts.close()
    expect([send.mock.calls.length, log.mock.calls.length]).toEqual([1, 1])
    expect(tracer.byCorrelation(event.correlationId)).toHaveLength(1)
    expect(written).toEqual([])
    await bus.close()
  })
})
