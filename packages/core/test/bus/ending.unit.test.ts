import { describe, expect, test } from 'vitest'
import type { Handler } from '../../src/bus/handler.ts'
import { ANY } from '../../src/bus/selector.ts'
import { anEvent } from '../support/handling.ts'
import { openBus, type OpenBus } from '../support/open-bus.ts'

type Bus = OpenBus['bus']

// Deliveries that are measured have a loop of their own: what holds without must hold there too.
const buses: readonly (readonly [string, () => Bus])[] = [
  ['nothing is measured', () => openBus().bus],
  ['timings are on', () => openBus({ timings: true }).bus],
  [
    'handled is observed',
    () => {
      const { bus } = openBus()
      bus.observations.handled.observe(() => undefined)
      return bus
    },
  ],
]

const ways: readonly (readonly [string, (bus: Bus) => unknown])[] = [
  ['publish', (bus) => bus.publish(anEvent())],
  [
    'publish with a signal',
    (bus) => bus.publish(anEvent(), { signal: new AbortController().signal }),
  ],
  ['publishSync', (bus) => bus.publishSync(anEvent())],
]

describe.each(buses)('while %s', (_what, make) => {
  test.each(ways)(
    'a listener that is unsubscribed hears nothing of the event under way: %s',
    async (_way, send) => {
      const bus = make()
      const heard: string[] = []
      bus.subscribe(ANY, () => second.unsubscribe(), { name: 'first' })
      const second = bus.subscribe(ANY, () => void heard.push('second'), { name: 'second' })
      bus.subscribe(ANY, () => void heard.push('third'), { name: 'third' })
      const delivery = await send(bus)
      expect(heard).toEqual(['third'])
      expect(delivery).toMatchObject({ outcomes: [{ name: 'first' }, { name: 'third' }] })
    },
  )

  test('an asynchronous one that goes on has its outcome, and not that of the one that was passed over', async () => {
    const bus = make()
    const gate = Promise.withResolvers<void>()
    bus.subscribe(ANY, () => second.unsubscribe(), { name: 'first' })
    const second = bus.subscribe(ANY, () => undefined, { name: 'second' })
    bus.subscribe(ANY, () => gate.promise, { name: 'third' })
    const published = bus.publish(anEvent())
    gate.reject(new Error('no'))
    expect((await published).outcomes).toMatchObject([
      { name: 'first', failed: false },
      { name: 'third', failed: true },
    ])
  })
})

describe('a handler is closed once', () => {
  /** A handler that counts how often it is closed. */
  function closing() {
    const closed: string[] = []
    const handler: Handler = Object.assign(() => undefined, { close: () => void closed.push('') })
    return { handler, closed }
  }

  test.each<[string, (bus: Bus, handler: Handler) => unknown]>([
    [
      'its listener is unsubscribed twice',
      (bus, handler) => {
        const listener = bus.subscribe(ANY, handler)
        listener.unsubscribe()
        listener.unsubscribe()
      },
    ],
    [
      'its listener is unsubscribed and its signal aborted',
      (bus, handler) => {
        const controller = new AbortController()
        bus.subscribe(ANY, handler, { signal: controller.signal }).unsubscribe()
        controller.abort()
      },
    ],
    [
      'its listener is unsubscribed by hand within its block',
      (bus, handler) => {
        using listener = bus.subscribe(ANY, handler)
        expect(bus.unsubscribe(listener.id)).toBe(true)
        expect(bus.unsubscribe(listener.id)).toBe(false)
      },
    ],
    [
      'its one event has come, and its listener is unsubscribed',
      async (bus, handler) => {
        const listener = bus.once(ANY, handler)
        await bus.publish(anEvent())
        listener.unsubscribe()
      },
    ],
    [
      'its listener is unsubscribed again when that was long ago',
      async (bus, handler) => {
        const listener = bus.subscribe(ANY, handler)
        listener.unsubscribe()
        await bus.drain()
        listener.unsubscribe()
      },
    ],
  ])('when %s', async (_what, end) => {
    const { bus } = openBus()
    const { handler, closed } = closing()
    await end(bus, handler)
    await bus.close()
    expect(closed).toHaveLength(1)
  })
})
