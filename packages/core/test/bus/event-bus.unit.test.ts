import { z } from 'zod'
import { describe, expect, test } from 'vitest'
import type { Handler } from '../../src/bus/handler.ts'
import { ANY, type Selector } from '../../src/bus/selector.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { CounterCompleted, CounterUpdated } from '../support/counter.ts'
import { settle } from '../support/fake-clock.ts'
import { anEvent, throwing } from '../support/handling.ts'
import { ofType, openBus } from '../support/open-bus.ts'

const ItemAdded = defineEvent('Shop.Cart.Item.Added', { payload: z.object({}) })
const events = [CounterUpdated, CounterCompleted, ItemAdded]
const types = events.map(({ type }) => type)

const fail: (error: unknown) => Handler = throwing

describe('what a listener selects', () => {
  test.each<[string, Selector, readonly string[]]>([
    ['a definition', CounterUpdated, ['Test.Counter.Updated']],
    ['several definitions', [CounterUpdated, CounterCompleted], types.slice(0, 2)],
    ['a name', 'Test.Counter.Completed', ['Test.Counter.Completed']],
    ['* for one segment', 'Test.Counter.*', types.slice(0, 2)],
    ['* for one segment only', 'Shop.*.*.Added', ['Shop.Cart.Item.Added']],
    ['** for any number', '**.Added', ['Shop.Cart.Item.Added']],
    ['ANY', ANY, types],
  ])('%s', async (_what, selector, expected) => {
    // Before and after the first event of a type: the list of a type is made by that one.
    for (const isFirst of [true, false]) {
      const { bus } = openBus({ events })
      if (!isFirst) for (const type of types) await bus.publish(ofType(type))
      const heard: string[] = []
      bus.subscribe(selector as never, ({ eventType }: Envelope) => void heard.push(eventType))
      for (const type of types) await bus.publish(ofType(type))
      expect(heard).toEqual(expected)
    }
  })

  test.each(['Tset.**', 'Test.Counter.Update', 'Shop.*.Added'])(
    "'%s', which selects nothing that there is, is refused",
    (glob) => {
      const { bus } = openBus({ events })
      expect(() => bus.subscribe(glob, () => undefined)).toThrow(
        `No event of this application matches '${glob}'`,
      )
    },
  )

  test.each(['', '.', 'Test.', '.Test', 'Test..Updated'])(
    "'%s', which means nothing, is refused",
    (text) => {
      const { bus } = openBus()
      expect(() => bus.subscribe(text, () => undefined)).toThrow(/is no dotted name/)
      expect(() => bus.subscribe([], () => undefined)).toThrow(/An empty list selects no event/)
    },
  )

  test('a bus that knows no types takes any name, also one that comes later', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    bus.subscribe('Own.**', ({ eventType }) => void heard.push(eventType))
    await bus.publish(ofType('Own.Thing.Done'))
    await bus.publish(ofType('Other.Thing.Done'))
    expect(heard).toEqual(['Own.Thing.Done'])
  })
})

describe('who is called', () => {
  test('higher priorities first, negative ones last, and then in the order of subscribing', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    const order: [string, number?][] = [['low', -5], ['a'], ['high', 1.5], ['b', 0], ['low 2', -5]]
    const hear = ([name, priority]: [string, number?]): void => {
      bus.subscribe(ANY, () => void heard.push(name), priority === undefined ? {} : { priority })
    }
    for (const one of order.slice(0, 3)) hear(one)
    await bus.publish(anEvent())
    heard.length = 0
    for (const one of order.slice(3)) hear(one)
    const { outcomes } = await bus.publish(anEvent())
    expect(heard).toEqual(['high', 'a', 'b', 'low', 'low 2'])
    expect(outcomes.map(({ listenerId }) => listenerId.replace('listener-', ''))).toEqual([
      '3',
      '2',
      '4',
      '1',
      '5',
    ])
  })

  test('the same handler twice is called twice, and ended together', async () => {
    const { bus } = openBus()
    let calls = 0
    const handler = (): void => void calls++
    bus.subscribe(ANY, handler)
    bus.subscribe('Test.**', handler)
    await bus.publish(anEvent())
    expect(calls).toBe(2)
    expect(bus.unsubscribeHandler(handler)).toBe(2)
    expect(bus.unsubscribeHandler(handler)).toBe(0)
    await bus.publish(anEvent())
    expect(calls).toBe(2)
  })

  test('one that unsubscribes hears nothing more, also of the event under way; twice is once', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    bus.subscribe(ANY, () => {
      heard.push('first')
      expect(bus.unsubscribe(second.id)).toBe(heard.length === 1)
    })
    const second = bus.subscribe(ANY, () => void heard.push('second'))
    await bus.publish(anEvent())
    await bus.publish(anEvent())
    expect(heard).toEqual(['first', 'first'])
    second.unsubscribe()
    expect(bus.unsubscribe('nobody')).toBe(false)
  })

  test('one that subscribes during a delivery hears the next one', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    let isFirst = true
    bus.subscribe(ANY, () => {
      if (isFirst)
        bus.subscribe(ANY, ({ eventType }) => void heard.push(eventType), { priority: -1 })
      isFirst = false
    })
    await bus.publish(ofType('A.First'))
    expect(heard).toEqual([])
    await bus.publish(ofType('A.Second'))
    expect(heard).toEqual(['A.Second'])
  })

  test('a listener ends with its block, or with its signal', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    const controller = new AbortController()
    bus.subscribe(ANY, () => void heard.push('signal'), { signal: controller.signal })
    {
      using _listener = bus.subscribe(ANY, () => void heard.push('block'))
      await bus.publish(anEvent())
    }
    controller.abort()
    await bus.publish(anEvent())
    expect(heard).toEqual(['signal', 'block'])
    expect(() => bus.subscribe(ANY, () => undefined, { signal: controller.signal })).toThrow(
      /abort/,
    )
  })

  test('once is over before its event is handled: publishing within it calls it no second time', async () => {
    const { bus } = openBus()
    let calls = 0
    bus.once(ANY, async () => {
      calls++
      await bus.publish(anEvent())
    })
    await bus.publish(anEvent())
    await bus.publish(anEvent())
    expect(calls).toBe(1)
  })
})

describe('what a handler does wrong', () => {
  test.each<[string, unknown]>([
    ['an error', new Error('own')],
    ['undefined', undefined],
    ['null', null],
    ['a text', 'no'],
    ['an object', { message: 'own' }],
  ])(
    'it throws or rejects with %s: the outcome and the owner have it, the others go on',
    async (_what, error) => {
      const { bus, failures } = openBus()
      const heard: string[] = []
      bus.subscribe(ANY, fail(error), { name: 'throws' })
      bus.subscribe(ANY, () => Promise.reject(error as Error), { name: 'rejects' })
      bus.subscribe(ANY, async () => void heard.push('async'))
      bus.subscribe(ANY, () => void heard.push('sync'))
      const event = anEvent()
      const { outcomes } = await bus.publish(event)
      expect(outcomes).toEqual([
        { listenerId: 'listener-1', name: 'throws', failed: true, error },
        { listenerId: 'listener-2', name: 'rejects', failed: true, error },
        { listenerId: 'listener-3', name: 'ANY', failed: false },
        { listenerId: 'listener-4', name: 'ANY', failed: false },
      ])
      expect(heard).toEqual(['async', 'sync'])
      expect(failures).toEqual([
        { kind: 'listener', listenerId: 'listener-1', name: 'throws', event, error },
        { kind: 'listener', listenerId: 'listener-2', name: 'rejects', event, error },
      ])
    },
  )

  test('it answers with a thenable that calls back twice, or throws', async () => {
    const { bus, failures } = openBus()
    const twice = {
      // oxlint-disable-next-line unicorn/no-thenable -- that is what is tried
      then: (resolve: (value?: unknown) => void, reject: (error: unknown) => void) => {
        resolve()
        resolve()
        reject(new Error('too late'))
      },
    }
    bus.subscribe(ANY, () => twice)
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is tried
    bus.subscribe(ANY, () => ({ then: fail('from then') }))
    const { outcomes } = await bus.publish(anEvent())
    expect(outcomes.map(({ failed }) => failed)).toEqual([false, true])
    expect(failures.map(({ error }) => error)).toEqual(['from then'])
  })

  test('it changes the event: the next one does not see it', async () => {
    const { bus } = openBus()
    bus.subscribe(CounterUpdated, (event) => void Object.assign(event.payload, { by: 7 }))
    bus.subscribe(CounterUpdated, (event) => void Object.assign(event, { eventType: 'X' }))
    const heard: unknown[] = []
    bus.subscribe(CounterUpdated, (event) => void heard.push([event.eventType, event.payload.by]))
    const { outcomes } = await bus.publish(CounterUpdated({ counterId: 'a', by: 1 }))
    expect(outcomes.map(({ failed }) => failed)).toEqual([true, true, false])
    expect(heard).toEqual([['Test.Counter.Updated', 1]])
  })

  test('it hangs: other events go on, and drain waits for it', async () => {
    const { bus } = openBus()
    const gate = Promise.withResolvers<void>()
    bus.subscribe('A.Slow', () => gate.promise)
    let isDrained = false
    const slow = bus.publish(ofType('A.Slow'))
    const draining = bus.drain().then(() => (isDrained = true))
    await bus.publish(ofType('A.Quick'))
    await settle()
    expect(isDrained).toBe(false)
    gate.resolve()
    await Promise.all([slow, draining])
  })
})
