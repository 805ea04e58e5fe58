import { describe, expect, test } from 'vitest'
import type { Handler } from '../../src/bus/handler.ts'
import { ANY } from '../../src/bus/selector.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { currentFrame } from '../../src/internal/flow.ts'
import { CounterCompleted, CounterUpdated } from '../support/counter.ts'
import { settle } from '../support/fake-clock.ts'
import { anEvent, throwing } from '../support/handling.ts'
import { ofType, openBus } from '../support/open-bus.ts'

describe('publishing', () => {
  test('a payload that does not fit its contract reaches nobody', async () => {
    const { bus } = openBus()
    let calls = 0
    bus.subscribe(ANY, () => calls++)
    await expect(
      bus.publish(CounterUpdated({ counterId: 'a', by: 'x' as never })),
    ).rejects.toMatchObject({
      code: 'TIDINGS_PAYLOAD_INVALID',
    })
    expect(calls).toBe(0)
  })

  test('an event without a handler is told of', async () => {
    const unhandled: string[] = []
    const { bus } = openBus({ onUnhandled: ({ eventType }) => void unhandled.push(eventType) })
    const listener = bus.subscribe('A.Heard', () => undefined)
    await bus.publish(ofType('A.Heard'))
    bus.publishSync(ofType('A.Alone'))
    void bus.enqueue(ofType('A.Queued'))
    await bus.drain()
    listener.unsubscribe()
    await bus.publish(ofType('A.Heard'))
    expect(unhandled).toEqual(['A.Alone', 'A.Queued', 'A.Heard'])
  })

  test('within a handler it is delivered at once, before the outer event goes on', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    const depths: unknown[] = []
    bus.subscribe('A.Outer', () => {
      heard.push('outer 1')
      void bus.publish(ofType('A.Inner'))
      void bus.enqueue(ofType('A.Queued'))
    })
    bus.subscribe('A.Outer', () => void heard.push('outer 2'))
    bus.subscribe('A.Inner', () => {
      heard.push('inner')
      depths.push((currentFrame() as { depth?: number }).depth)
    })
    bus.subscribe('A.Queued', () => {
      heard.push('queued')
      depths.push((currentFrame() as { depth?: number }).depth)
    })
    await bus.publish(ofType('A.Outer'))
    await bus.drain()
    expect(heard).toEqual(['outer 1', 'inner', 'outer 2', 'queued'])
    expect(depths).toEqual([2, 1])
  })

  test('what it leads to has its cause and its correlation, also after an await', async () => {
    const { bus } = openBus({ source: 'shop' })
    const heard: Envelope[] = []
    bus.subscribe(CounterUpdated, async () => {
      await settle()
      await bus.publish(CounterCompleted({ counterId: 'a' }))
    })
    bus.subscribe(CounterCompleted, (event) => void heard.push(event))
    const { event } = await bus.publish(
      CounterUpdated({ counterId: 'a', by: 1 }, { metadata: { tenant: 't' } }),
    )
    expect(event).toMatchObject({
      correlationId: event.eventId,
      metadata: { source: 'shop', tenant: 't' },
    })
    expect(event.causationId).toBeUndefined()
    expect(heard).toMatchObject([
      { causationId: event.eventId, correlationId: event.correlationId, metadata: { tenant: 't' } },
    ])
    expect(currentFrame()).toBeUndefined()
  })

  test.each(['publish', 'publishSync'] as const)(
    'a loop of %s is refused, and named',
    async (how) => {
      const { bus, failures } = openBus()
      let calls = 0
      const next = (type: string) => async () => {
        calls++
        await bus.publish(ofType(type))
      }
      const nextSync = (type: string) => (): void => {
        calls++
        bus.publishSync(ofType(type))
      }
      const to = how === 'publish' ? next : nextSync
      bus.subscribe('A.Ping', to('A.Pong'))
      bus.subscribe('A.Pong', to('A.Ping'))
      if (how === 'publish') await bus.publish(ofType('A.Ping'))
      else bus.publishSync(ofType('A.Ping'))
      expect(calls).toBe(100)
      expect(failures[0]?.error).toMatchObject({
        code: 'TIDINGS_PUBLISH_LOOP',
        path: ['A.Pong', 'A.Ping', 'A.Pong', 'A.Ping', 'A.Pong', 'A.Ping'],
      })
      expect(String(failures[0]?.error)).toMatch(/100 deep: A\.P/)
    },
  )

  test('what a timer publishes after its delivery has ended is no loop', async () => {
    const { bus } = openBus()
    let rounds = 0
    const done = Promise.withResolvers<void>()
    bus.subscribe('A.Tick', () => {
      if (++rounds === 250) done.resolve()
      else setImmediate(() => void bus.publish(ofType('A.Tick')))
    })
    await bus.publish(ofType('A.Tick'))
    await done.promise
    expect(rounds).toBe(250)
  })

  test('publishSync runs synchronous handlers, and names the others', async () => {
    const { bus, failures } = openBus()
    const heard: string[] = []
    bus.subscribe(ANY, async () => void heard.push('declared'), { name: 'declared' })
    bus.subscribe(ANY, () => Promise.reject(new Error('later')), { name: 'promises' })
    bus.subscribe(ANY, () => void heard.push('sync'), { name: 'sync' })
    bus.subscribe(ANY, throwing('no'), { name: 'fails' })
    const { outcomes, asynchronous } = bus.publishSync(anEvent())
    expect(heard).toEqual(['sync'])
    expect(outcomes.map(({ name, failed }) => [name, failed])).toEqual([
      ['sync', false],
      ['fails', true],
    ])
    expect(asynchronous.map(({ name, started }) => [name, started])).toEqual([
      ['declared', false],
      ['promises', true],
    ])
    await settle()
    expect(failures.map(({ error }) => error)).toEqual(['no', new Error('later')])
  })
})

describe('closing', () => {
  test('lets what is queued and under way end, and what that publishes; takes nothing else; twice is once', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    bus.subscribe(ANY, async ({ eventType }) => {
      await settle()
      heard.push(eventType)
      if (eventType === 'A.Queued') await bus.publish(ofType('A.Late'))
    })
    const running = bus.publish(ofType('A.Running'))
    void bus.enqueue(ofType('A.Queued'))
    const closings = [bus.close(), bus.close()]
    const refused = { code: 'TIDINGS_CLOSED' }
    expect(() => bus.subscribe(ANY, () => undefined)).toThrow(expect.objectContaining(refused))
    await expect(bus.publish(anEvent())).rejects.toMatchObject(refused)
    await Promise.all([...closings, running])
    await bus.close()
    expect(heard).toEqual(['A.Running', 'A.Queued', 'A.Late'])
    expect(() => bus.enqueue(anEvent())).toThrow(expect.objectContaining(refused))
    expect(() => bus.publishSync(anEvent())).toThrow(expect.objectContaining(refused))
  })

  test('within a handler that does not wait for it: the delivery ends as ever', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    let closing: Promise<void> | undefined
    bus.subscribe(ANY, () => {
      heard.push('first')
      closing = bus.close()
    })
    bus.subscribe(ANY, async () => void heard.push('second'))
    const { outcomes } = await bus.publish(anEvent())
    await closing
    expect(heard).toEqual(['first', 'second'])
    expect(outcomes.map(({ failed }) => failed)).toEqual([false, false])
  })

  test('closes handlers that hold events back before their signal is aborted, and owns their failure', async () => {
    const { bus, failures } = openBus()
    const steps: string[] = []
    const error = new Error('cannot close')
    const holding: Handler = Object.assign(() => undefined, {
      close: async ({ signal }: { signal: AbortSignal }) => {
        signal.addEventListener('abort', () => steps.push('aborted'))
        await settle()
        steps.push('closed')
        throw error
      },
    })
    bus.subscribe(ANY, holding, { name: 'holding' })
    await bus.close()
    expect(steps).toEqual(['closed', 'aborted'])
    expect(failures).toMatchObject([{ name: 'holding', event: undefined, error }])
  })
})
