import { describe, expect, test } from 'vitest'
import { sealEnvelope, systemIds, type SealedEvent } from '../../src/index.ts'
import { stores } from '../support/stores.ts'

// What it tells is held against the log by the scenarios C20 and C21; that it tells anything, here.
describe.each(stores)('a commit of the $kind store', ({ kind, open }) => {
  test('is told of, with the events and the position before them', async () => {
    const store = await open()
    await append(store, 1)
    const told: string[] = []
    store.onCommitted(({ after, upTo, count }) => told.push(`${after} ${upTo} ${count}`))
    await append(store, 2)
    await store.transaction((tx) => tx.append([appendOf(3)]))
    await Promise.all([append(store, 1), store.transaction(async () => undefined)])
    expect(told).toEqual(['1 3 2', '3 6 3', '6 7 1'])
    await store.close()
  })

  test('is made of what was stored, whatever the caller does to what it gave', async () => {
    const store = await open()
    const given = appendOf(1)
    let told: unknown
    store.onCommitted(({ events }) => (told = events()[0]?.payload))
    await store.append([given])
    expect(told).toEqual({ n: 1 })
    expect(told).not.toBe(given.events[0]?.envelope.payload)
    await store.close()
  })

  test('of very many events is kept for nobody where it has to be gathered', async () => {
    const store = await open()
    const counts: number[] = []
    store.onCommitted(({ count }) => counts.push(count))
    await store.transaction((tx) => tx.append([appendOf(1001)]))
    await append(store, 1)
    expect(counts).toEqual(kind === 'sqlite' ? [1] : [1001, 1])
    await store.close()
  })
})

function append(
  store: Awaited<ReturnType<(typeof stores)[number]['open']>>,
  count: number,
): Promise<unknown> {
  return store.append([appendOf(count)])
}

function appendOf(count: number) {
  const events = Array.from({ length: count }, sample)
  return { stream: 'Test.Thing/1', expectedVersion: 'any' as const, events }
}

function sample(): SealedEvent {
  const eventId = systemIds.newId(0)
  const envelope = {
    eventId,
    eventType: 'Test.Thing.Done',
    eventVersion: 1,
    timestamp: '2026-11-29T00:00:00.000Z',
    aggregateType: 'Test.Thing',
    aggregateId: '1',
    correlationId: eventId,
    payload: { n: 1 },
    metadata: {},
  }
  return sealEnvelope(envelope, undefined)
}
