import { describe, expect, test } from 'vitest'
import { ANY, ListenerBus, type ListenerFailure, type Selector } from '../../src/bus/event-bus.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { currentFrame } from '../../src/internal/flow.ts'
import { CounterCompleted, CounterUpdated, UpdateCounter, UpdateTwice } from '../support/counter.ts'
import { startCounter } from '../support/start.ts'
import { stores } from '../support/stores.ts'

const types = ['Test.Counter.Updated', 'Test.Counter.Completed', 'Shop.Cart.Item.Added']

function event(eventType: string, payload: unknown = {}): Envelope {
  return {
    eventId: `id of ${eventType}`,
    eventType,
    eventVersion: 1,
    timestamp: '2026-11-21T09:30:00.000Z',
    aggregateType: 'Test.Counter',
    aggregateId: 'a',
    correlationId: '0199e2c4-1111-7111-8111-111111111111',
    payload,
    metadata: {},
  }
}

function openBus() {
  const failures: ListenerFailure[] = []
  const bus = new ListenerBus({
    knownTypes: () => types,
    onFailure: (failure) => failures.push(failure),
  })
  return { bus, failures }
}

describe('what a listener selects', () => {
  test.each<readonly [string, Selector, readonly string[]]>([
    ['a definition', CounterUpdated, ['Test.Counter.Updated']],
    ['several definitions', [CounterUpdated, CounterCompleted], types.slice(0, 2)],
    ['a name', 'Test.Counter.Completed', ['Test.Counter.Completed']],
    ['* for one segment', 'Test.Counter.*', types.slice(0, 2)],
    ['* for one segment only', 'Shop.*.*.Added', ['Shop.Cart.Item.Added']],
    ['** for any number', '**.Added', ['Shop.Cart.Item.Added']],
    ['ANY', ANY, types],
  ])('%s', (_what, selector, expected) => {
    const { bus } = openBus()
    const heard: string[] = []
    bus.subscribe(selector, ({ eventType }) => void heard.push(eventType))
    bus.deliver(types.map((type) => event(type)))
    expect(heard).toEqual(expected)
  })

  test.each(['Tset.**', 'Test.Counter.Update', 'Shop.*.Added'])(
    "'%s', which selects nothing, is refused",
    (glob) => {
      const { bus } = openBus()
      expect(() => bus.subscribe(glob, () => undefined)).toThrow(
        `No event of this application matches '${glob}'`,
      )
    },
  )
})

test('listeners are called in the order in which they came, event by event', () => {
  const { bus } = openBus()
  const heard: string[] = []
  for (const name of ['one', 'two']) {
    bus.subscribe('Test.**', ({ eventType }, { listenerId }) => {
      heard.push(`${name} ${eventType.split('.').at(-1)} ${listenerId}`)
    })
  }
  bus.deliver([event('Test.Counter.Updated'), event('Test.Counter.Completed')])
  expect(heard).toEqual([
    'one Updated listener-1',
    'two Updated listener-2',
    'one Completed listener-1',
    'two Completed listener-2',
  ])
})

test('a listener that fails, at once or later, touches no other one, and its owner is told', async () => {
  const { bus, failures } = openBus()
  const heard: string[] = []
  const [now, later] = [new Error('now'), new Error('later')]
  bus.subscribe(
    ANY,
    () => {
      throw now
    },
    { name: 'at once' },
  )
  bus.subscribe(ANY, async () => {
    await Promise.resolve()
    throw later
  })
  bus.subscribe(ANY, ({ eventType }) => void heard.push(eventType))
  const updated = event('Test.Counter.Updated')
  bus.deliver([updated])
  await bus.drain()
  expect(heard).toEqual(['Test.Counter.Updated'])
  expect(failures).toEqual([
    { listenerId: 'listener-1', name: 'at once', event: updated, error: now },
    { listenerId: 'listener-2', name: 'ANY', event: updated, error: later },
  ])
})

test('no event reaches a listener after it has unsubscribed; twice is once', () => {
  const { bus } = openBus()
  const heard: string[] = []
  const listener = bus.subscribe(ANY, () => {
    heard.push('first')
    listener.unsubscribe()
    listener.unsubscribe()
  })
  bus.subscribe(ANY, () => void heard.push('second'))
  bus.deliver([event('Test.Counter.Updated'), event('Test.Counter.Updated')])
  expect(heard).toEqual(['first', 'second', 'second'])
})

test('a listener ends with its block when it is disposed of', () => {
  const { bus } = openBus()
  const heard: string[] = []
  {
    using _listener = bus.subscribe(ANY, ({ eventType }) => void heard.push(eventType))
    bus.deliver([event('Test.Counter.Updated')])
  }
  bus.deliver([event('Test.Counter.Completed')])
  expect(heard).toEqual(['Test.Counter.Updated'])
})

test('a listener that comes during a delivery hears the next one', () => {
  const { bus } = openBus()
  const heard: string[] = []
  let isFirst = true
  bus.subscribe(ANY, () => {
    if (isFirst) bus.subscribe(ANY, ({ eventType }) => void heard.push(eventType))
    isFirst = false
  })
  bus.deliver([event('Test.Counter.Updated')])
  expect(heard).toEqual([])
  bus.deliver([event('Test.Counter.Completed')])
  expect(heard).toEqual(['Test.Counter.Completed'])
})

test('a handler runs in the frame of its event', () => {
  const { bus } = openBus()
  const updated = event('Test.Counter.Updated')
  let frame: unknown
  bus.subscribe(ANY, () => {
    frame = currentFrame()
  })
  bus.deliver([updated])
  expect(frame).toMatchObject({ eventId: updated.eventId, correlationId: updated.correlationId })
  expect(currentFrame()).toBeUndefined()
})

describe.each(stores)('on $kind, an application', ({ open }) => {
  test('delivers what it commits, in order of position, after the commit', async () => {
    const store = await open()
    const app = await startCounter({ store })
    const heard: [position: number | undefined, isStored: boolean][] = []
    const checks: Promise<void>[] = []
    app.bus.subscribe('Test.Counter.*', (event) => {
      checks.push(
        store.findEvent(event.eventId).then((found) => {
          heard.push([event.position, found?.position === event.position])
        }),
      )
    })
    await app.send(UpdateTwice, { counterId: 'a', by: 1 })
    await app.send(UpdateCounter, { counterId: 'a', by: 1 })
    await Promise.all(checks)
    expect(heard).toEqual([
      [1, true],
      [2, true],
      [3, true],
    ])
  })

  test('publishes nothing of what is not committed, and nothing twice', async () => {
    const app = await startCounter({ store: await open() })
    const heard: string[] = []
    app.bus.subscribe(ANY, ({ eventId }) => void heard.push(eventId))
    const events = CounterUpdated(
      { counterId: 'a', by: 1 },
      { eventId: '0199e2c4-1111-7111-8111-111111111111' },
    )
    const append = { aggregateType: 'Test.Counter', aggregateId: 'a', events }

    await expect(app.store.append({ ...append, expectedVersion: 7 })).rejects.toThrow(
      /expected version 7/,
    )
    await expect(
      app.store.transaction(async (tx) => {
        await tx.append(append)
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(heard).toEqual([])

    await app.store.append(append)
    await app.store.append(append)
    expect(heard).toEqual(['0199e2c4-1111-7111-8111-111111111111'])
  })

  test('is not held up, and not failed, by its listeners', async () => {
    const failures: unknown[] = []
    const app = await startCounter({
      store: await open(),
      onFailure: (failure) => failures.push(failure.error),
    })
    const gate = Promise.withResolvers<void>()
    const failure = new Error('no')
    app.bus.subscribe(CounterUpdated, () => gate.promise)
    app.bus.subscribe(CounterUpdated, () => {
      throw failure
    })
    await expect(app.send(UpdateCounter, { counterId: 'a', by: 1 })).resolves.toMatchObject({
      position: 1,
    })
    expect(failures).toEqual([failure])
    gate.resolve()
  })
})

test('a closed application takes no listener', async () => {
  const app = await startCounter()
  await app.close()
  expect(() => app.bus.subscribe(ANY, () => undefined)).toThrow(
    expect.objectContaining({ code: 'TIDINGS_CLOSED' }),
  )
})
