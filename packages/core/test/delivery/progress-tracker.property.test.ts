import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProgressTracker } from '../../src/delivery/progress-tracker.ts'

/** Which of those handed out end next, by their place among the open ones, and whether that is committed. */
const step = fc.record({
  handedOut: fc.nat({ max: 6 }),
  ends: fc.array(fc.nat({ max: 20 }), { maxLength: 8 }),
  isInOrder: fc.boolean(),
  isCommitted: fc.boolean(),
})

/** What the mark may be: everything up to it is done. */
function markOf(open: ReadonlySet<number>, read: number): number {
  return open.size === 0 ? read : Math.min(...open) - 1
}

function choose(open: ReadonlySet<number>, ends: readonly number[], isInOrder: boolean): number[] {
  const waiting = [...open]
  if (isInOrder) return waiting.slice(0, ends.length)
  return [...new Set(ends.flatMap((place) => waiting[place] ?? []))].toSorted((a, b) => a - b)
}

test('the mark stands before the first that is open, however they end', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const tracker = new ProgressTracker(0)
      const open = new Set<number>()
      /** Ran ahead, and nobody knows whether that was committed: they must run ahead again. */
      const unsure = new Set<number>()
      let read = 0
      for (const { handedOut, ends, isInOrder, isCommitted } of steps) {
        for (let n = 0; n < handedOut; n++) {
          // With holes: not every event is the subscription's.
          read += 1 + (read % 3)
          tracker.handOut(read)
          open.add(read)
        }
        const positions = choose(open, ends, isInOrder)
        const before = tracker.mark
        const plan = tracker.plan(positions)
        const left = new Set([...open].filter((position) => !positions.includes(position)))
        const isUnsure = positions.some((position) => unsure.has(position))
        const mark = isUnsure ? before : markOf(left, read)
        expect(plan.mark).toEqual(mark > before ? { from: before, to: mark } : undefined)
        expect(plan.ahead ?? []).toEqual(positions.filter((position) => position > mark))
        if (isCommitted) {
          tracker.written(plan, positions)
          for (const position of positions) {
            open.delete(position)
            unsure.delete(position)
          }
        } else {
          tracker.abandoned(plan)
          for (const position of plan.ahead ?? []) unsure.add(position)
        }
        expect(tracker.mark).toBe(isCommitted ? Math.max(before, mark) : before)
        expect(tracker.open).toBe(open.size)
        expect(tracker.handledUpTo).toBe(Math.max(tracker.mark, markOf(open, read)))
      }
    }),
    { numRuns: 500 },
  )
})
