import { describe, expect, test } from 'vitest'
import { BufferedStream } from '../../src/bus/event-stream.ts'
import {
  ListenerTable,
  type ListenerEntry,
  type ListenerList,
} from '../../src/bus/listener-table.ts'
import { ANY, compileSelector, type Selector } from '../../src/bus/selector.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { CounterCompleted, CounterUpdated } from '../support/counter.ts'
import { settle } from '../support/fake-clock.ts'
import { aContext, anEvent, idsOf, numbered } from '../support/handling.ts'
import { openBus } from '../support/open-bus.ts'

const [one, two, three, four] = numbered(1, 2, 3, 4) as [Envelope, Envelope, Envelope, Envelope]

describe('waitFor', () => {
  test('resolves with the first event that fits, and listens no longer', async () => {
    const { bus, clock } = openBus()
    const waiting = bus.waitFor('Test.**', ({ eventId }) => eventId !== '1', { timeoutMs: 100 })
    for (const event of [one, two, three]) await bus.publish(event)
    expect(await waiting).toBe(two)
    await settle()
    expect(clock.sleeping).toBe(0)
    expect((await bus.publish(one)).outcomes).toEqual([])
  })

  test('gives up after its time, with nothing left behind', async () => {
    const { bus, clock } = openBus()
    const waiting = expect(bus.waitFor(ANY, () => false, { timeoutMs: 100 })).rejects.toMatchObject(
      {
        code: 'TIDINGS_TIMEOUT',
        timeoutMs: 100,
        message: expect.stringMatching(
          /^The event that was waited for \(ANY\) did not come within 100 ms\. Raise the limit, or find out why/,
        ) as string,
      },
    )
    await clock.advance(99)
    expect((await bus.publish(one)).outcomes).toHaveLength(1)
    await clock.advance(1)
    await waiting
    expect((await bus.publish(one)).outcomes).toEqual([])
    expect(clock.sleeping).toBe(0)
  })

  test('is ended by its signal, before or meanwhile, and by the bus’s close', async () => {
    const { bus } = openBus()
    const controller = new AbortController()
    const { signal } = controller
    const meanwhile = expect(bus.waitFor(ANY, undefined, { signal })).rejects.toBe('over')
    const closed = expect(bus.waitFor(ANY)).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' })
    controller.abort('over')
    await meanwhile
    await expect(bus.waitFor(ANY, undefined, { signal })).rejects.toBe('over')
    await bus.close()
    await closed
  })

  test('a predicate that throws is a failed handler; the waiting goes on', async () => {
    const { bus, failures } = openBus()
    const waiting = bus.waitFor(ANY, ({ eventId }) => {
      if (eventId === '1') throw new Error('no')
      return true
    })
    await bus.publish(one)
    await bus.publish(two)
    expect(await waiting).toBe(two)
    expect(failures).toHaveLength(1)
  })
})

describe('events()', () => {
  test('gives the events that come from now on; leaving the loop ends it', async () => {
    const { bus } = openBus()
    await bus.publish(one)
    const stream = bus.events(ANY)
    for (const event of [two, three, four]) await bus.publish(event)
    const heard: Envelope[] = []
    for await (const event of stream) {
      heard.push(event)
      if (event === three) break
    }
    expect(heard).toEqual([two, three])
    expect((await bus.publish(one)).outcomes).toEqual([])
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  test('what is buffered is still given when the bus closes, and when the signal ends it', async () => {
    for (const how of ['close', 'signal']) {
      const { bus } = openBus()
      const controller = new AbortController()
      const stream = bus.events(ANY, { signal: controller.signal })
      await bus.publish(one)
      if (how === 'close') await bus.close()
      else controller.abort('over')
      expect(await stream.next()).toEqual({ done: false, value: one })
      if (how === 'signal') await expect(stream.next()).rejects.toBe('over')
      expect(await stream.next()).toEqual({ done: true, value: undefined })
    }
  })

  test('under wait it holds the publisher up until there is room', async () => {
    const { bus } = openBus()
    const stream = bus.events(ANY, { bufferSize: 1 })
    const done: string[] = []
    const publishing = [one, two, three].map((event) =>
      bus.publish(event).then(() => done.push(event.eventId)),
    )
    await settle()
    expect(done).toEqual(['1'])
    const heard = [await stream.next(), await stream.next(), await stream.next()]
    expect(idsOf(heard.map(({ value }) => value as Envelope))).toBe('1 2 3')
    await Promise.all(publishing)
  })

  test('one that is abandoned lets its publishers go', async () => {
    const { bus } = openBus()
    {
      await using _stream = bus.events(ANY, { bufferSize: 1 })
      await bus.publish(one)
      void bus.publish(two)
    }
    await bus.drain()
    expect((await bus.publish(three)).outcomes).toEqual([])
  })

  test.each([
    ['drop-oldest', '998 999 1000', 997],
    ['drop-newest', '1 2 3', 997],
    ['fail', '1 2 3', 0],
  ] as const)(
    'one that nobody reads holds its buffer and no more, and holds up nobody: %s',
    async (overflow, held, dropped) => {
      const { bus } = openBus()
      const stream = bus.events(ANY, { bufferSize: 3, overflow })
      for (let id = 1; id <= 1000; id++) await bus.publish(anEvent({ eventId: `${id}` }))
      expect(stream.dropped).toBe(dropped)
      await bus.close()
      const events: Envelope[] = []
      // `fail` ends with its error.
      const taking = (async () => {
        for await (const event of stream) events.push(event)
      })()
      await taking.catch(() => undefined)
      expect(idsOf(events)).toBe(held)
    },
  )

  test('one that nobody reads listens on: under wait who awaits each publish sends one event too many', async () => {
    const { bus } = openBus()
    const stream = bus.events(ANY, { bufferSize: 3 })
    let published = 0
    const publishing = (async () => {
      for (; published < 1000; published++) await bus.publish(one)
    })()
    await settle()
    expect(published).toBe(3)
    await stream.return?.()
    await publishing
    expect((await bus.publish(one)).outcomes).toEqual([])
  })
})

describe('a buffered stream', () => {
  function full(overflow: 'drop-oldest' | 'drop-newest' | 'fail') {
    let ends = 0
    const stream = new BufferedStream<Envelope>({ bufferSize: 2, overflow }, () => ends++)
    for (const event of [one, two, three]) expect(stream.push(event)).toBeUndefined()
    return { stream, ends: () => ends }
  }

  async function rest(stream: BufferedStream<Envelope>): Promise<string> {
    stream.end()
    return idsOf(await Array.fromAsync(stream))
  }

  test('forgets the oldest or the newest, and counts them', async () => {
    const [oldest, newest] = [full('drop-oldest'), full('drop-newest')]
    expect([oldest.stream.dropped, newest.stream.dropped]).toEqual([1, 1])
    expect([await rest(oldest.stream), await rest(newest.stream)]).toEqual(['2 3', '1 2'])
  })

  test('or fails: what is buffered, then the error once, then the end', async () => {
    const { stream, ends } = full('fail')
    expect([await stream.next(), await stream.next()].map(({ value }) => value)).toEqual([one, two])
    await expect(stream.next()).rejects.toMatchObject({ code: 'TIDINGS_QUEUE_FULL' })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(stream.push(four)).toBeUndefined()
    stream.end()
    expect(ends()).toBe(1)
  })

  test('several who wait are served in their order; at the end one is told the error, the others end', async () => {
    const stream = new BufferedStream<Envelope>({}, () => undefined)
    const takes = [stream.next(), stream.next(), stream.next()]
    void stream.push(one)
    stream.end({ error: 'over' })
    expect(await Promise.allSettled(takes)).toEqual([
      { status: 'fulfilled', value: { done: false, value: one } },
      { status: 'rejected', reason: 'over' },
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ])
  })

  test.each([0, -1, 1.5, Number.NaN])('%s is no size', (bufferSize) => {
    expect(() => new BufferedStream({ bufferSize }, () => undefined)).toThrow(
      /bufferSize is a whole number/,
    )
  })
})

describe('the listener table', () => {
  function entry(id: string, selector: Selector, priority = 0): ListenerEntry {
    return {
      id,
      name: id,
      selector: compileSelector(selector, undefined),
      handler: () => undefined,
      context: aContext(),
      priority,
      isAsync: false,
      handled: { listenerId: id, name: id, failed: false },
      active: true,
    }
  }
  const idsIn = ({ entries }: ListenerList): string => entries.map(({ id }) => id).join('')

  test('keeps the list of each type in step, whether it was asked for before or not', () => {
    const asked = new ListenerTable()
    for (const type of [CounterUpdated.type, CounterCompleted.type]) asked.of(type)
    const fresh = new ListenerTable()
    const entries = [
      entry('a', ANY),
      entry('b', CounterUpdated, 1),
      entry('c', 'Test.Counter.*'),
      entry('d', [CounterUpdated, CounterCompleted], 1),
      entry('e', 'Test.Counter.Completed', -1),
    ]
    for (const table of [asked, fresh]) for (const one of entries) table.add(one)
    for (const table of [asked, fresh]) {
      expect(idsIn(table.of(CounterUpdated.type))).toBe('bdac')
      expect(idsIn(table.of(CounterCompleted.type))).toBe('dace')
      expect(idsIn(table.of('Else.Thing'))).toBe('a')
      expect(table.remove(entries[0]!)).toBe(true)
      expect(table.remove(entries[0]!)).toBe(false)
      expect(idsIn(table.of(CounterUpdated.type))).toBe('bdc')
      expect([
        table.size,
        table
          .all()
          .map(({ id }) => id)
          .join(''),
      ]).toEqual([4, 'bcde'])
    }
  })

  test('a list that was handed out stays as it is', () => {
    const table = new ListenerTable()
    table.add(entry('a', ANY))
    const list = table.of('A.B')
    table.add(entry('b', ANY))
    expect([idsIn(list), idsIn(table.of('A.B'))]).toEqual(['a', 'ab'])
  })
})

describe('the queue of the bus', () => {
  test('delivers by priority, first in first out within one; each with the cause of its own call', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    const causes: unknown[] = []
    bus.subscribe(CounterUpdated, ({ payload }) => {
      const priority = { a: 'low', b: 'high', c: -7, d: 0.5, e: 'medium' }[
        payload.counterId
      ] as never
      void bus.enqueue(CounterCompleted({ counterId: payload.counterId }), { priority })
    })
    bus.subscribe(CounterCompleted, ({ payload, causationId, correlationId }) => {
      heard.push(payload.counterId)
      causes.push([causationId, correlationId])
    })
    const causing = new Map<string, string>()
    for (const counterId of ['a', 'b', 'c', 'd', 'e']) {
      const { event } = bus.publishSync(CounterUpdated({ counterId, by: 1 }))
      causing.set(counterId, event.eventId)
    }
    await bus.drain()
    expect(heard).toEqual(['b', 'd', 'e', 'a', 'c'])
    expect(causes).toEqual(heard.map((id) => [causing.get(id), causing.get(id)]))
  })

  test('a full queue, under each policy, through the bus', async () => {
    for (const overflow of ['wait', 'reject', 'drop-oldest', 'drop-lowest'] as const) {
      const { bus } = openBus({ queue: { maxQueueSize: 2, overflow } })
      const heard: string[] = []
      const dropped: string[] = []
      bus.subscribe(ANY, ({ eventId }) => void heard.push(eventId))
      bus.observations.dropped.observe(
        ({ event, policy }) => void dropped.push(`${policy} ${event.eventId}`),
      )
      expect(bus.enqueue(one, { priority: 'low' })).toBeUndefined()
      expect(bus.enqueue(two)).toBeUndefined()
      const results: unknown[] = []
      for (const event of [three, four]) {
        try {
          const waiting = bus.enqueue(event, { priority: event === three ? 'high' : -9 })
          results.push(waiting === undefined ? 'taken' : 'waits')
        } catch (error) {
          results.push((error as { code: string }).code)
        }
      }
      await bus.drain()
      expect({ overflow, results, heard, dropped }).toEqual(
        {
          wait: { overflow, results: ['waits', 'waits'], heard: ['2', '3', '1', '4'], dropped: [] },
          reject: {
            overflow,
            results: ['TIDINGS_QUEUE_FULL', 'TIDINGS_QUEUE_FULL'],
            heard: ['2', '1'],
            dropped: ['reject 3', 'reject 4'],
          },
          'drop-oldest': {
            overflow,
            results: ['taken', 'taken'],
            heard: ['3', '4'],
            dropped: ['drop-oldest 1', 'drop-oldest 2'],
          },
          'drop-lowest': {
            overflow,
            results: ['taken', 'TIDINGS_QUEUE_FULL'],
            heard: ['3', '2'],
            dropped: ['drop-lowest 1', 'drop-lowest 4'],
          },
        }[overflow],
      )
    }
  })

  test('a wait for room ends with its signal; the others still come', async () => {
    const { bus } = openBus({ queue: { maxQueueSize: 1 } })
    const heard: string[] = []
    bus.subscribe(ANY, ({ eventId }) => void heard.push(eventId))
    const controller = new AbortController()
    void bus.enqueue(one)
    const cancelled = expect(bus.enqueue(two, { signal: controller.signal })).rejects.toBe('over')
    const waiting = bus.enqueue(three)
    controller.abort('over')
    await Promise.all([cancelled, waiting, bus.drain()])
    expect(heard).toEqual(['1', '3'])
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 'urgent'])(
    '%s is no priority',
    async (priority) => {
      const { bus } = openBus()
      expect(() => bus.enqueue(one, { priority: priority as never })).toThrow(
        /A priority is 'high'/,
      )
      expect(bus.queueSize).toBe(0)
    },
  )

  test('a handler that fails stops nothing, and one that enqueues goes on with it', async () => {
    const { bus, failures } = openBus()
    let left = 3000
    bus.subscribe(ANY, () => {
      if (left-- > 0) void bus.enqueue(one)
      throw new Error('each time')
    })
    void bus.enqueue(one)
    await bus.drain()
    expect([left, failures.length]).toEqual([-1, 3001])
  })
})
