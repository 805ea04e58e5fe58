import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../../src/store/memory/memory-log.ts'
import { findFaults } from '../../src/store/memory/memory-catalog.ts'

/** A log of three sound records, one of them changed. */
function logWith(change: Partial<LogRecord> & { readonly eventId?: string }): LogRecord[] {
  const { eventId, ...fields } = change
  const record = (n: number): LogRecord => ({
    sealed: { envelope: { eventId: `e${n}` } } as LogRecord['sealed'],
    stream: 'Sample.Counter/1',
    version: n,
    position: n,
    recordedAt: `2026-11-21T09:00:0${n}.000Z`,
    envelope: undefined,
  })
  const sealed =
    eventId === undefined ? {} : { sealed: { envelope: { eventId } } as LogRecord['sealed'] }
  return [record(1), record(2), { ...record(3), ...fields, ...sealed }]
}

describe('findFaults', () => {
  it('finds nothing in a sound log, and takes holes in the positions for what they are', () => {
    expect([...findFaults(logWith({}))]).toEqual([])
    expect([...findFaults(logWith({ position: 99 }))]).toEqual([])
  })

  it.each<[string, Parameters<typeof logWith>[0]]>([
    ['position-order', { position: 2 }],
    ['version-gap', { version: 4 }],
    ['version-gap', { stream: 'Sample.Counter/2' }],
    ['duplicate-id', { eventId: 'e1' }],
    ['recorded-order', { recordedAt: '2026-11-21T08:59:59.999Z' }],
  ])('finds %s where %j', (code, change) => {
    const faults = [...findFaults(logWith(change))]
    expect(faults.map((fault) => fault.code)).toEqual([code])
    expect(faults[0]?.position).toBe(change.position ?? 3)
  })
})
