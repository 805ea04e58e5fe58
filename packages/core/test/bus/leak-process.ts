/** Does one thing many times in a process of its own, and says how much more the heap holds after it. */
import { createEventBus } from '../../src/bootstrap/create-event-bus.ts'
import { batch } from '../../src/bus/operators/batch.ts'
import { idempotent } from '../../src/bus/operators/idempotent.ts'
import { retry } from '../../src/bus/operators/retry.ts'
import { timeout } from '../../src/bus/operators/timeout.ts'
import { window } from '../../src/bus/operators/window.ts'
import { ANY } from '../../src/bus/selector.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import type { Clock } from '../../src/internal/clock.ts'
import type { AlertRule } from '../../src/observe/alert.ts'
import { createAlerts } from '../../src/observe/alerts.ts'
import { createStatistics } from '../../src/observe/statistics.ts'
import { createTracer } from '../../src/observe/tracer.ts'
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
const observers: Disposable[] = []
let lastName = 0
let nowMs = 0

/** Everything that observes a bus. It stays attached: what it holds is what is measured. */
function observe(): void {
  // A second passes with each event: what is broken recovers all the time.
  const clock: Clock = { ...hasty, now: () => nowMs }
  const rules: readonly AlertRule[] = [
    { kind: 'error' },
    { kind: 'slow', overMs: 5000 },
    { kind: 'event', type: 'Leak.**' },
    { kind: 'silence', type: 'Leak.Never', forMs: 60_000 },
    { kind: 'value', name: 'bus queue', read: () => nowMs % 7, above: 3 },
  ]
  observers.push(
    createStatistics(bus.observations),
    createTracer(bus.observations),
    createAlerts(bus.observations, rules, { send: () => undefined, clock }),
  )
  bus.subscribe(ANY, () => undefined, { name: 'good' })
  bus.subscribe(ANY, ({ eventId }) => Promise.reject(new Error(`no ${eventId}`)), { name: 'bad' })
}

/** An event of which everything is new but its type. */
function newEvent(): Envelope {
  const id = `${++lastName}`
  nowMs += 1000
  const ids = { eventId: id, aggregateId: id, correlationId: id, causationId: id }
  const payload = { agentId: `agent ${id}`, sessionId: `session ${id}`, executionTimeMs: 70 }
  return anEvent({ ...event, ...ids, payload })
}

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
  observed: {
    count: 100_000,
    run: async (count) => {
      if (observers.length === 0) observe()
      for (let done = 0; done < count; done += 100) {
        await inGroups(100, () => bus.publish(newEvent()))
        // The alerts look when a turn has ended.
        await hasty.sleep(0)
      }
    },
  },
  // Never read and never ended, and nobody has them any more: they listen on, and hold their buffers.
  unread: {
    count: 100_000,
    run: async (count) => {
      for (const overflow of ['drop-oldest', 'drop-newest', 'fail'] as const)
        bus.events(ANY, { bufferSize: 100, overflow })
      for (let done = 0; done < count; done++) await bus.publish(newEvent())
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
for (const one of observers) one[Symbol.dispose]()
await bus.close()
process.disconnect()
