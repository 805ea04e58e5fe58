import { describe, expect, test } from 'vitest'
import { Lanes } from '../../src/delivery/lanes.ts'
import type { PriorityOrder } from '../../src/delivery/ready-by-priority.ts'

interface Item {
  readonly name: string
  readonly priority: number
  readonly sinceMs: number
}

let nowMs = 0

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

describe('lanes without priorities', () => {
  test('the key that has waited longest is next', () => {
    const lanes = new Lanes<Item>()
    for (const key of ['a', 'b', 'a', 'c']) add(lanes, key, 0)
    expect(drain(lanes)).toEqual(['a0', 'b0', 'c0', 'a0'])
  })
})

describe('lanes with priorities', () => {
  test('the highest is next, whatever came before it; first come, first served within one', () => {
    const lanes = new Lanes(order(Infinity))
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
    const lanes = new Lanes(order(Infinity))
    add(lanes, 'a', 0)
    add(lanes, 'a', 9)
    add(lanes, 'b', 1)
    expect(drain(lanes)).toEqual(['b1', 'a0', 'a9'])
  })

  test('a key can be taken out of their middle and put back', () => {
    const lanes = new Lanes(order(Infinity))
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
    const lanes = new Lanes(order(1000))
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
