import { describe, expect, test } from 'vitest'
import { createEventBus, makeBus } from '../../src/bootstrap/create-event-bus.ts'
import type { HandlerContext } from '../../src/bus/handler.ts'
import { batch } from '../../src/bus/operators/batch.ts'
import { retry } from '../../src/bus/operators/retry.ts'
import { window } from '../../src/bus/operators/window.ts'
import { ANY } from '../../src/bus/selector.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { systemIds } from '../../src/internal/ids.ts'
import { createObservations } from '../../src/observe/observations.ts'
import { manualClock, settle } from '../support/fake-clock.ts'
import { anEvent } from '../support/handling.ts'
import { ofType, openBus } from '../support/open-bus.ts'

describe('closing', () => {
  test('does not wait for the age of a batch, nor for a clock that stands still', async () => {
    const { bus } = openBus({ queue: { concurrency: 2 } })
    const sizes: number[] = []
    const collect = (events: readonly Envelope[]): void => void sizes.push(events.length)
    bus.subscribe(ANY, retry({}, batch({ size: 10 }, collect)))
    const { length } = [1, 2, 3, 4, 5].map(() => bus.enqueue(anEvent()))
    await settle()
    await bus.close()
    expect(sizes).toEqual([2, 2, 1])
    expect(length).toBe(5)
  })

  test('does not wait for a loop that nobody runs, and loses nothing of it', async () => {
    const { bus } = openBus()
    const stream = bus.events(ANY, { bufferSize: 1 })
    const deliveries = [1, 2, 3].map(() => bus.publish(anEvent()))
    await bus.close()
    await Promise.all(deliveries)
    expect((await Array.fromAsync(stream)).length).toBe(3)
  })

  test('what a handler publishes with what it held back is still heard', async () => {
    const { bus } = openBus()
    const heard: string[] = []
    bus.subscribe('A.Last', () => void heard.push('last'))
    bus.subscribe(
      'A.First',
      window({ kind: 'tumbling' }, () => bus.publish(ofType('A.Next'))),
    )
    bus.subscribe(
      'A.Next',
      window({ kind: 'tumbling' }, () => bus.publish(ofType('A.Last'))),
    )
    await bus.publish(ofType('A.First'))
    await bus.close()
    expect(heard).toEqual(['last'])
  })

  test('within a handler it does not wait for itself', async () => {
    const { bus } = openBus()
    bus.subscribe(ANY, async () => {
      await settle()
      await bus.close()
    })
    const { outcomes } = await bus.publish(anEvent())
    await bus.close()
    expect(outcomes).toMatchObject([{ failed: false }])
  })
})

describe('once', () => {
  test('its handler may use its signal until it has ended', async () => {
    const { bus } = openBus()
    const aborted: boolean[] = []
    let signal: AbortSignal | undefined
    bus.once(ANY, async (_event: Envelope, ctx: HandlerContext) => {
      signal = ctx.signal
      aborted.push(signal.aborted)
      await settle()
      aborted.push(signal.aborted)
    })
    await bus.publish(anEvent())
    await bus.drain()
    expect(aborted).toEqual([false, false])
    expect(signal?.aborted).toBe(true)
  })

  test('is known as asynchronous as its handler is, is found by it, and closes it', async () => {
    const { bus } = openBus()
    const handler = async (): Promise<void> => settle()
    bus.once(ANY, handler)
    expect(bus.publishSync(anEvent()).asynchronous).toMatchObject([{ started: false }])
    expect(bus.unsubscribeHandler(handler)).toBe(1)
    const sizes: number[] = []
    bus.once(
      ANY,
      batch({}, (events) => void sizes.push(events.length)),
    )
    await bus.publish(anEvent())
    expect(sizes).toEqual([1])
  })
})

test('what onUnhandled or the owner of failures throws stops neither publish nor the queue', async () => {
  const written: string[] = []
  const bus = createEventBus({
    onUnhandled: () => {
      throw new Error('unhandled')
    },
    onFailure: ({ kind }) => {
      written.push(kind)
      throw new Error('the owner failed')
    },
  })
  bus.subscribe('A.Failing', () => {
    throw new Error('failing')
  })
  void bus.enqueue(ofType('A.Alone'))
  void bus.enqueue(ofType('A.Failing'))
  await bus.drain()
  expect((await bus.publish(ofType('A.Failing'))).outcomes).toMatchObject([{ failed: true }])
  expect(written).toEqual(['background', 'listener', 'listener'])
  await bus.close()
})

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])(
  'waitFor refuses a timeout of %d ms',
  async (timeoutMs) => {
    const { bus } = openBus()
    await expect(bus.waitFor(ANY, undefined, { timeoutMs })).rejects.toMatchObject({
      code: 'TIDINGS_ARGUMENT_INVALID',
    })
  },
)

test('an unknown overflow policy is refused', () => {
  expect(() => openBus({ queue: { overflow: 'forget' as never } })).toThrow(/overflow is 'wait' or/)
})

test('a loop of committed events does not throw at who committed them', () => {
  const errors: unknown[] = []
  const clock = manualClock()
  const bus = makeBus(
    {},
    {
      clock,
      ids: systemIds,
      source: undefined,
      knownTypes: undefined,
      observations: createObservations((error) => errors.push(error)),
      onFailure: ({ error }) => void errors.push(error),
    },
  )
  let calls = 0
  bus.subscribe(ANY, () => {
    calls++
    bus.publishCommitted([anEvent()])
  })
  bus.publishCommitted([anEvent()])
  expect(calls).toBe(100)
  expect(errors).toMatchObject([{ code: 'TIDINGS_PUBLISH_LOOP' }])
})
