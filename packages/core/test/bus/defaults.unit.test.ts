/** What holds where an option is not said, by what its user sees: one less does not do it, this much does. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Handler } from '../../src/bus/handler.ts'
import { batch } from '../../src/bus/operators/batch.ts'
import { concurrency } from '../../src/bus/operators/concurrency.ts'
import { idempotent } from '../../src/bus/operators/idempotent.ts'
import { priority } from '../../src/bus/operators/priority.ts'
import { retry } from '../../src/bus/operators/retry.ts'
import type { WindowOf } from '../../src/bus/operators/window-of.ts'
import { window, type WindowOptions } from '../../src/bus/operators/window.ts'
import { ANY } from '../../src/bus/selector.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { settle } from '../support/fake-clock.ts'
import { aContext, anEvent, numbered, throwing } from '../support/handling.ts'
import { openBus } from '../support/open-bus.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const event = anEvent()
const DAY_MS = 86_400_000

/** Begins and never ends. */
function hanging() {
  const begun: string[] = []
  const handle: Handler = ({ eventId }) => {
    begun.push(eventId)
    return new Promise(() => undefined)
  }
  return { begun, handle }
}

describe('the queue of the bus', () => {
  test('takes 1,000 events at once, and lets the next one wait for room', async () => {
    const { bus } = openBus()
    const answers = Array.from({ length: 1000 }, () => bus.enqueue(event))
    expect(answers.filter((answer) => answer !== undefined)).toEqual([])
    const waiting = bus.enqueue(event)
    expect(waiting).toBeInstanceOf(Promise)
    expect(bus.queueSize).toBe(1000)
    await waiting
  })

  test('delivers one event at a time', async () => {
    const { bus } = openBus()
    const gate = Promise.withResolvers<void>()
    let begun = 0
    bus.subscribe(ANY, () => {
      begun++
      return gate.promise
    })
    for (let sent = 0; sent < 3; sent++) void bus.enqueue(event)
    await settle()
    const atOnce = begun
    gate.resolve()
    await bus.drain()
    expect([atOnce, begun]).toEqual([1, 3])
  })

  test('takes an event for a medium one, and none rises by waiting', async () => {
    const { bus, clock } = openBus()
    const heard: string[] = []
    bus.subscribe(ANY, ({ eventId }) => void heard.push(eventId))
    const [low, plain, medium, high] = numbered(1, 2, 3, 4)
    void bus.enqueue(low!, { priority: 'low' })
    clock.jump(DAY_MS)
    void bus.enqueue(plain!)
    void bus.enqueue(medium!, { priority: 'medium' })
    void bus.enqueue(high!, { priority: 'high' })
    await bus.drain()
    expect(heard.join(' ')).toBe('4 2 3 1')
  })
})

test('a stream holds 1,000 events, then it holds the publisher up', async () => {
  const { bus } = openBus()
  const stream = bus.events(ANY)
  let published = 0
  for (let sent = 0; sent < 1001; sent++) void bus.publish(event).then(() => published++)
  await settle()
  expect(published).toBe(1000)
  await stream.next()
  await settle()
  expect(published).toBe(1001)
})

test('a close gives up what a handler waits for after 5 s of silence', async () => {
  const { bus, clock } = openBus()
  let ended = 0
  bus.subscribe(ANY, () => bus.waitFor('A.Never').catch(() => ended++))
  void bus.publish(event)
  const closed = bus.close()
  await clock.advance(4999)
  expect(ended).toBe(0)
  await clock.advance(1)
  await closed
  expect(ended).toBe(1)
})

describe('batch', () => {
  function batching() {
    const ctx = aContext()
    const sizes: number[] = []
    const handler = batch({}, (events: readonly Envelope[]) => void sizes.push(events.length))
    const send = (count: number): void => {
      for (let sent = 0; sent < count; sent++) void handler(event, ctx)
    }
    return { ctx, sizes, send }
  }

  test('goes with 100 events', async () => {
    const { sizes, send } = batching()
    send(99)
    await settle()
    expect(sizes).toEqual([])
    send(1)
    await settle()
    expect(sizes).toEqual([100])
    send(200)
    await settle()
    expect(sizes).toEqual([100, 100, 100])
  })

  test('or 5,000 ms after its first one', async () => {
    const { ctx, sizes, send } = batching()
    send(2)
    await ctx.clock.advance(4999)
    expect(sizes).toEqual([])
    await ctx.clock.advance(1)
    expect(sizes).toEqual([2])
  })

  test('that fails is not tried in halves', async () => {
    const ctx = aContext()
    let calls = 0
    const handler = batch({ size: 2 }, () => {
      calls++
      throw new Error('no')
    })
    const settled = await Promise.allSettled(numbered(1, 2).map((one) => handler(one, ctx)))
    expect([calls, ...settled.map(({ status }) => status)]).toEqual([1, 'rejected', 'rejected'])
  })
})

test('retry calls three times in all, after 1,000 and 2,000 ms and up to a half more', async () => {
  const random = vi.spyOn(Math, 'random')
  for (const [part, expected] of [
    [0, [0, 1000, 3000]],
    [0.5, [0, 1250, 3750]],
  ] as const) {
    random.mockReturnValue(part)
    const ctx = aContext()
    const startMs = ctx.clock.now()
    const calledMs: number[] = []
    const handler = retry({}, () => {
      calledMs.push(ctx.clock.now() - startMs)
      throwing(calledMs.length)()
    })
    const failed = expect(handler(event, ctx)).rejects.toBe(3)
    await ctx.clock.advance(DAY_MS)
    await failed
    expect(calledMs).toEqual(expected)
  }
})

describe('window', () => {
  function open(options: WindowOptions = {}) {
    const ctx = aContext()
    const fired: number[] = []
    const handler = window(
      options,
      ({ events }: WindowOf<Envelope>) => void fired.push(events.length),
    )
    const send = (...events: readonly Envelope[]): void => {
      for (const one of events) void handler(one, ctx)
    }
    return { ctx, fired, send }
  }
  const nine = numbered(1, 2, 3, 4, 5, 6, 7, 8, 9)

  test.each([
    ['ten events within a minute fire', 59_999, [10]],
    ['the first of ten is out when it is a minute old', 60_000, []],
  ])('%s', async (_what, ms, expected) => {
    const { ctx, fired, send } = open()
    send(event)
    await ctx.clock.advance(ms)
    send(...nine.slice(1))
    expect(fired).toEqual([])
    send(event)
    expect(fired).toEqual(expected)
  })

  test('it slides, over all keys, by arrival', () => {
    const { fired, send } = open()
    for (const { eventId } of nine)
      send(anEvent({ aggregateId: eventId, timestamp: `202${eventId}-01-01T00:00:00.000Z` }))
    expect(fired).toEqual([])
    send(event)
    send(event)
    expect(fired).toEqual([10, 10])
  })

  test('by event time it waits for none that is late, and fails it', () => {
    const { fired, send } = open({ kind: 'tumbling', by: 'event' })
    send(anEvent({ timestamp: '2026-11-21T09:30:59.999Z' }))
    send(anEvent({ timestamp: '2026-11-21T09:31:00.000Z' }))
    expect(fired).toEqual([1])
    expect(() => send(anEvent({ timestamp: '2026-11-21T09:30:59.999Z' }))).toThrow(
      expect.objectContaining({ code: 'TIDINGS_EVENT_LATE' }),
    )
  })

  test.each([
    [10_000, [2]],
    [10_001, []],
  ])('of %d keys that were seen, the first is known: %j', (keys, expected) => {
    const { fired, send } = open({ count: 2, key: ({ aggregateId }) => aggregateId })
    for (let key = 0; key < keys; key++) send(anEvent({ aggregateId: `${key}` }))
    send(anEvent({ aggregateId: '0' }))
    expect(fired).toEqual(expected)
  })
})

test.each([
  ['concurrency', 10, concurrency],
  ['priority', 1, (_options: object, handler: Handler) => priority({ of: () => 0 }, handler)],
])('%s begins %d at a time', (_name, limit, make) => {
  const { begun, handle } = hanging()
  const handler = make({}, handle)
  for (const one of numbered(...Array(20).keys())) void handler(one, aContext())
  expect(begun).toHaveLength(limit)
})

test.each([
  [10_000, 10_000],
  [10_001, 10_002],
])('idempotent, after %d ids and the first once more, has handled %d', (ids, expected) => {
  const ctx = aContext()
  let handled = 0
  const handler = idempotent({}, () => void handled++)
  for (let id = 0; id < ids; id++) void handler(anEvent({ eventId: `${id}` }), ctx)
  void handler(anEvent({ eventId: '0' }), ctx)
  expect(handled).toBe(expected)
})
