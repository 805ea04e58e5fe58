import { describe, expect, test } from 'vitest'
import type { WindowOf } from '../../../src/bus/operators/window-of.ts'
import { window, type WindowOptions } from '../../../src/bus/operators/window.ts'
import type { Envelope } from '../../../src/contract/envelope.ts'
import { currentFrame, runInFrame } from '../../../src/internal/flow.ts'
import { settle, manualClock } from '../../support/fake-clock.ts'
import { aContext, anEvent, idsOf, throwing } from '../../support/handling.ts'

/** The beginning of a minute. */
const START = Date.UTC(2026, 10, 21, 9, 30)

function open(options: WindowOptions, startMs = START) {
  const ctx = aContext(manualClock(startMs))
  const fired: string[] = []
  const windows: WindowOf<Envelope>[] = []
  const handler = window(options, (window: WindowOf<Envelope>) => {
    windows.push(window)
    fired.push(
      `${window.reason}${window.key === '' ? '' : ` ${window.key}`}: ${idsOf(window.events)}`,
    )
  })
  /** An event that happened some milliseconds after the start. */
  const send = (eventId: string, atMs = 0, aggregateId = 'a'): unknown =>
    handler(
      anEvent({ eventId, aggregateId, timestamp: new Date(startMs + atMs).toISOString() }),
      ctx,
    )
  return { ctx, fired, windows, handler, send }
}

describe('sliding, by arrival', () => {
  test('fires when an event makes count lie within ms, and again with the next one', () => {
    const { fired, send } = open({ count: 3 })
    for (const id of ['1', '2', '3', '4']) send(id)
    expect(fired).toEqual(['count: 1 2 3', 'count: 2 3 4'])
  })

  test('ten events in a minute, when nothing else is said', async () => {
    const { ctx, fired, windows, send } = open({})
    for (let id = 1; id <= 9; id++) send(`${id}`)
    await ctx.clock.advance(59_999)
    expect(fired).toEqual([])
    send('10')
    expect(fired).toEqual(['count: 1 2 3 4 5 6 7 8 9 10'])
    expect(windows[0]).toMatchObject({ startMs: START - 1, endMs: START + 59_999 })
  })

  test('an event that is exactly ms old is out', async () => {
    for (const [ms, expected] of [
      [100, []],
      [99, ['count: 1 2']],
    ] as const) {
      const { ctx, fired, send } = open({ ms: 100, count: 2 })
      send('1')
      await ctx.clock.advance(ms)
      send('2')
      expect(fired).toEqual(expected)
    }
  })

  test('each key by itself', () => {
    const { fired, send } = open({ count: 2, key: (event) => event.aggregateId })
    send('1', 0, 'x')
    send('2', 0, 'y')
    send('3', 0, 'x')
    expect(fired).toEqual(['count x: 1 3'])
  })

  test('of too many keys the one that is quiet longest is forgotten', () => {
    const { fired, send } = open({ count: 2, maxKeys: 2, key: (event) => event.aggregateId })
    for (const key of ['x', 'y', 'z']) send(`1${key}`, 0, key)
    send('2x', 0, 'x')
    send('2z', 0, 'z')
    expect(fired).toEqual(['count z: 1z 2z'])
  })

  test('a clock that jumps back stands still', async () => {
    const { ctx, fired, send } = open({ ms: 100, count: 2 })
    send('1')
    ctx.clock.jump(-3_600_000)
    await ctx.clock.advance(50)
    send('2')
    await ctx.clock.advance(100)
    send('3')
    expect(fired).toEqual(['count: 1 2'])
  })

  test('holds no timer', () => {
    const { ctx, send } = open({})
    send('1')
    expect(ctx.clock.sleeping).toBe(0)
  })
})

describe('sliding, by event time', () => {
  test('counts when they happened, in the order in which they happened', () => {
    const { fired, send } = open({ ms: 100, count: 3, by: 'event' })
    send('b', 50)
    send('a', 10)
    send('c', 109)
    expect(fired).toEqual(['count: a b c'])
  })

  test('one that is older than the window is late', () => {
    const { fired, send } = open({ ms: 100, count: 2, by: 'event', late: 'drop' })
    send('b', 200)
    send('a', 100)
    expect(fired).toEqual([])
    send('c', 101)
    expect(fired).toEqual(['count: c b'])
  })
})

describe('tumbling, by arrival', () => {
  const tumbling = { kind: 'tumbling', ms: 100, count: 3 } as const

  test('closes at its end with what it holds; its start is in it, its end is not', async () => {
    const { ctx, fired, windows, send } = open(tumbling)
    send('1')
    await ctx.clock.advance(99)
    send('2')
    expect(fired).toEqual([])
    await ctx.clock.advance(1)
    expect(fired).toEqual(['end: 1 2'])
    expect(windows[0]).toMatchObject({ startMs: START, endMs: START + 100 })
    send('3')
    await ctx.clock.advance(100)
    expect(fired).toEqual(['end: 1 2', 'end: 3'])
    expect(ctx.clock.sleeping).toBe(0)
  })

  test('windows begin at multiples of ms, whenever the first event comes', async () => {
    const { ctx, fired, send } = open(tumbling, START + 70)
    send('1')
    await ctx.clock.advance(29)
    expect(fired).toEqual([])
    await ctx.clock.advance(1)
    expect(fired).toEqual(['end: 1'])
  })

  test('fires when it is full, and begins anew', async () => {
    const { ctx, fired, send } = open(tumbling)
    for (const id of ['1', '2', '3', '4']) send(id)
    expect(fired).toEqual(['count: 1 2 3'])
    await ctx.clock.advance(100)
    expect(fired).toEqual(['count: 1 2 3', 'end: 4'])
  })

  test('closing fires what is left, and waits for it', async () => {
    const { ctx, fired, handler, send } = open(tumbling)
    send('1')
    await handler.close?.(ctx)
    expect(fired).toEqual(['close: 1'])
    expect(ctx.clock.sleeping).toBe(0)
    send('2')
    await ctx.clock.advance(100)
    expect(fired).toEqual(['close: 1', 'end: 2'])
  })

  test('of too many keys the oldest fires', () => {
    const { fired, send } = open({ ...tumbling, maxKeys: 2, key: (event) => event.aggregateId })
    for (const key of ['x', 'y', 'y', 'z']) send(`1${key}`, 0, key)
    expect(fired).toEqual(['full x: 1x'])
  })

  test('a clock that jumps back loses nothing, counts nothing twice, and calls nothing late', async () => {
    const { ctx, fired, send } = open(tumbling)
    send('1')
    ctx.clock.jump(-3_600_000)
    send('2')
    await ctx.clock.advance(100)
    expect(fired).toEqual(['end: 1 2'])
    send('3')
    await ctx.clock.advance(100)
    expect(fired).toEqual(['end: 1 2', 'end: 3'])
  })

  test('a clock that jumps back while nothing comes calls nothing late either', async () => {
    const { ctx, fired, send } = open(tumbling)
    send('1')
    ctx.clock.jump(-3_600_000)
    await ctx.clock.advance(100)
    send('2')
    await ctx.clock.advance(100)
    expect(fired).toEqual(['end: 1', 'end: 2'])
  })

  test('a clock that jumps ahead closes the window with the next event', async () => {
    const { ctx, fired, send } = open(tumbling)
    send('1')
    ctx.clock.jump(3_600_000)
    send('2')
    expect(fired).toEqual(['end: 1'])
    await ctx.clock.advance(100)
    expect(fired).toEqual(['end: 1', 'end: 2'])
  })

  test('an aborted signal ends the timer', async () => {
    const { ctx, send } = open(tumbling)
    send('1')
    ctx.abort('over')
    await settle()
    expect(ctx.clock.sleeping).toBe(0)
  })
})

describe('tumbling, by event time', () => {
  const byEvent = { kind: 'tumbling', ms: 100, count: 9, by: 'event', latenessMs: 50 } as const

  test('a window ends when an event comes that is latenessMs beyond its end', () => {
    const { fired, send } = open(byEvent)
    send('1', 0)
    send('3', 149)
    send('2', 99)
    expect(fired).toEqual([])
    send('4', 150)
    expect(fired).toEqual(['end: 1 2'])
  })

  test('or when nothing has come for ms + latenessMs', async () => {
    const { ctx, fired, send } = open(byEvent)
    send('1', 0)
    await ctx.clock.advance(100)
    send('2', 120)
    await ctx.clock.advance(149)
    expect(fired).toEqual([])
    await ctx.clock.advance(1)
    expect(fired).toEqual(['end: 1', 'end: 2'])
    expect(ctx.clock.sleeping).toBe(0)
  })

  test('a late event fails, is done with, or goes to a handler', async () => {
    const given: string[] = []
    const late = (event: Envelope): void => void given.push(event.eventId)
    for (const policy of ['fail', 'drop', late] as const) {
      const { fired, send, ctx, handler } = open({ ...byEvent, late: policy })
      send('2', 249)
      if (policy === 'fail') {
        expect(() => send('1', 99)).toThrow(expect.objectContaining({ code: 'TIDINGS_EVENT_LATE' }))
      } else send('1', 99)
      send('3', 150)
      await handler.close?.(ctx)
      expect(fired).toEqual(['close: 3', 'close: 2'])
    }
    expect(given).toEqual(['1'])
  })

  test('a timestamp that is none is refused, and nothing is held', async () => {
    const { ctx, fired, handler } = open(byEvent)
    expect(() => handler(anEvent({ timestamp: 'yesterday' }), ctx)).toThrow(
      /is an ISO 8601 time; got yesterday/,
    )
    await handler.close?.(ctx)
    expect(fired).toEqual([])
  })
})

describe('what onWindow does', () => {
  const two = { ms: 100, count: 2, kind: 'tumbling' } as const

  test('its failure is the outcome of the event that filled the window', async () => {
    const ctx = aContext()
    const error = new Error('no')
    const handler = window(two, () => Promise.reject(error))
    expect(handler(anEvent(), ctx)).toBeUndefined()
    await expect(handler(anEvent(), ctx)).rejects.toBe(error)
    expect(ctx.reported).toEqual([])
  })

  test.each<[string, () => unknown]>([
    ['thrown', throwing(undefined)],
    ['rejected', async () => throwing(undefined)()],
  ])('its failure at the end of a window is reported: %s', async (_how, fail) => {
    const ctx = aContext(manualClock(START))
    const handler = window(two, fail)
    void handler(anEvent(), ctx)
    await ctx.clock.advance(100)
    expect(ctx.reported).toEqual([undefined])
  })

  test('closing waits for it', async () => {
    const ctx = aContext(manualClock(START))
    const gate = Promise.withResolvers<void>()
    const handler = window(two, () => gate.promise)
    void handler(anEvent(), ctx)
    await ctx.clock.advance(100)
    let isClosed = false
    const closing = Promise.resolve(handler.close?.(ctx)).then(() => (isClosed = true))
    await settle()
    expect(isClosed).toBe(false)
    gate.resolve()
    await closing
  })

  test('it runs in no event’s context', async () => {
    const ctx = aContext(manualClock(START))
    const seen: unknown[] = []
    const handler = window(two, () => void seen.push(currentFrame()?.correlationId ?? 'none'))
    const event = anEvent()
    for (let sent = 0; sent < 3; sent++) runInFrame(event, () => void handler(event, ctx))
    await ctx.clock.advance(100)
    expect(seen).toEqual(['none', 'none'])
  })
})
