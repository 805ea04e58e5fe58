import { DatabaseSync } from 'node:sqlite'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { toWire } from '../../src/contract/tidings-codec.ts'
import { sqlite, type SqliteStore } from '../../src/sqlite.ts'
import { append, event, scratch } from './log-fixture.ts'

let folder: ReturnType<typeof scratch>
let store: SqliteStore

beforeEach(() => {
  folder = scratch()
  store = sqlite(folder.path('log.db'))
})

afterEach(async () => {
  await store.close()
  folder.remove()
})

/** The file, looked at from outside. */
function outside<Result>(look: (db: DatabaseSync) => Result): Result {
  const db = new DatabaseSync(folder.path('log.db'))
  try {
    return look(db)
  } finally {
    db.close()
  }
}

describe('views', () => {
  test('domain_events and event_outbox say dotted names and the wire form', async () => {
    const sent = event('Todo.Item/1', {
      topic: 'todos',
      key: 'k1',
      timestamp: '1969-07-20T20:17:40.123Z',
      causationId: '019c0000-0000-7000-8000-000000000001',
      metadata: { source: 'app', tenant: 't1', traceId: 'abc', nothing: null, version: 7 },
    })
    const plain = event('Todo.Item/1', { topic: 'todos' })
    await store.append([append('Todo.Item/1', 0, sent, event('Todo.Item/1'), plain)])
    const stored = await store.readAll().toArray()
    const outbox = outside((db) => db.prepare('select * from event_outbox order by position').all())
    expect(outbox.map(({ position, topic, key }) => [position, topic, key])).toEqual([
      [1, 'todos', 'k1'],
      [3, 'todos', '1'],
    ])
    expect(outbox.map(({ envelope }) => JSON.parse(envelope as string) as unknown)).toEqual([
      toWire(stored[0]!),
      toWire(stored[2]!),
    ])
    expect(JSON.parse(outbox[0]!['headers'] as string)).toEqual({
      event_id: sent.envelope.eventId,
      event_type: 'Todo.Item.Created',
      event_version: '1',
      correlation_id: sent.envelope.correlationId,
      causation_id: '019c0000-0000-7000-8000-000000000001',
      'content-type': 'application/json',
      position: '1',
    })
    const [row] = outside((db) => db.prepare('select * from domain_events').all())
    expect(row).toMatchObject({
      stream: 'Todo.Item/1',
      event_type: 'Todo.Item.Created',
      aggregate_type: 'Todo.Item',
      aggregate_id: '1',
      timestamp: '1969-07-20T20:17:40.123Z',
      recorded_at: stored[0]!.recordedAt,
      class: 'fact',
      tenant: 't1',
    })
  })

  test('event_outbox shows what the relay has still to send', async () => {
    const waiting = (): unknown[] =>
      outside((db) => db.prepare('select position from event_outbox order by position').all()).map(
        ({ position }) => position,
      )
    const events = Array.from({ length: 6 }, () => event('A/1', { topic: 'todos' }))
    await store.append([append('A/1', 0, ...events), append('B/1', 0)])
    await store.subscriptions.claim({ name: 'mail', token: 1, owner: 'a', startAt: 6 })
    expect(waiting()).toEqual([1, 2, 3, 4, 5, 6])
    await store.subscriptions.claim({ name: 'relay', token: 1, owner: 'a', startAt: 1 })
    expect(waiting()).toEqual([2, 3, 4, 5, 6])
    const fence = { subscription: 'relay', generation: 1, token: 1 }
    await store.transaction((tx) =>
      tx.progress({ ...fence, mark: { from: 1, to: 2 }, ahead: [4, 5] }),
    )
    expect(waiting()).toEqual([3, 6])
    await store.subscriptions.reset(fence, 0)
    expect(waiting()).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('times in views are exact for every millisecond', async () => {
    const times = Array.from({ length: 1000 }, (_, index) => 1_763_000_000_000 + index * 1_234_567)
    const events = times.map((time) => event('A/1', { timestamp: new Date(time).toISOString() }))
    await store.append([append('A/1', 0, ...events)])
    const rows = outside((db) => db.prepare('select timestamp from domain_events').all())
    expect(rows.map((row) => row['timestamp'])).toEqual(
      times.map((time) => new Date(time).toISOString()),
    )
  })
})

describe('backup', () => {
  test('made while appends go on, it opens, verifies and holds what was there before', async () => {
    await store.append([append('A/0', 0)])
    const going = { on: true }
    const writing = (async () => {
      for (let index = 1; going.on; index++) await store.append([append(`A/${index}`, 0)])
    })()
    const before = await store.head()
    await store.backup(folder.path('copy.db'))
    going.on = false
    await writing
    const copy = sqlite({ file: folder.path('copy.db'), mustExist: true })
    expect(await copy.head()).toBeGreaterThanOrEqual(before)
    expect(await Array.fromAsync(copy.catalog.verify())).toEqual([])
    await copy.append([append('B/1', 0)])
    await copy.close()
  })

  test('never overwrites, and says where it could not write', async () => {
    await store.backup(folder.path('copy.db'))
    await expect(store.backup(folder.path('copy.db'))).rejects.toThrow(
      /would overwrite '.*copy.db'/,
    )
    await expect(store.backup(folder.path('no/copy.db'))).rejects.toThrow(
      /^The backup to '(?<copy>.*no\/copy\.db)' was not made\. \k<copy>: the file cannot be opened/,
    )
  })
})
