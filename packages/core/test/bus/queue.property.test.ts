import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventQueue, type OverflowPolicy } from '../../src/bus/event-queue.ts'
import { PriorityQueue } from '../../src/bus/priority-queue.ts'
import { Ring } from '../../src/bus/ring.ts'
import { manualClock, settle } from '../support/fake-clock.ts'
import { anEvent } from '../support/handling.ts'

test('a ring is a list that is added to at the end and taken from at the beginning', () => {
  const steps = fc.array(fc.option(fc.integer()), { maxLength: 200, size: 'max' })
  fc.assert(
    fc.property(steps, (steps) => {
      const ring = new Ring<number>()
      const list: number[] = []
      for (const step of steps) {
        if (step === null) expect(ring.shift()).toBe(list.shift())
        else {
          ring.push(step)
          list.push(step)
        }
        expect([ring.size, ring.peek()]).toEqual([list.length, list[0]])
      }
    }),
  )
})

interface Item {
  readonly id: number
  readonly priority: number
}

/** Taken the slow way: the first of those that have the highest, or the lowest, priority. */
function takeFirst(items: Item[], best: (...priorities: number[]) => number): Item | undefined {
  const priority = best(...items.map((item) => item.priority))
  const at = items.findIndex((item) => item.priority === priority)
  return at === -1 ? undefined : items.splice(at, 1)[0]
}

test('a priority queue gives the oldest of the highest priority, whatever is done in between', () => {
  const priorities = fc.oneof(
    fc.integer({ min: -2, max: 2 }),
    fc.double({ noNaN: true, min: -9, max: 9 }),
  )
  const steps = fc.array(
    fc.oneof(
      { arbitrary: fc.record({ push: priorities }), weight: 3 },
      { arbitrary: fc.constant('shift' as const), weight: 2 },
      { arbitrary: fc.constant('dropLowest' as const), weight: 1 },
      { arbitrary: fc.record({ shiftFrom: priorities }), weight: 1 },
    ),
    { maxLength: 150, size: 'max' },
  )
  fc.assert(
    fc.property(steps, (steps) => {
      const queue = new PriorityQueue<Item>()
      const list: Item[] = []
      for (const [id, step] of steps.entries()) {
        if (step === 'shift') expect(queue.shift()).toBe(takeFirst(list, Math.max))
        else if (step === 'dropLowest') expect(queue.dropLowest()).toBe(takeFirst(list, Math.min))
        else if ('push' in step) {
          const item = { id, priority: step.push }
          queue.push(item, item.priority)
          list.push(item)
        } else {
          const at = list.findIndex((item) => item.priority === step.shiftFrom)
          const expected = at === -1 ? undefined : list.splice(at, 1)[0]
          expect(queue.shiftFrom(step.shiftFrom)).toBe(expected)
        }
        expect(queue.size).toBe(list.length)
        // By ===, for 0 and -0 are one priority.
        const lowest =
          list.length === 0 ? undefined : Math.min(...list.map((item) => item.priority))
        expect(queue.lowest === lowest).toBe(true)
      }
    }),
  )
})

describe('the event queue', () => {
  const levels = fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 30 })

  /** Adds all at once, and hears in which order they are delivered, and which are not. */
  async function run(policy: OverflowPolicy, maxQueueSize: number, priorities: readonly number[]) {
    const delivered: number[] = []
    const dropped: number[] = []
    let admitted = 0
    const queue = new EventQueue(
      {
        clock: manualClock(),
        deliver: (event) => void delivered.push(Number(event.eventId)),
        schedule: (work) => queueMicrotask(work),
        onDropped: (event) => void dropped.push(Number(event.eventId)),
      },
      { maxQueueSize, overflow: policy },
    )
    for (const [id, priority] of priorities.entries()) {
      try {
        const waiting = queue.add(anEvent({ eventId: String(id) }), { priority })
        void Promise.resolve(waiting).then(() => admitted++)
      } catch (error) {
        expect(error).toMatchObject({ code: 'TIDINGS_QUEUE_FULL', maxQueueSize })
        expect(dropped.at(-1)).toBe(id)
      }
    }
    await queue.drain()
    await settle()
    return { delivered, dropped, admitted }
  }

  /** What each policy keeps, the slow way. */
  function oracle(policy: OverflowPolicy, max: number, priorities: readonly number[]) {
    const kept: Item[] = []
    const dropped: number[] = []
    for (const [id, priority] of priorities.entries()) {
      const item = { id, priority }
      if (kept.length < max) kept.push(item)
      else if (policy === 'drop-oldest') {
        dropped.push(kept.shift()!.id)
        kept.push(item)
      } else if (policy === 'drop-lowest' && kept.some((other) => other.priority < priority)) {
        dropped.push(takeFirst(kept, Math.min)!.id)
        kept.push(item)
      } else dropped.push(id)
    }
    const delivered = kept.toSorted((a, b) => b.priority - a.priority || a.id - b.id)
    return { delivered: delivered.map(({ id }) => id), dropped }
  }

  test.each(['reject', 'drop-oldest', 'drop-lowest'] as const)(
    'under %s keeps and delivers what plain code would',
    async (policy) => {
      await fc.assert(
        fc.asyncProperty(levels, fc.integer({ min: 1, max: 10 }), async (priorities, max) => {
          expect(await run(policy, max, priorities)).toMatchObject(oracle(policy, max, priorities))
        }),
        { numRuns: 60 },
      )
    },
  )

  test('under wait loses nothing, admits in the order of asking, and resolves every caller', async () => {
    await fc.assert(
      fc.asyncProperty(levels, fc.integer({ min: 1, max: 10 }), async (priorities, max) => {
        const { delivered, dropped, admitted } = await run('wait', max, priorities)
        const inside: Item[] = priorities.slice(0, max).map((priority, id) => ({ id, priority }))
        const expected: number[] = []
        for (let next = inside.length; inside.length > 0;) {
          expected.push(takeFirst(inside, Math.max)!.id)
          if (next < priorities.length) inside.push({ id: next, priority: priorities[next++]! })
        }
        expect(delivered).toEqual(expected)
        expect([dropped, admitted]).toEqual([[], priorities.length])
      }),
      { numRuns: 60 },
    )
  })

  test('with aging, one that waits rises by one for each agingMs, and a clock that jumps back makes none younger than new', async () => {
    const steps = fc.array(
      fc.record({
        priority: fc.integer({ min: -2, max: 2 }),
        passMs: fc.integer({ min: -30, max: 60 }),
      }),
      { maxLength: 25 },
    )
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const agingMs = 20
        let nowMs = 1_000_000
        const clock = { ...manualClock(), now: () => nowMs }
        const delivered: number[] = []
        const queue = new EventQueue(
          {
            clock,
            deliver: (event) => void delivered.push(Number(event.eventId)),
            schedule: (work) => queueMicrotask(work),
            onDropped: () => expect.fail('nothing is dropped'),
          },
          { agingMs },
        )
        const items = steps.map(({ priority, passMs }, id) => {
          void queue.add(anEvent({ eventId: String(id) }), { priority })
          const item = { id, priority, sinceMs: nowMs }
          nowMs += passMs
          return item
        })
        await queue.drain()
        const expected: number[] = []
        while (items.length > 0) {
          // Only the first of each priority can be the next: the order within one is never changed.
          const heads = items.filter(
            (item) => items.find((other) => other.priority === item.priority) === item,
          )
          const rank = (item: (typeof items)[number]): number =>
            item.priority + Math.floor(Math.max(0, nowMs - item.sinceMs) / agingMs)
          const best = heads.toSorted((a, b) => rank(b) - rank(a) || a.id - b.id)[0]!
          expected.push(best.id)
          items.splice(items.indexOf(best), 1)
        }
        expect(delivered).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })
})

test('ever new priorities, one of them in the queue all the time, cost little more than one does', () => {
  const COUNT = 10_000
  /** Milliseconds for so many items, of which two are in the queue at a time. */
  const timeOf = (priorityOf: (n: number) => number): number => {
    const queue = new PriorityQueue<number>()
    queue.push(-1, priorityOf(-1))
    const startMs = performance.now()
    for (let n = 0; n < COUNT; n++) {
      queue.push(n, priorityOf(n))
      expect(queue.shift()).toBe(n - 1)
    }
    return performance.now() - startMs
  }
  timeOf(() => 0)
  // Empty levels that stay made it some hundred times as long, and more with each further one.
  expect(timeOf((n) => -n)).toBeLessThan(20 * timeOf(() => 0))
})

test('more priorities than are kept when they are empty: the order is the same', () => {
  const priorities = fc.array(fc.integer({ min: 0, max: 1000 }), {
    minLength: 200,
    maxLength: 600,
    size: 'max',
  })
  fc.assert(
    fc.property(priorities, (priorities) => {
      const queue = new PriorityQueue<Item>()
      const list: Item[] = []
      for (const [id, priority] of priorities.entries()) {
        const item = { id, priority }
        queue.push(item, priority)
        list.push(item)
        if (id % 3 !== 0) expect(queue.shift()).toBe(takeFirst(list, Math.max))
      }
      while (list.length > 0) expect(queue.shift()).toBe(takeFirst(list, Math.max))
      expect(queue.size).toBe(0)
    }),
    { numRuns: 30 },
  )
})
