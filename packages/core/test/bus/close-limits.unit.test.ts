import { describe, expect, test } from 'vitest'
import { QUIET_MS } from '../../src/bus/closing.ts'
import type { HandlerContext } from '../../src/bus/handler.ts'
import { batch } from '../../src/bus/operators/batch.ts'
import { window } from '../../src/bus/operators/window.ts'
import { ANY } from '../../src/bus/selector.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { CloseTimeoutError } from '../../src/errors/queue-errors.ts'
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import { manualClock, settle } from '../support/fake-clock.ts'
import { anEvent } from '../support/handling.ts'
import { ofType, openBus } from '../support/open-bus.ts'

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code

describe('a handler that waits for events while the bus closes', () => {
  test('waitFor without a limit ends once nothing can bring its event', async () => {
    const { bus, clock, failures } = openBus()
    bus.subscribe('A.First', () => bus.waitFor('A.Never'))
    const published = bus.publish(ofType('A.First'))
    const closed = bus.close()
    await clock.advance(QUIET_MS - 1)
    expect(failures).toEqual([])
    await clock.advance(1)
    await closed
    expect(failures.map(({ error }) => codeOf(error))).toEqual(['TIDINGS_CLOSED'])
    expect((await published).outcomes).toMatchObject([{ failed: true }])
    expect(clock.sleeping).toBe(0)
  })

  test('a loop over events() ends, with what came before', async () => {
    const { bus, clock, failures } = openBus()
    const heard: string[] = []
    bus.subscribe('A.First', async () => {
      for await (const { eventType } of bus.events('A.Next')) heard.push(eventType)
      heard.push('end')
    })
    const published = bus.publish(ofType('A.First'))
    await bus.publish(ofType('A.Next'))
    const closed = bus.close()
    await clock.advance(QUIET_MS)
    await Promise.all([closed, published])
    expect(heard).toEqual(['A.Next', 'end'])
    expect(failures).toEqual([])
  })

  test('also one in a delivery that another handler waits for, and one that the queue waits for', async () => {
    const { bus, clock, failures } = openBus()
    bus.subscribe('A.Outer', () => bus.publish(ofType('A.Inner')))
    bus.subscribe('A.Inner', () => bus.waitFor('A.Never'))
    void bus.enqueue(ofType('A.Outer'))
    void bus.enqueue(ofType('A.Outer'))
    await settle()
    const closed = bus.close()
    await clock.advance(QUIET_MS)
    await clock.advance(QUIET_MS)
    await closed
    // The second one begins to wait when the bus takes no listener any more.
    expect(failures.map(({ error }) => codeOf(error))).toEqual(['TIDINGS_CLOSED', 'TIDINGS_CLOSED'])
  })

  test.each<[what: string, answer: (bus: ReturnType<typeof openBus>['bus']) => Promise<unknown>]>([
    ['another handler that is under way', (bus) => bus.publish(ofType('A.Answer'))],
    ['an event of the queue', async (bus) => bus.enqueue(ofType('A.Answer'))],
  ])('what %s brings still comes', async (_what, answer) => {
    const { bus, clock, failures } = openBus({ queue: { concurrency: 2 } })
    const other = Promise.withResolvers<void>()
    const heard: string[] = []
    bus.subscribe('A.First', async () => {
      heard.push((await bus.waitFor('A.Answer')).eventType)
    })
    bus.subscribe('A.Other', async () => {
      await other.promise
      await answer(bus)
    })
    void bus.publish(ofType('A.First'))
    void bus.publish(ofType('A.Other'))
    const closed = bus.close()
    await clock.advance(3 * QUIET_MS)
    expect(heard).toEqual([])
    other.resolve()
    await closed
    expect(heard).toEqual(['A.Answer'])
    expect(failures).toEqual([])
  })

  test('another handler of the same event, still under way, can bring it too', async () => {
    const { bus, clock, failures } = openBus()
    const other = Promise.withResolvers<void>()
    bus.subscribe('A.First', () => bus.waitFor('A.Answer'))
    bus.subscribe('A.First', async () => {
      await other.promise
      await bus.publish(ofType('A.Answer'))
    })
    void bus.publish(ofType('A.First'))
    const closed = bus.close()
    await clock.advance(3 * QUIET_MS)
    other.resolve()
    await closed
    expect(failures).toEqual([])
  })

  test('each event that comes meanwhile puts the end off', async () => {
    const { bus, clock, failures } = openBus()
    const tick = Promise.withResolvers<void>()
    bus.subscribe('A.First', async () => {
      // Work of its own beside the wait, which the bus cannot see.
      void tick.promise.then(() => bus.publish(ofType('A.Tick')))
      await bus.waitFor('A.Never')
    })
    void bus.publish(ofType('A.First'))
    const closed = bus.close()
    await clock.advance(QUIET_MS - 1)
    tick.resolve()
    await clock.advance(1)
    expect(failures).toEqual([])
    await clock.advance(QUIET_MS)
    await closed
    expect(failures).toHaveLength(1)
  })

  test('a wait with a limit has its time', async () => {
    const { bus, clock, failures } = openBus()
    bus.subscribe('A.First', () => bus.waitFor('A.Never', undefined, { timeoutMs: 10 * QUIET_MS }))
    void bus.publish(ofType('A.First'))
    const closed = bus.close()
    await clock.advance(10 * QUIET_MS)
    await closed
    expect(failures.map(({ error }) => codeOf(error))).toEqual(['TIDINGS_TIMEOUT'])
  })

  test('what a handler publishes while it finishes with what it held back still comes', async () => {
    const { bus, clock } = openBus()
    const finishing = Promise.withResolvers<void>()
    const heard: unknown[] = []
    const stream = bus.events('A.Answer')
    bus.subscribe('A.First', async () => {
      heard.push((await stream.next()).value?.eventType)
    })
    bus.subscribe(
      'A.Held',
      window({ kind: 'tumbling', ms: 100 * QUIET_MS }, async () => {
        void bus.publish(ofType('A.First'))
        await finishing.promise
        await bus.publish(ofType('A.Answer'))
      }),
    )
    await bus.publish(ofType('A.Held'))
    const closed = bus.close()
    await clock.advance(3 * QUIET_MS)
    expect(heard).toEqual([])
    finishing.resolve()
    await closed
    expect(heard).toEqual(['A.Answer'])
  })

  test('within a transaction or a command elsewhere nothing is cut while that goes on', async () => {
    const { bus, clock, failures } = openBus()
    let isBusy = true
    bus.subscribe('A.First', () => bus.waitFor('A.Never'))
    void bus.publish(ofType('A.First'))
    const beginClosing = (bus as unknown as { beginClosing(busy: () => boolean): void })
      .beginClosing
    beginClosing.call(bus, () => isBusy)
    const closed = bus.close()
    await clock.advance(3 * QUIET_MS)
    expect(failures).toEqual([])
    isBusy = false
    await clock.advance(QUIET_MS)
    await closed
    expect(failures).toHaveLength(1)
  })
})

describe('a close with a limit', () => {
  test('aborts what still runs, names it, and is done when that has ended', async () => {
    const { bus, clock } = openBus()
    const reasons: unknown[] = []
    const stubborn = Promise.withResolvers<void>()
    bus.subscribe(
      'A.First',
      (_event, ctx) =>
        new Promise<void>((resolve) =>
          ctx.signal.addEventListener('abort', () => {
            reasons.push(ctx.signal.reason)
            resolve()
          }),
        ),
      { name: 'heeds' },
    )
    bus.subscribe('A.First', () => stubborn.promise, { name: 'stubborn' })
    void bus.enqueue(ofType('A.First'))
    void bus.enqueue(ofType('A.Second'))
    await settle()
    const limited = bus.close({ timeoutMs: 100 })
    const error = limited.catch((reason: unknown) => reason)
    await clock.advance(100)
    expect(await error).toBeInstanceOf(CloseTimeoutError)
    expect(await error).toMatchObject({
      code: 'TIDINGS_TIMEOUT',
      timeoutMs: 100,
      message: expect.stringContaining(
        'Still under way: heeds, stubborn on A.First A.First; 1 queued events.',
      ) as string,
      stillRunning: {
        deliveries: [
          { eventType: 'A.First', eventId: 'A.First', handlers: ['heeds', 'stubborn'], left: 2 },
        ],
        queued: 1,
        commands: 0,
      },
    })
    expect(reasons).toEqual([await error])
    await expect(bus.publish(anEvent())).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
    stubborn.resolve()
    await bus.close({ timeoutMs: 100 })
    expect(clock.sleeping).toBe(0)
  })

  test('ends waits too, and what is held back is handed on', async () => {
    const { bus, clock, failures } = openBus()
    const sizes: number[] = []
    bus.subscribe('A.First', () => bus.waitFor('A.Never', undefined, { timeoutMs: 10_000 }))
    bus.subscribe(
      'A.Batched',
      batch({}, (events) => void sizes.push(events.length)),
    )
    void bus.publish(ofType('A.First'))
    void bus.publish(ofType('A.Batched'))
    const limited = expect(bus.close({ timeoutMs: 100 })).rejects.toBeInstanceOf(CloseTimeoutError)
    await clock.advance(100)
    await limited
    await bus.close()
    expect(failures.map(({ error }) => codeOf(error))).toEqual(['TIDINGS_CLOSED'])
    expect(sizes).toEqual([1])
  })

  test('that is not needed leaves no timer', async () => {
    const { bus, clock } = openBus()
    bus.subscribe(ANY, () => settle())
    void bus.publish(anEvent())
    await bus.close({ timeoutMs: 100 })
    expect(clock.sleeping).toBe(0)
  })

  test('a signal ends the waiting before it, and then nothing is aborted', async () => {
    const { bus, clock } = openBus()
    const handling = Promise.withResolvers<void>()
    const signals: AbortSignal[] = []
    bus.subscribe(ANY, (_event: Envelope, ctx: HandlerContext) => {
      signals.push(ctx.signal)
      return handling.promise
    })
    void bus.publish(anEvent())
    const controller = new AbortController()
    const left = expect(bus.close({ timeoutMs: 100, signal: controller.signal })).rejects.toBe(
      'over',
    )
    controller.abort('over')
    await left
    await clock.advance(200)
    expect(signals[0]?.aborted).toBe(false)
    handling.resolve()
    await bus.close()
  })

  test.each([-1, Number.NaN, '5' as never])('%s is no limit', async (timeoutMs) => {
    const { bus } = openBus()
    await expect(bus.close({ timeoutMs })).rejects.toMatchObject({
      code: 'TIDINGS_ARGUMENT_INVALID',
    })
    expect((await bus.publish(anEvent())).outcomes).toEqual([])
  })
})

test('a handler of one bus can wait for the close of another', async () => {
  const other = createEventBus({ clock: manualClock() })
  const order: string[] = []
  other.subscribe(ANY, async () => {
    await settle()
    order.push('handled')
  })
  const { bus } = openBus()
  bus.subscribe(ANY, async () => {
    void other.enqueue(anEvent())
    await other.close()
    order.push('closed')
  })
  await bus.publish(anEvent())
  expect(order).toEqual(['handled', 'closed'])
})

test('a handler of one’s own that holds callers up lets them go when the bus closes', async () => {
  const { bus } = openBus()
  const held: (() => void)[] = []
  let releases = 0
  const pairs = Object.assign(
    () => new Promise<void>((resolve) => void (releases > 0 ? resolve() : held.push(resolve))),
    {
      release: () => {
        releases++
        for (const letGo of held.splice(0)) letGo()
      },
    },
  )
  bus.subscribe(ANY, pairs)
  const published = bus.publish(anEvent())
  await Promise.all([bus.close(), bus.close()])
  expect((await published).outcomes).toMatchObject([{ failed: false }])
  expect(releases).toBe(1)
})
