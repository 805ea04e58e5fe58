import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batch } from '../../../src/bus/operators/batch.ts'
import { concurrency } from '../../../src/bus/operators/concurrency.ts'
import { filter } from '../../../src/bus/operators/filter.ts'
import { idempotent } from '../../../src/bus/operators/idempotent.ts'
import { retry } from '../../../src/bus/operators/retry.ts'
import { throttle } from '../../../src/bus/operators/throttle.ts'
import type { WindowOf } from '../../../src/bus/operators/window-of.ts'
import { window, type WindowOptions } from '../../../src/bus/operators/window.ts'
import type { Envelope } from '../../../src/contract/envelope.ts'
import { manualClock, settle } from '../../support/fake-clock.ts'
import { aContext, anEvent, idsOf } from '../../support/handling.ts'

const START = Date.UTC(2026, 10, 21)

interface Sent {
  readonly id: number
  readonly key: string
  readonly timeMs: number
}

/** Events with gaps between them, of few keys, so that windows fill. */
const arrivals = fc
  .array(fc.record({ gapMs: fc.integer({ min: 0, max: 40 }), key: fc.constantFrom('x', 'y') }), {
    maxLength: 40,
  })
  .map((steps) => {
    let timeMs = START
    return steps.map(({ gapMs, key }, id): Sent => ({ id, key, timeMs: (timeMs += gapMs) }))
  })

const sizes = fc.record({
  ms: fc.integer({ min: 1, max: 100 }),
  count: fc.integer({ min: 1, max: 5 }),
})

type Fired = readonly [reason: string, key: string, ids: readonly number[]]

function toEvent({ id, key, timeMs }: Sent): Envelope {
  const timestamp = new Date(timeMs).toISOString()
  return anEvent({ eventId: String(id), aggregateId: key, timestamp })
}

const toFired = ({ reason, key, events }: WindowOf<Envelope>): Fired => [
  reason,
  key,
  events.map((event) => Number(event.eventId)),
]

async function runByArrival(options: WindowOptions, sent: readonly Sent[]): Promise<Fired[]> {
  const ctx = aContext(manualClock(START))
  const fired: Fired[] = []
  const keyed = { ...options, key: (event: Envelope) => event.aggregateId }
  const handler = window(keyed, (one: WindowOf<Envelope>) => void fired.push(toFired(one)))
  for (const one of sent) {
    await ctx.clock.advance(one.timeMs - ctx.clock.now())
    void handler(toEvent(one), ctx)
  }
  await handler.close?.(ctx)
  return fired
}

describe('window', () => {
  test('sliding fires exactly where the seed’s loop has count events, with the newest of them', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, sizes, async (sent, { ms, count }) => {
        const expected = sent.flatMap((one, at): Fired[] => {
          const near = sent
            .slice(0, at + 1)
            .filter((other) => other.key === one.key && one.timeMs - other.timeMs < ms)
          return near.length < count
            ? []
            : [['count', one.key, near.slice(-count).map(({ id }) => id)]]
        })
        expect(await runByArrival({ ms, count, kind: 'sliding' }, sent)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  test('tumbling gives the groups that plain code makes, each event once', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, sizes, async (sent, { ms, count }) => {
        const groups = Object.values(
          Object.groupBy(sent, ({ key, timeMs }) => `${Math.floor(timeMs / ms)} ${key}`),
        ).flatMap((group) => chunks(group!, count).map((chunk) => chunk.map(({ id }) => id)))
        const fired = await runByArrival({ ms, count, kind: 'tumbling' }, sent)
        expect(sorted(fired.map(([, , ids]) => ids))).toEqual(sorted(groups))
        for (const [reason, , ids] of fired) expect(reason === 'count').toBe(ids.length === count)
      }),
      { numRuns: 60 },
    )
  })

  test('tumbling by event time: what is not late is in the group of its own time', async () => {
    const latenesses = fc.integer({ min: 0, max: 60 })
    const disorder = fc.array(fc.nat({ max: 50 }), { minLength: 40, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(
        arrivals,
        sizes,
        latenesses,
        disorder,
        async (sent, { ms }, latenessMs, back) => {
          const ctx = aContext(manualClock(START))
          const late: number[] = []
          const fired: Fired[] = []
          const options: WindowOptions = {
            kind: 'tumbling',
            by: 'event',
            ms,
            count: 1000,
            latenessMs,
            late: (event) => void late.push(Number(event.eventId)),
          }
          const handler = window(
            options,
            (one: WindowOf<Envelope>) => void fired.push(toFired(one)),
          )
          const shifted = sent.map((one, at) => ({ ...one, timeMs: one.timeMs - back[at]! }))
          const expectedLate: number[] = []
          let newestMs = Number.NEGATIVE_INFINITY
          for (const one of shifted) {
            const endMs = (Math.floor(one.timeMs / ms) + 1) * ms
            if (endMs <= newestMs - latenessMs) expectedLate.push(one.id)
            else newestMs = Math.max(newestMs, one.timeMs)
            void handler(toEvent(one), ctx)
          }
          await handler.close?.(ctx)
          expect(late).toEqual(expectedLate)
          const kept = shifted.filter(({ id }) => !late.includes(id))
          const groups = Object.values(
            Object.groupBy(kept, ({ timeMs }) => Math.floor(timeMs / ms)),
          )
          expect(sorted(fired.map(([, , ids]) => ids))).toEqual(
            sorted(groups.map((group) => group!.map(({ id }) => id))),
          )
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('batch', () => {
  test('batches are those of plain code: by size, and by the age of the first', async () => {
    await fc.assert(
      fc.asyncProperty(
        arrivals,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 90 }),
        async (sent, size, maxAgeMs) => {
          const expected: Sent[][] = []
          for (const one of sent) {
            const open = expected.at(-1)
            const isOver =
              open === undefined || open.length === size || one.timeMs - open[0]!.timeMs >= maxAgeMs
            if (isOver) expected.push([one])
            else open.push(one)
          }
          const ctx = aContext(manualClock(START))
          const batches: string[] = []
          const handler = batch(
            { size, maxAgeMs },
            (events: readonly Envelope[]) => void batches.push(idsOf(events)),
          )
          const answers: unknown[] = []
          for (const one of sent) {
            await ctx.clock.advance(one.timeMs - ctx.clock.now())
            answers.push(handler(toEvent(one), ctx))
          }
          await handler.close?.(ctx)
          await Promise.all(answers)
          expect(batches).toEqual(expected.map((group) => group.map(({ id }) => id).join(' ')))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('bisected, exactly the bad events fail, and every good one is in a batch that succeeded', async () => {
    const flags = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(flags, async (bad) => {
        const ctx = aContext()
        const done: string[] = []
        const handler = batch({ size: bad.length, bisect: true }, (events: readonly Envelope[]) => {
          if (events.some((event) => bad[Number(event.eventId)])) throw new Error('bad')
          done.push(...events.map((event) => event.eventId))
        })
        const settled = await Promise.allSettled(
          bad.map((_bad, id) => handler(anEvent({ eventId: String(id) }), ctx)),
        )
        expect(settled.map(({ status }) => status === 'rejected')).toEqual(bad)
        expect(done).toEqual(bad.flatMap((isBad, id) => (isBad ? [] : [String(id)])))
      }),
      { numRuns: 60 },
    )
  })
})

test('concurrency by key: in order within each key, never more than the limit, all handled', async () => {
  const events = fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(
      events,
      fc.integer({ min: 1, max: 4 }),
      fc.scheduler(),
      async (keys, limit, scheduler) => {
        const ctx = aContext()
        const running = new Map<string, number>()
        const done = new Map<string, number[]>()
        const handler = concurrency(
          { limit, key: (event) => event.aggregateId },
          async (event: Envelope) => {
            const key = event.aggregateId
            expect(running.has(key)).toBe(false)
            running.set(key, 1)
            expect(running.size).toBeLessThanOrEqual(limit)
            await scheduler.schedule(Promise.resolve())
            running.delete(key)
            done.set(key, [...(done.get(key) ?? []), Number(event.eventId)])
          },
        )
        const answers = keys.map((aggregateId, id) =>
          handler(anEvent({ eventId: String(id), aggregateId }), ctx),
        )
        await scheduler.waitFor(Promise.all(answers))
        for (const key of new Set(keys)) {
          expect(done.get(key)).toEqual(keys.flatMap((other, id) => (other === key ? [id] : [])))
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('throttle: no stretch of the interval holds more than the limit, and nothing is lost or passed', async () => {
  const jumps = fc.array(fc.constantFrom(0, 0, 0, -1000, 500), { minLength: 40, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(
      arrivals,
      fc.integer({ min: 1, max: 3 }),
      jumps,
      async (sent, limit, jumped) => {
        const intervalMs = 50
        const elapsed = manualClock(0)
        // The clock that the operator reads jumps; the time that really passes does not.
        let offsetMs = 0
        const clock = { ...elapsed, now: () => elapsed.now() + offsetMs }
        const ctx = { ...aContext(elapsed), clock }
        const begun: { id: number; atMs: number }[] = []
        const handler = throttle({ limit, intervalMs }, ({ eventId }: Envelope) => {
          begun.push({ id: Number(eventId), atMs: elapsed.now() })
        })
        for (const [at, one] of sent.entries()) {
          await elapsed.advance(one.timeMs - START - elapsed.now())
          // Only back: one that jumps ahead says that time has passed.
          offsetMs += Math.min(0, jumped[at]!)
          void handler(toEvent(one), ctx)
        }
        await elapsed.advance(100_000)
        expect(begun.map(({ id }) => id)).toEqual(sent.map(({ id }) => id))
        for (const [at, one] of begun.entries()) {
          const before = begun[at - limit]
          if (before !== undefined)
            expect(one.atMs - before.atMs).toBeGreaterThanOrEqual(intervalMs)
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('operators in each other: every wanted event is stored once, whatever fails on the way', async () => {
  const ids = fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(ids, fc.infiniteStream(fc.nat({ max: 3 })), async (sent, chance) => {
      const ctx = aContext()
      const stored: number[] = []
      const chances = chance[Symbol.iterator]()
      const store = batch(
        { size: 4, maxAgeMs: 20, bisect: true },
        async (events: readonly Envelope[]) => {
          await settle()
          if (chances.next().value === 0) throw new Error('out of luck')
          stored.push(...events.map((event) => Number(event.eventId)))
        },
      )
      const handler = filter(
        (event: Envelope) => Number(event.eventId) % 2 === 0,
        idempotent({}, retry({ attempts: 1000, delayMs: 5 }, concurrency({ limit: 3 }, store))),
      )
      const answers = Promise.all(sent.map((id) => handler(anEvent({ eventId: String(id) }), ctx)))
      const state = { isDone: false }
      void answers.then(() => (state.isDone = true))
      while (!state.isDone) await ctx.clock.advance(50)
      const wanted = [...new Set(sent.filter((id) => id % 2 === 0))]
      expect(stored.toSorted((a, b) => a - b)).toEqual(wanted.toSorted((a, b) => a - b))
    }),
    { numRuns: 40 },
  )
})

function chunks<T>(items: readonly T[], size: number): T[][] {
  const starts = items.flatMap((_item, at) => (at % size === 0 ? [at] : []))
  return starts.map((at) => items.slice(at, at + size))
}

function sorted(groups: readonly (readonly number[])[]): (readonly number[])[] {
  return groups.toSorted((a, b) => a[0]! - b[0]!)
}
