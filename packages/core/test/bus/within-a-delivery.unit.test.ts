import { describe, expect, test, vi } from 'vitest'
import type { PublishDepthError } from '../../src/errors/queue-errors.ts'
import type { Handler } from '../../src/bus/handler.ts'
import { batch } from '../../src/bus/operators/batch.ts'
import { window } from '../../src/bus/operators/window.ts'
import { runInTransaction, markTransaction } from '../../src/internal/flow.ts'
import { untypedEvent } from '../../src/contract/untyped-event.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import { ofType, openBus } from '../support/open-bus.ts'
import { settle } from '../support/fake-clock.ts'

const Again = untypedEvent('A.Again.Said')

/** What hands several events, or one, to a function: each as a part of the delivery that filled it. */
const AROUND: readonly (readonly [string, (work: () => unknown) => Handler])[] = [
  ['a window', (work) => window({ ms: 60_000, count: 1 }, work)],
  ['a batch', (work) => batch({ size: 1 }, async () => void (await work()))],
  ['a transaction', (work) => () => runInTransaction(markTransaction({}), work)],
]

describe.each(AROUND)('within %s', (_name, around) => {
  test('a loop ends at the depth limit, and is named', async () => {
    const { bus } = openBus()
    let rounds = 0
    const errors: unknown[] = []
    // Not awaited: a batch would wait for the next one, which waits for it.
    const again = (): void => {
      rounds++
      bus.publish(ofType('A.Looping')).catch((error: unknown) => errors.push(error))
    }
    bus.subscribe('A.Looping', around(again))
    await bus.publish(ofType('A.Looping'))
    await bus.drain()
    expect(rounds).toBe(100)
    expect(errors).toMatchObject([{ code: 'TIDINGS_PUBLISH_LOOP' }])
    expect((errors[0] as PublishDepthError).path).toContain('A.Looping')
  })

  test('a close resolves at once, and ends with what it is called in', async () => {
    const { bus } = openBus()
    const closed = vi.fn<() => void>()
    bus.subscribe(
      'A.Last',
      around(() => bus.close().then(closed)),
    )
    await bus.publish(ofType('A.Last'))
    expect(closed).toHaveBeenCalledOnce()
    await bus.close()
  })
})

describe('handlers that publishSync started', () => {
  test('may close the bus as long as they go on, each of them', async () => {
    const { bus } = openBus()
    const closed: string[] = []
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const closesBehind = (name: string, promise: Promise<void>) => () =>
      promise.then(() => bus.close()).then(() => closed.push(name))
    bus.subscribe('A.B', closesBehind('first', first.promise))
    bus.subscribe('A.B', closesBehind('second', second.promise))
    bus.publishSync(ofType('A.B'))
    first.resolve()
    await settle()
    expect(closed).toEqual(['first'])
    second.resolve()
    await settle()
    expect(closed).toEqual(['first', 'second'])
    await bus.close()
  })

  test('are no part of it any more when they have ended', async () => {
    const { bus } = openBus()
    const later = Promise.withResolvers<void>()
    let closing: Promise<string> | undefined
    bus.subscribe('A.B', () => {
      void later.promise.then(() => {
        closing = bus.close().then(() => 'closed')
      })
      return Promise.resolve()
    })
    const held = Promise.withResolvers<void>()
    bus.subscribe('A.Held', () => held.promise)
    bus.publishSync(ofType('A.B'))
    void bus.publish(ofType('A.Held'))
    await settle()
    later.resolve()
    await settle()
    // One that is called within a delivery would not wait for it.
    expect(await Promise.race([closing, settle().then(() => 'waits')])).toBe('waits')
    held.resolve()
    expect(await closing).toBe('closed')
  })
})

describe('what an observer publishes', () => {
  test.each([
    ['an observer of published', 1, false],
    ['an observer of published, where nobody listens', 0, false],
    ['onUnhandled', 0, true],
  ])('%s: is caused by the event, and a loop of it ends', async (_name, listeners, isUnhandled) => {
    const seen: Envelope[] = []
    const errors: unknown[] = []
    const again = (event: Envelope): void => {
      seen.push(event)
      bus.publish(Again({})).catch((error: unknown) => errors.push(error))
    }
    const { bus } = openBus(isUnhandled ? { onUnhandled: again } : {})
    if (!isUnhandled) bus.observations.published.observe(({ event }) => again(event))
    for (let n = 0; n < listeners; n++) bus.subscribe(Again, () => undefined)
    await bus.publish(Again({}))
    expect(errors).toMatchObject([{ code: 'TIDINGS_PUBLISH_LOOP' }])
    expect(seen).toHaveLength(100)
    expect(seen[99]?.causationId).toBe(seen[98]?.eventId)
  })

  test('later, round after round, is no loop within the first', async () => {
    const { bus } = openBus()
    let rounds = 0
    bus.observations.published.observe(() => {
      if (++rounds < 300) void settle().then(() => bus.publish(Again({})))
    })
    await bus.publish(Again({}))
    await vi.waitFor(() => expect(rounds).toBe(300))
  })
})
