import { describe, expect, test } from 'vitest'
import { concurrency } from '../../../src/bus/operators/concurrency.ts'
import { priority } from '../../../src/bus/operators/priority.ts'
import { throttle } from '../../../src/bus/operators/throttle.ts'
import type { Handler } from '../../../src/bus/handler.ts'
import type { Envelope } from '../../../src/contract/envelope.ts'
import { currentFrame, runInFrame } from '../../../src/internal/flow.ts'
import { settle } from '../../support/fake-clock.ts'
import { aContext, anEvent, numbered } from '../../support/handling.ts'

/** Begins and waits until the test ends it. */
function gated() {
  const begun: string[] = []
  const gates = new Map<string, PromiseWithResolvers<string>>()
  const handle: Handler = ({ eventId }) => {
    begun.push(eventId)
    const gate = Promise.withResolvers<string>()
    gates.set(eventId, gate)
    return gate.promise
  }
  const end = async (eventId: string): Promise<void> => {
    gates.get(eventId)!.resolve(eventId)
    await settle()
  }
  return { begun, handle, end, gates }
}

describe('concurrency', () => {
  test('begins no more than the limit, the others in their order', async () => {
    const { begun, handle, end } = gated()
    const ctx = aContext()
    const handler = concurrency({ limit: 2 }, handle)
    const answers = numbered(1, 2, 3, 4).map((event) => handler(event, ctx))
    expect(begun).toEqual(['1', '2'])
    await end('2')
    expect(begun).toEqual(['1', '2', '3'])
    await end('3')
    await end('1')
    await end('4')
    expect(await Promise.all(answers)).toEqual(['1', '2', '3', '4'])
  })

  test('ten, when nothing else is said', () => {
    const { begun, handle } = gated()
    const handler = concurrency({}, handle)
    for (const event of numbered(...Array(20).keys())) void handler(event, aContext())
    expect(begun).toHaveLength(10)
  })

  test('one that fails, at once or later, gives its place to the next', async () => {
    const ctx = aContext()
    const handler = concurrency({ limit: 1 }, ({ eventId }: Envelope) => {
      if (eventId === '1') return Promise.reject(new Error('1'))
      if (eventId === '2') throw new Error('2')
      return eventId
    })
    const settled = await Promise.allSettled(
      numbered(1, 2, 3).map(async (event) => handler(event, ctx)),
    )
    expect(
      settled.map((one) =>
        one.status === 'fulfilled' ? one.value : (one.reason as Error).message,
      ),
    ).toEqual(['1', '2', '3'])
  })

  test('by key: one after the other within a key, and a key that waits takes no place', async () => {
    const { begun, handle, end } = gated()
    const ctx = aContext()
    const handler = concurrency({ limit: 2, key: (event) => event.aggregateId }, handle)
    for (const [eventId, aggregateId] of ['a1 a', 'a2 a', 'a3 a', 'b1 b', 'c1 c'].map((text) =>
      text.split(' '),
    )) {
      void handler(anEvent({ eventId: eventId!, aggregateId: aggregateId! }), ctx)
    }
    await settle()
    expect(begun).toEqual(['a1', 'b1'])
    await end('a1')
    expect(begun).toEqual(['a1', 'b1', 'c1'])
    await end('b1')
    expect(begun).toEqual(['a1', 'b1', 'c1', 'a2'])
    await end('a2')
    expect(begun).toEqual(['a1', 'b1', 'c1', 'a2', 'a3'])
  })

  test('each event is handled in its own context', async () => {
    const seen: unknown[] = []
    const ctx = aContext()
    const handler = concurrency({ limit: 1 }, async (event: Envelope) => {
      await settle()
      seen.push([event.eventId, currentFrame()?.eventId])
    })
    await Promise.all(
      numbered(1, 2, 3).map((event) => runInFrame(event, () => handler(event, ctx))),
    )
    expect(seen).toEqual([
      ['1', '1'],
      ['2', '2'],
      ['3', '3'],
    ])
  })

  test.each([undefined, (event: Envelope) => event.aggregateId])(
    'closing waits for all; key: %s',
    async (key) => {
      const { begun, handle, end } = gated()
      const ctx = aContext()
      const handler = concurrency(key === undefined ? { limit: 1 } : { limit: 1, key }, handle)
      for (const event of numbered(1, 2)) void handler(event, ctx)
      await settle()
      let isClosed = false
      const closing = Promise.resolve(handler.close?.(ctx)).then(() => (isClosed = true))
      await end('1')
      expect([begun, isClosed]).toEqual([['1', '2'], false])
      await end('2')
      await closing
    },
  )

  test.each([undefined, (event: Envelope) => event.aggregateId])(
    'an aborted signal rejects what waits, and frees its place; key: %s',
    async (key) => {
      const { begun, handle, end } = gated()
      const [ctx, other] = [aContext(), aContext()]
      const handler = concurrency(key === undefined ? { limit: 1 } : { limit: 1, key }, handle)
      void handler(anEvent({ eventId: '1' }), ctx)
      const waiting = expect(handler(anEvent({ eventId: '2' }), ctx)).rejects.toBe('over')
      void handler(anEvent({ eventId: '3' }), other)
      await settle()
      ctx.abort('over')
      await end('1')
      await waiting
      expect(begun).toEqual(['1', '3'])
    },
  )
})

describe('priority', () => {
  test('the most important of those that wait comes first; within one, the first to come', async () => {
    const { begun, handle, end } = gated()
    const ctx = aContext()
    const handler = priority({ of: (event) => event.payload as number | 'high' | 'low' }, handle)
    const levels: [string, number | string][] = [
      ['first', 0],
      ['low1', 'low'],
      ['mid1', 0],
      ['high1', 'high'],
      ['minus', -7],
      ['mid2', 0.5],
      ['high2', 1],
      ['low2', -1],
    ]
    for (const [eventId, payload] of levels) void handler(anEvent({ eventId, payload }), ctx)
    for (let at = 0; at < levels.length; at++) await end(begun[at]!)
    expect(begun).toEqual(['first', 'high1', 'high2', 'mid2', 'mid1', 'low1', 'low2', 'minus'])
    await handler.close?.(ctx)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 'urgent'])(
    '%s is no priority, and takes no place',
    (given) => {
      const ctx = aContext()
      const handler = priority({ of: (event) => event.payload as number }, () => 'handled')
      expect(() => handler(anEvent({ payload: given }), ctx)).toThrow(/A priority is 'high'/)
      expect(handler(anEvent({ payload: 1 }), ctx)).toBe('handled')
    },
  )
})

describe('throttle', () => {
  test('begins no more than the limit in any stretch of the interval', async () => {
    const ctx = aContext()
    const startMs = ctx.clock.now()
    const begunMs: number[] = []
    const handler = throttle(
      { limit: 2, intervalMs: 100 },
      () => void begunMs.push(ctx.clock.now() - startMs),
    )
    void handler(anEvent(), ctx)
    await ctx.clock.advance(90)
    const answers = [1, 2, 3, 4].map(() => handler(anEvent(), ctx))
    await ctx.clock.advance(1000)
    await Promise.all(answers)
    expect(begunMs).toEqual([0, 90, 100, 190, 200])
  })

  test('those that wait keep their order, and those that come later do not pass them', async () => {
    const ctx = aContext()
    const begun: string[] = []
    const handler = throttle(
      { limit: 1, intervalMs: 100 },
      ({ eventId }) => void begun.push(eventId),
    )
    for (const event of numbered(1, 2, 3)) void handler(event, ctx)
    ctx.clock.jump(1000)
    void handler(anEvent({ eventId: '4' }), ctx)
    expect(begun).toEqual(['1'])
    await ctx.clock.advance(1000)
    expect(begun).toEqual(['1', '2', '3', '4'])
  })

  test('one too many can be dropped, and is told of', async () => {
    const ctx = aContext()
    const dropped: string[] = []
    const options = {
      limit: 1,
      intervalMs: 100,
      excess: 'drop',
      onDropped: (event: Envelope) => void dropped.push(event.eventId),
    } as const
    const handler = throttle(options, ({ eventId }) => eventId)
    expect(numbered(1, 2).map((event) => handler(event, ctx))).toEqual(['1', undefined])
    await ctx.clock.advance(100)
    expect(handler(anEvent({ eventId: '3' }), ctx)).toBe('3')
    expect(dropped).toEqual(['2'])
  })

  test('a clock that jumps back never makes it faster, and slower for an interval at the most', async () => {
    const ctx = aContext()
    let begun = 0
    const handler = throttle({ limit: 1, intervalMs: 100 }, () => begun++)
    void handler(anEvent(), ctx)
    await ctx.clock.advance(60)
    ctx.clock.jump(-3_600_000)
    void handler(anEvent(), ctx)
    await ctx.clock.advance(39)
    expect(begun).toBe(1)
    await ctx.clock.advance(61)
    expect(begun).toBe(2)
  })

  test('an aborted signal rejects what waits; closing lets it come to its turn', async () => {
    const [ctx, other] = [aContext(), aContext()]
    const handler = throttle({ limit: 1, intervalMs: 100 }, ({ eventId }: Envelope) => eventId)
    expect(handler(anEvent({ eventId: '1' }), ctx)).toBe('1')
    const rejected = [2, 3].map((id) => expect(handler(numbered(id)[0]!, ctx)).rejects.toBe('over'))
    const last = handler(anEvent({ eventId: '4' }), other)
    await settle()
    ctx.abort('over')
    await Promise.all(rejected)
    const closing = handler.close?.(other)
    await other.clock.advance(0)
    ctx.clock.jump(100)
    await other.clock.advance(100)
    await closing
    expect(await last).toBe('4')
  })
})
