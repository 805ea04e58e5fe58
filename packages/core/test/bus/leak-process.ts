/** Does one thing many times in a process of its own, and says how much more the heap holds after it. */
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import { batch } from '../../src/bus/operators/batch.ts'
import { idempotent } from '../../src/bus/operators/idempotent.ts'
import { retry } from '../../src/bus/operators/retry.ts'
import { timeout } from '../../src/bus/operators/timeout.ts'
import { window } from '../../src/bus/operators/window.ts'
import { ANY } from '../../src/bus/selector.ts'
import type { Clock } from '../../src/internal/clock.ts'
import { anEvent } from '../support/handling.ts'

/** Every sleep ends in the next turn, or with its signal: as many timeouts as one likes. */
const hasty: Clock = {
  now: () => Date.now(),
  sleep: (_delayMs, { signal } = {}) =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => {
        clearImmediate(timer)
        reject(signal?.reason as Error)
      }
      const timer = setImmediate(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
}

const bus = createEventBus({ clock: hasty, onFailure: () => undefined })
const lasting = new AbortController()
const event = anEvent({ eventType: 'Leak.Test.Done' })
const kept: unknown[] = []
let lastName = 0

async function inGroups(count: number, work: () => Promise<unknown>): Promise<void> {
  // A signal looks through all of its listeners for each new one: 500 at once took most of the time.
  const group = 50
  for (let done = 0; done < count; done += group) {
    await Promise.all(Array.from({ length: group }, work))
  }
}

const cases: Record<
  string,
  { readonly count: number; readonly run: (count: number) => Promise<void> }
> = {
  subscribe: {
    count: 1_000_000,
    run: async (count) => {
      await bus.publish(event)
      for (let done = 0; done < count; done++) {
        bus.subscribe(done % 2 === 0 ? ANY : 'Leak.**', () => done).unsubscribe()
      }
    },
  },
  signal: {
    count: 100_000,
    run: async (count) => {
      for (let done = 0; done < count; done++) {
        bus.subscribe(ANY, () => done, { signal: lasting.signal }).unsubscribe()
      }
    },
  },
  iterators: {
    count: 100_000,
    run: async (count) => {
      for (let done = 0; done < count; done++) {
        const stream = bus.events(ANY, { signal: lasting.signal })
        await bus.publish(event)
        if (done % 2 === 0) await stream.return?.()
        else for await (const _event of stream) break
      }
    },
  },
  waits: {
    count: 100_000,
    run: (count) =>
      inGroups(count, () =>
        bus.waitFor('Leak.Never', undefined, { timeoutMs: 1, signal: lasting.signal }).then(
          () => kept.push('an event that never came'),
          () => undefined,
        ),
      ),
  },
  publishers: {
    count: 100_000,
    run: async (count) => {
      using _one = bus.subscribe(ANY, async () => undefined)
      using _two = bus.subscribe(ANY, () => undefined)
      const { signal } = lasting
      await inGroups(count, async () => {
        await bus.publish(event, { signal })
        await bus.enqueue(event, { signal })
        await bus.drain({ signal })
      })
    },
  },
  operators: {
    count: 100_000,
    run: async (count) => {
      const done = { ms: 1, count: 2, kind: 'tumbling' } as const
      using _one = bus.subscribe(
        ANY,
        idempotent(
          { maxIds: 10 },
          timeout(
            { ms: 5 },
            retry(
              { attempts: 2 },
              batch({ size: 3 }, async () => undefined),
            ),
          ),
        ),
      )
      using _two = bus.subscribe(
        ANY,
        window(done, async () => undefined),
      )
      let id = 0
      await inGroups(count, () => bus.publish(anEvent({ ...event, eventId: String(id++) })))
    },
  },
  names: {
    count: 100_000,
    run: async (count) => {
      for (let done = 0; done < count; done++)
        await bus.publish(anEvent({ eventType: `Leak.Test.No${++lastName}` }))
    },
  },
  // The test's own proof: this one does leak.
  planted: {
    count: 100_000,
    run: async (count) => {
      for (let done = 0; done < count; done++) kept.push(bus.subscribe(ANY, () => done))
      for (const listener of kept) (listener as Disposable)[Symbol.dispose]()
    },
  },
}

function heap(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const { count, run } = cases[process.argv[2] ?? '']!
// At first compiled code and feedback grow up to there, and are no leak.
await run(100_000)
await bus.drain()
const before = heap()
await run(count)
await bus.drain()
process.send?.({ count, grownBytes: heap() - before })
await bus.close()
process.disconnect()
