import { expect, test } from 'vitest'
import type { HandlerContext } from '../../../src/bus/handler.ts'
import type { WindowOf } from '../../../src/bus/operators/window-of.ts'
import { window, type WindowOptions } from '../../../src/bus/operators/window.ts'
import { ANY } from '../../../src/bus/selector.ts'
import type { Envelope } from '../../../src/contract/envelope.ts'
import { settle } from '../../support/fake-clock.ts'
import { anEvent } from '../../support/handling.ts'
import { openBus } from '../../support/open-bus.ts'

/** A window of two, whose function goes on until the gate is open. */
function open(options: WindowOptions) {
  const { bus, clock } = openBus()
  const gate = Promise.withResolvers<void>()
  const contexts: HandlerContext[] = []
  const onWindow = (_window: WindowOf<Envelope>, ctx: HandlerContext): Promise<void> => {
    contexts.push(ctx)
    return gate.promise
  }
  const listener = bus.subscribe(ANY, window({ count: 2, ...options }, onWindow))
  return { bus, clock, gate, contexts, listener }
}

test.each(['sliding', 'tumbling'] as const)(
  'a publisher who gives up the event that fills a %s window takes nothing from the others',
  async (kind) => {
    const { bus, gate, contexts, listener } = open({ kind })
    await bus.publish(anEvent())
    const controller = new AbortController()
    const filling = bus.publish(anEvent(), { signal: controller.signal })
    controller.abort('over')
    await expect(filling).rejects.toBe('over')
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([false])
    gate.resolve()
    await bus.drain()
    listener.unsubscribe()
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([false])
    await settle()
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true])
  },
)

test('a publisher who gives up takes nothing from a window that ends by time either', async () => {
  const { bus, clock, gate, contexts } = open({ kind: 'tumbling', ms: 100, count: 10 })
  const controller = new AbortController()
  // The timer of the window is set with this one.
  const first = bus.publish(anEvent(), { signal: controller.signal })
  controller.abort('over')
  await expect(first).rejects.toBe('over')
  await bus.publish(anEvent())
  await clock.advance(100)
  expect(contexts.map((ctx) => ctx.signal.aborted)).toEqual([false])
  gate.resolve()
})

test('the function of a window stops with its listener', async () => {
  const { bus, gate, contexts, listener } = open({})
  await bus.publish(anEvent())
  const { signal } = new AbortController()
  void bus.publish(anEvent(), { signal })
  expect(contexts.map((ctx) => ctx.signal === ctx.listenerSignal)).toEqual([true])
  gate.resolve()
  await bus.drain()
  listener.unsubscribe()
  await settle()
  expect(contexts.map((ctx) => ctx.signal.aborted)).toEqual([true])
})
