import { describe, expect, it } from 'vitest'
import { sealEnvelope, type SealedEvent } from '../../src/contract/seal.ts'
import { newId } from '../../src/internal/ids.ts'
import { decideByIds, matchesExpected, type FoundEvent } from '../../src/store/decide-append.ts'
import type { StreamAppend } from '../../src/store/store.ts'

const names = new Map<string, string>()

function idOf(name: string): string {
  const id = names.get(name) ?? newId()
  names.set(name, id)
  return id
}

function sealed(stream: string, name: string): SealedEvent {
  const [aggregateType = '', aggregateId = ''] = stream.split('/')
  return sealEnvelope(
    {
      eventId: idOf(name),
      eventType: 'Sample.Counter.Increased',
      eventVersion: 1,
      timestamp: '2026-11-21T09:00:00.000Z',
      aggregateType,
      aggregateId,
      correlationId: newId(),
      payload: {},
      metadata: {},
    },
    undefined,
  )
}

function append(stream: string, ...events: string[]): StreamAppend {
  return { stream, expectedVersion: 'any', events: events.map((name) => sealed(stream, name)) }
}

const log: Record<string, readonly [stream: string, version: number]> = {
  a1: ['A/1', 1],
  a2: ['A/1', 2],
  a3: ['A/1', 3],
  b1: ['B/1', 1],
}

function find(eventId: string): FoundEvent | undefined {
  for (const [name, [stream, version]] of Object.entries(log)) {
    if (idOf(name) === eventId)
      return { eventId, stream, version, position: version * 10, recordedAt: 't' }
  }
  return undefined
}

describe('decideByIds', () => {
  it('takes an append of unknown ids, or of none, for new', () => {
    expect(decideByIds([append('A/1', 'x', 'y')], find).kind).toBe('new')
    expect(decideByIds([], find).kind).toBe('new')
  })

  it('answers a repeat with where the events are', () => {
    expect(decideByIds([append('A/1', 'a2', 'a3'), append('B/1', 'b1')], find)).toEqual({
      kind: 'repeat',
      results: [
        { stream: 'A/1', version: 3, positions: [20, 30], recordedAt: 't', repeated: true },
        { stream: 'B/1', version: 1, positions: [10], recordedAt: 't', repeated: true },
      ],
    })
  })

  it.each([
    ['in part', [append('A/1', 'a3', 'x')], 'a3', 'A/1'],
    ['in another order', [append('A/1', 'a2', 'a1')], 'a2', 'A/1'],
    ['with a gap', [append('A/1', 'a1', 'a3')], 'a1', 'A/1'],
    ['elsewhere', [append('B/1', 'b1', 'a1')], 'a1', 'A/1'],
    ['in one stream of two', [append('A/1', 'x'), append('B/1', 'b1')], 'b1', 'B/1'],
  ])('refuses known ids %s, and names the one that says most', (_, appends, name, foundStream) => {
    const stream = appends.at(-1)?.stream
    expect(decideByIds(appends, find)).toMatchObject({
      kind: 'clash',
      error: { code: 'TIDINGS_EVENT_ID_CONFLICT', eventId: idOf(name), stream, foundStream },
    })
  })
})

describe('matchesExpected', () => {
  it.each([
    ['any', [true, true, true]],
    ['no-stream', [true, false, false]],
    ['stream-exists', [false, true, true]],
    [0, [true, false, false]],
    [1, [false, true, false]],
    [2, [false, false, true]],
  ] as const)('%s at versions 0, 1 and 2', (expected, answers) => {
    expect([0, 1, 2].map((actual) => matchesExpected(expected, actual))).toEqual(answers)
  })
})
