import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Lanes } from '../../src/delivery/lanes.ts'
import type { PriorityOrder } from '../../src/delivery/ready-by-priority.ts'

interface Item {
  readonly name: string
  readonly priority: number
  readonly sinceMs: number
}

let nowMs = 0
const byTime = ({ sinceMs }: Item): number => sinceMs

const order = (agingMs: number): PriorityOrder<Item> => ({
  priorityOf: ({ priority }) => priority,
  sinceMs: ({ sinceMs }) => sinceMs,
  agingMs,
  now: () => nowMs,
})

function add(lanes: Lanes<Item>, key: string, priority: number, sinceMs = 0): void {
  lanes.add(key, { name: `${key}${priority}`, priority, sinceMs })
}

/** Takes and ends all, one after the other. */
function drain(lanes: Lanes<Item>): readonly string[] {
  const names: string[] = []
  for (let key = lanes.take(); key !== undefined; key = lanes.take()) {
    names.push(lanes.next(key)!.name)
    lanes.release(key)
  }
  return names
}

function drainNumbers(lanes: Lanes<number>): readonly number[] {
  const items: number[] = []
  for (let key = lanes.take(); key !== undefined; key = lanes.take()) {
    items.push(lanes.next(key)!)
    lanes.release(key)
  }
  return items
}

const key = fc.constantFrom('a', 'b', 'c', 'd')
const step = fc.oneof(
  fc.record({ what: fc.constant('add' as const), key }),
  fc.record({ what: fc.constant('take' as const), key }),
  fc.record({ what: fc.constant('takeKey' as const), key }),
  fc.record({ what: fc.constant('release' as const), key, back: fc.boolean() }),
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

/** The same by a list of what waits and a map of what somebody works on. */
function compareWithPlainCode(steps: readonly Step[]): void {
  const lanes = new Lanes<number>((n) => n)
  let waiting: { readonly key: string; readonly n: number }[] = []
  const working = new Map<string, number | undefined>()
  const begin = (taken: string): void => {
    const item = waiting.find((one) => one.key === taken)
    waiting = waiting.filter((one) => one !== item)
    working.set(taken, item?.n)
    expect(lanes.next(taken)).toBe(item?.n)
  }
  for (const [n, one] of steps.entries()) {
    if (one.what === 'add') {
      lanes.add(one.key, n)
      waiting.push({ key: one.key, n })
    } else if (one.what === 'take') {
      const oldest = waiting.find(({ key: of }) => !working.has(of))
      expect(lanes.take()).toBe(oldest?.key)
      if (oldest !== undefined) begin(oldest.key)
    } else if (one.what === 'takeKey') {
      expect(lanes.takeKey(one.key)).toBe(!working.has(one.key))
      if (!working.has(one.key)) begin(one.key)
    } else if (working.has(one.key)) {
      const item = working.get(one.key)
      if (one.back && item !== undefined) {
        lanes.putBack(one.key, item)
        waiting = [...waiting, { key: one.key, n: item }].sort((a, b) => a.n - b.n)
      }
      lanes.release(one.key)
      working.delete(one.key)
    }
    expect(lanes.size).toBe(waiting.length)
    expect(lanes.hasReady).toBe(waiting.some(({ key: of }) => !working.has(of)))
  }
}

describe('lanes without priorities', () => {
  test('the oldest item is next, whoever of its key was worked on meanwhile', () => {
    const lanes = new Lanes<number>((n) => n)
    for (const [n, key] of ['a', 'b', 'a', 'c', 'a', 'd'].entries()) lanes.add(key, n)
    expect(lanes.take()).toBe('a')
    expect(lanes.next('a')).toBe(0)
    expect(lanes.take()).toBe('b')
    expect(lanes.next('b')).toBe(1)
    // Before those that came after its next item, and still in the order of its key.
    lanes.release('a')
    lanes.release('b')
    expect(drainNumbers(lanes)).toEqual([2, 3, 4, 5])
  })

  test('whatever is taken, put back and added: in order within a key, and the oldest free one first', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 200 }), compareWithPlainCode))
  })
})

describe('lanes with priorities', () => {
  test('the highest is next, whatever came before it; first come, first served within one', () => {
    const lanes = new Lanes<Item>(byTime, order(Infinity))
    add(lanes, 'a', 0)
    add(lanes, 'b', -1.5)
    add(lanes, 'c', 5)
    add(lanes, 'd', 0)
    add(lanes, 'e', 5)
    expect(lanes.hasReady).toBe(true)
    expect(drain(lanes)).toEqual(['c5', 'e5', 'a0', 'd0', 'b-1.5'])
    expect(lanes.hasReady).toBe(false)
  })

  test('order within a key stays: a lane is as important as its next item', () => {
    const lanes = new Lanes<Item>(byTime, order(Infinity))
    add(lanes, 'a', 0)
    add(lanes, 'a', 9)
    add(lanes, 'b', 1)
    expect(drain(lanes)).toEqual(['b1', 'a0', 'a9'])
  })

  test('a key can be taken out of their middle and put back', () => {
    const lanes = new Lanes<Item>(byTime, order(Infinity))
    for (const key of ['a', 'b', 'c']) add(lanes, key, 1)
    add(lanes, 'd', 0)
    expect(lanes.takeKey('b')).toBe(true)
    const item = lanes.next('b')!
    // Of a key that has nothing waiting, too.
    expect(lanes.takeKey('elsewhere')).toBe(true)
    lanes.release('elsewhere')
    lanes.putBack('b', item)
    lanes.release('b')
    expect(drain(lanes)).toEqual(['a1', 'c1', 'b1', 'd0'])
  })

  test('with aging what waits long comes before what is more important', () => {
    const lanes = new Lanes<Item>(byTime, order(1000))
    add(lanes, 'old', 0, 0)
    add(lanes, 'new', 2, 2500)
    nowMs = 2500
    // Two steps in 2.5 seconds: as important, and earlier.
    expect(lanes.take()).toBe('old')
    lanes.release('old')
    nowMs = 1999
    expect(drain(lanes)).toEqual(['new2', 'old0'])
    nowMs = 0
  })
})
