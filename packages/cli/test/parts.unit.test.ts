import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { namesOfDeclared } from '../src/contracts/names.ts'
import { DistinctCounter } from '../src/import/distinct-counter.ts'
import { findDifference, groupIntoAppends } from '../src/import/plan-batch.ts'
import { createSink } from '../src/output/sink.ts'
import { clip, displayWidth, pad, printable } from '../src/output/width.ts'
import { formatBytes, formatSeconds, shortTime } from '../src/output/units.ts'
import { parseTime } from '../src/time.ts'
import { growTree, type Branch, type TraceNode } from '../src/trace/tree.ts'
import { fromWire, sealEnvelope } from 'tidings/contract'
import { numberedId, wireEvent } from './support/events.ts'

describe('displayWidth', () => {
  test.each([
    ['abc', 3],
    ['事件', 4],
    ['a事b', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['한국', 4],
    ['ｆ', 2],
    ['🎉', 2],
    ['\u200b', 0],
    ['', 0],
  ])('%j takes %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width)
  })

  test('pad and clip count columns, not characters', () => {
    expect(pad('事件', 6)).toBe('事件  ')
    expect(pad('7', 3, 'right')).toBe('  7')
    expect(clip('事件流位置', 5)).toBe('事件…')
    expect(displayWidth(clip('事件流位置', 6))).toBeLessThanOrEqual(6)
    expect(clip('abc', 3)).toBe('abc')
  })

  test('what could steer a terminal becomes visible', () => {
    expect(printable('a\u001b[31mb\n\t\u009b\u202e')).toBe('a\\u001b[31mb\\n\\t\\u009b\\u202e')
  })
})

describe('units', () => {
  test('bytes and seconds', () => {
    expect([0, 999, 4_924_471, 1.5e12].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '4.9 MB',
      '1.5 TB',
    ])
    expect(shortTime('2026-11-21T09:30:15.123Z')).toBe('2026-11-21 09:30')
    expect([5, 95, 3725].map(formatSeconds)).toEqual(['0:05', '1:35', '1:02:05'])
  })
})

describe('parseTime', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  test.each([
    ['2026-11-21T09:30:00Z', '2026-11-21T09:30:00.000Z'],
    ['2026-11-21T09:30:00+02:00', '2026-11-21T07:30:00.000Z'],
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2h', '2026-11-21T10:00:00.000Z'],
    ['7d', '2026-11-14T12:00:00.000Z'],
    ['2026-11-21T09:30:00', undefined],
    ['2026-02-30', undefined],
    ['yesterday', undefined],
    ['', undefined],
    ['-2h', undefined],
  ])('%j is %s', (text, time) => {
    expect(parseTime(text, now)).toBe(time)
  })
})

describe('DistinctCounter', () => {
  test('counts as a Set does', () => {
    const counter = new DistinctCounter()
    const set = new Set<string>()
    for (let index = 0; index < 200_000; index++) {
      const text = `permits.receipt/case-${(index * 7919) % 60_000}`
      counter.add(text)
      set.add(text)
    }
    expect(counter.size).toBe(set.size)
  })
})

describe('groupIntoAppends', () => {
  const seal = (number: number, aggregateId: string) =>
    sealEnvelope(fromWire(wireEvent(number, { aggregate_id: aggregateId })), undefined)

  test('keeps the order of the file, and names each stream once an append', () => {
    const events = ['a', 'a', 'b', 'a', 'a', 'c', 'b'].map((id, index) => seal(index, id))
    const groups = groupIntoAppends(events)
    expect(
      groups.map((group) => group.map(({ stream, events }) => [stream, events.length])),
    ).toEqual([
      [
        ['Todo.Item/a', 2],
        ['Todo.Item/b', 1],
      ],
      [
        ['Todo.Item/a', 2],
        ['Todo.Item/c', 1],
        ['Todo.Item/b', 1],
      ],
    ])
    expect(groups.flatMap((group) => group.flatMap((run) => run.events))).toEqual(events)
  })
})

describe('findDifference', () => {
  const one = fromWire(wireEvent(1, { payload: { a: 1, b: 2 } }))
  test.each([
    [{ payload: { b: 2, a: 1 } }, undefined],
    [{ payload: { a: 1, b: 3 } }, '/payload'],
    [{ payload: { a: 1, b: 2 }, event_type: 'Todo.Item.Renamed' }, '/event_type'],
    [{ payload: { a: 1, b: 2 }, causation_id: numberedId(5) }, '/causation_id'],
    [{ payload: { a: 1, b: 2 }, metadata: { source: 'other' } }, '/metadata'],
    [{ payload: { a: 1, b: 2 }, timestamp: '2026-01-01T00:00:00.001+00:00' }, undefined],
  ])('%o differs at %s', (changes, pointer) => {
    expect(findDifference(one, fromWire(wireEvent(1, changes)))).toBe(pointer)
  })
})

describe('names of declared contracts', () => {
  const names = namesOfDeclared([
    { type: 'Todo.Item.Created', aliases: ['TodoCreated'] },
    { type: 'Todo.Item.Completed', aliases: [] },
  ])
  test.each([
    ['Todo.Item.Created', ['Todo.Item.Created', 'TodoCreated', 'TODO_ITEM_CREATED']],
    ['TodoCreated', ['TodoCreated', 'Todo.Item.Created', 'TODO_ITEM_CREATED']],
    ['Other.Item.Created', ['Other.Item.Created']],
    ['*.Item.Cr*', ['*.Item.Cr*', 'Todo.Item.Created', 'TodoCreated', 'TODO_ITEM_CREATED']],
  ])('%s is stored as %j', (pattern, stored) => {
    expect(names.storedNames(pattern)).toEqual(stored)
  })
})

describe('createSink', () => {
  test('waits for a reader that is slower than the writer', async () => {
    const waiting: (() => void)[] = []
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => void waiting.push(done),
    })
    const sink = createSink(slow)
    let written = false
    const writing = sink.write('x'.repeat(70_000)).then(() => (written = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(written).toBe(false)
    waiting.shift()?.()
    await writing
    expect(written).toBe(true)
    expect(slow.listenerCount('drain')).toBe(0)
  })

  test('waits for nobody once the reader has gone', async () => {
    const gone = new Writable({ highWaterMark: 1, write: () => undefined })
    const sink = createSink(gone)
    const writing = sink.write('x'.repeat(70_000))
    gone.destroy()
    await writing
    await sink.write('x'.repeat(70_000))
    expect(gone.destroyed).toBe(true)
  })
})

describe('growTree', () => {
  const node = (id: string, causationId?: string, order = 0): TraceNode => ({
    kind: 'event',
    id,
    type: id,
    causationId,
    time: '2026-01-01T00:00:00.000Z',
    stream: 's/1',
    position: order,
    order,
    outcome: undefined,
    failure: undefined,
  })
  type Shape = [string, ...Shape[]]
  const shape = ({ node, effects, orphan }: Branch): Shape => [
    orphan ? `${node.id}?` : node.id,
    ...effects.map(shape),
  ]

  test('sets effects under their cause, siblings in order', () => {
    const nodes = [node('c', 'a', 3), node('b', 'a', 2), node('a', undefined, 1), node('d', 'b', 4)]
    expect(growTree(nodes).map(shape)).toEqual([['a', ['b', ['d']], ['c']]])
  })

  test('shows orphans at the root', () => {
    expect(growTree([node('b', 'gone', 2), node('a', undefined, 1)]).map(shape)).toEqual([
      ['a'],
      ['b?'],
    ])
  })

  test('ends where causes go round in a circle, and shows each node once', () => {
    const nodes = [
      node('a', 'c', 1),
      node('b', 'a', 2),
      node('c', 'b', 3),
      node('self', 'self', 4),
      node('e', 'c', 5),
    ]
    expect(growTree(nodes).map(shape)).toEqual([['a?', ['b', ['c', ['e']]]], ['self?']])
  })

  test('takes a chain deeper than the call stack', () => {
    const nodes = Array.from({ length: 50_000 }, (_, index) =>
      node(`n${index}`, index === 0 ? undefined : `n${index - 1}`, index),
    )
    let depth = 0
    for (let branch = growTree(nodes)[0]; branch !== undefined; branch = branch.effects[0]) depth++
    expect(depth).toBe(50_000)
  })
})
