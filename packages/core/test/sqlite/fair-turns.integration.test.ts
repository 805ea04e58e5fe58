import { expect, it, vi } from 'vitest'
import type { SqliteStore } from '../../src/sqlite/sqlite-store.ts'
import { sqlite } from '../../src/sqlite.ts'
import { scratch } from './log-fixture.ts'

/** Without a turn for others the loop itself has to end: nothing else could end the test. */
const LIMIT_MS = 2000

const calls: readonly [name: string, call: (store: SqliteStore) => Promise<unknown>][] = [
  ['reads the end of the log', (store) => store.head()],
  ['lists subscriptions', (store) => store.subscriptions.list()],
  ['asks for the next timer', (store) => store.timers.next()],
  ['reads a stream', (store) => store.readStream('Sample/1').toArray()],
  ['queries', (store) => store.query({ stream: 'Sample/1' }).toArray()],
  ['runs transactions', (store) => store.transaction((tx) => tx.sql`select 1`)],
]

it.each(calls)('whoever %s again and again lets a timer fire', async (_, call) => {
  const folder = scratch()
  const store = sqlite(folder.path('log.db'))
  await call(store)
  const fired = new AbortController()
  setTimeout(() => fired.abort(), 1)
  const startMs = performance.now()
  while (!fired.signal.aborted && performance.now() - startMs < LIMIT_MS) await call(store)
  expect(fired.signal.aborted).toBe(true)
  await store.close()
  folder.remove()
})

it('fake timers that come and go leave no call waiting', async () => {
  const folder = scratch()
  vi.useFakeTimers({ toFake: ['setImmediate', 'setTimeout'] })
  const store = sqlite(folder.path('log.db'))
  try {
    await store.head()
  } finally {
    vi.useRealTimers()
  }
  const startMs = performance.now()
  while (performance.now() - startMs < 120) await store.head()
  expect(await store.head()).toBe(0)
  await store.close()
  folder.remove()
})
