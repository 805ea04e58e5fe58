import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { HandlerContext } from '../../src/bus/handler.ts'
import { batch } from '../../src/bus/operators/batch.ts'
import { ANY } from '../../src/bus/selector.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { settle } from '../support/fake-clock.ts'
import { anEvent } from '../support/handling.ts'
import { ofType, openBus } from '../support/open-bus.ts'

/** A handler that goes on until its signal is aborted. */
function untilAborted(_event: Envelope, { signal }: HandlerContext): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
}

describe('publish with a signal', () => {
  test('that is aborted before reaches nobody', async () => {
    const { bus } = openBus()
    let calls = 0
    bus.subscribe(ANY, () => void calls++)
    const signal = AbortSignal.abort('over')
    await expect(bus.publish(anEvent(), { signal })).rejects.toBe('over')
    expect(calls).toBe(0)
  })

  test('that is aborted meanwhile aborts its handlers’, whose failures are observed as ever', async () => {
    const { bus, failures } = openBus()
    const outcomes: unknown[] = []
    bus.observations.handled.observe(({ error }) => void outcomes.push(error))
    bus.subscribe(ANY, untilAborted)
    const controller = new AbortController()
    const other = bus.publish(anEvent())
    const published = bus.publish(anEvent(), { signal: controller.signal })
    controller.abort('over')
    await expect(published).rejects.toBe('over')
    await settle()
    expect(outcomes).toEqual(['over'])
    expect(failures).toMatchObject([{ kind: 'listener', error: 'over' }])
    bus.unsubscribeHandler(untilAborted)
    expect((await other).outcomes).toMatchObject([{ failed: true }])
  })

  test('a handler that aborts it keeps nobody from the event', async () => {
    const { bus } = openBus()
    const controller = new AbortController()
    let calls = 0
    bus.subscribe(ANY, () => controller.abort('over'))
    bus.subscribe(ANY, (_event, ctx) => void (calls += Number(ctx.signal.aborted)))
    await expect(bus.publish(anEvent(), { signal: controller.signal })).rejects.toBe('over')
    expect(calls).toBe(1)
  })

  test('that is not aborted changes nothing, and has nothing left on it', async () => {
    const { bus } = openBus()
    const { signal } = new AbortController()
    const own: AbortSignal[] = []
    const listener = bus.subscribe(ANY, async (_event, ctx) => {
      own.push(ctx.listenerSignal)
      await settle()
    })
    const { outcomes } = await bus.publish(anEvent(), { signal })
    expect(outcomes).toMatchObject([{ failed: false }])
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(getEventListeners(own[0]!, 'abort')).toHaveLength(0)
    listener.unsubscribe()
    expect(own[0]!.aborted).toBe(true)
  })

  test('a listener that ends meanwhile hears nothing of it, and ends the signal', async () => {
    const { bus } = openBus()
    const { signal } = new AbortController()
    let calls = 0
    const ending = bus.subscribe(ANY, untilAborted)
    bus.subscribe(ANY, () => second.unsubscribe())
    const second = bus.subscribe(ANY, () => void calls++)
    const published = bus.publish(anEvent(), { signal })
    ending.unsubscribe()
    expect((await published).outcomes).toMatchObject([{ failed: true }, { failed: false }])
    expect(calls).toBe(0)
  })

  test('an event that led to a loop leaves nothing on it either', async () => {
    const { bus } = openBus()
    const { signal } = new AbortController()
    const codes: unknown[] = []
    bus.subscribe(ANY, async () => {
      try {
        await bus.publish(anEvent(), { signal })
      } catch (error) {
        codes.push((error as { code: string }).code)
      }
    })
    await bus.publish(anEvent(), { signal })
    expect(codes).toEqual(['TIDINGS_PUBLISH_LOOP'])
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('one publisher of a batch gives up: the others’ events are handled all the same', async () => {
    const { bus, clock } = openBus()
    const batches: unknown[] = []
    const collect = (events: readonly Envelope[], ctx: HandlerContext): void =>
      void batches.push([events.length, ctx.signal.aborted])
    bus.subscribe(ANY, batch({ size: 10, maxAgeMs: 100 }, collect))
    const controller = new AbortController()
    const first = bus.publish(anEvent(), { signal: controller.signal })
    const second = bus.publish(anEvent())
    controller.abort('over')
    await expect(first).rejects.toBe('over')
    await clock.advance(99)
    expect(batches).toEqual([])
    await clock.advance(1)
    expect((await second).outcomes).toMatchObject([{ failed: false }])
    expect(batches).toEqual([[2, false]])
  })
})

test('enqueue with a signal that is aborted before: the event is not queued', async () => {
  const { bus } = openBus()
  let calls = 0
  bus.subscribe(ANY, () => void calls++)
  expect(() => bus.enqueue(anEvent(), { signal: AbortSignal.abort('over') })).toThrow('over')
  const controller = new AbortController()
  void bus.enqueue(anEvent(), { signal: controller.signal })
  controller.abort('over')
  await bus.drain()
  expect(calls).toBe(1)
})

describe('drain and close with a signal', () => {
  test('end the waiting alone', async () => {
    const { bus } = openBus()
    const handling = Promise.withResolvers<void>()
    bus.subscribe('A.First', async () => {
      await handling.promise
      await bus.publish(ofType('A.Second'))
    })
    const heard: string[] = []
    bus.subscribe('A.Second', ({ eventType }) => void heard.push(eventType))
    const published = bus.publish(ofType('A.First'))
    const controller = new AbortController()
    const { signal } = controller
    const waits = [bus.drain({ signal }), bus.close({ signal })]
    controller.abort('over')
    for (const wait of waits) await expect(wait).rejects.toBe('over')
    await expect(bus.drain({ signal })).rejects.toBe('over')
    handling.resolve()
    await bus.close()
    await published
    expect(heard).toEqual(['A.Second'])
  })

  test('that is not aborted is left as it was', async () => {
    const { bus } = openBus()
    const { signal } = new AbortController()
    bus.subscribe(ANY, () => settle())
    void bus.publish(anEvent())
    await bus.drain({ signal })
    await bus.close({ signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})
