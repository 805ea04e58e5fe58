import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { systemClock } from '../../src/internal/clock.ts'
import { sqlite, type SqliteStore } from '../../src/sqlite.ts'
import { failureOf } from './fault-fixture.ts'
import { append, scratch } from './log-fixture.ts'

let folder: ReturnType<typeof scratch>
let store: SqliteStore
const children: ChildProcess[] = []

beforeEach(() => {
  folder = scratch()
  store = sqlite({ file: folder.path('log.db'), busyLimitMs: 30_000 })
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await store.close()
  folder.remove()
})

/** A process that appends as soon as it is told to, and says how it went. */
function startWriter(name: string, count: number): ChildProcess {
  const script = fileURLToPath(new URL('append-process.ts', import.meta.url))
  const child = fork(script, [folder.path('log.db'), name, String(count)], {
    execArgv: ['--conditions=@tidings/source'],
  })
  children.push(child)
  return child
}

test('several processes append to one file: each stream whole, one winner per version', async () => {
  await store.open()
  const writers = ['one', 'two', 'three'].map((name) => startWriter(name, 100))
  await Promise.all(writers.map((writer) => once(writer, 'message')))
  const done = writers.map(async (writer) => {
    const [[report]] = await Promise.all([once(writer, 'message'), once(writer, 'exit')])
    return report as { won: number; own: number }
  })
  for (const writer of writers) writer.send('go')
  const reports = await Promise.all(done)
  expect(reports.map((report) => report.own)).toEqual([100, 100, 100])
  const won = reports.reduce((sum, report) => sum + report.won, 0)
  const shared = await store.readStream('Shared/1').toArray()
  expect(shared.map((event) => event.streamVersion)).toEqual(
    Array.from({ length: won }, (_, index) => index + 1),
  )
  expect(won).toBe(100)
  expect(await store.head()).toBeGreaterThanOrEqual(400)
  expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
})

test('a commit of another process wakes who waits', async () => {
  await store.open()
  const writer = startWriter('one', 1)
  await once(writer, 'message')
  const woken = store.waitBeyond(0)
  writer.send('go')
  await woken
  expect(await store.head()).toBeGreaterThan(0)
})

test('a commit of this process wakes at once, without a look at the clock', async () => {
  const { promise: asleep, resolve } = Promise.withResolvers<void>()
  const clock = {
    now: () => Date.now(),
    sleep: (_delayMs: number, { signal }: { readonly signal?: AbortSignal | undefined } = {}) => {
      resolve()
      return new Promise<void>((_wake, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error))
      })
    },
  }
  const still = sqlite({ file: folder.path('still.db'), clock })
  await still.append([append('A/1', 0)])
  const woken = [still.waitBeyond(1), still.waitBeyond(2)]
  await asleep
  await still.append([append('A/1', 1)])
  await woken[0]
  await still.transaction((tx) => tx.append([append('A/1', 2)]))
  await woken[1]
  await still.close()
})

test('nobody waiting, nothing ticks; and an aborted wait ends at once', async () => {
  let sleeping = 0
  const clock = {
    now: () => Date.now(),
    sleep: async (...given: Parameters<typeof systemClock.sleep>) => {
      sleeping++
      try {
        await systemClock.sleep(...given)
      } finally {
        sleeping--
      }
    },
  }
  const watched = sqlite({ file: folder.path('watched.db'), clock })
  await watched.append([append('A/1', 0)])
  const controller = new AbortController()
  const reason = new Error('enough')
  const aborted = expect(watched.waitBeyond(5, { signal: controller.signal })).rejects.toBe(reason)
  const woken = watched.waitBeyond(1)
  await watched.append([append('A/1', 1)])
  await woken
  expect(sleeping).toBe(1)
  controller.abort(reason)
  await aborted
  await new Promise((resolve) => setImmediate(resolve))
  expect(sleeping).toBe(0)
  await watched.waitBeyond(1)
  await watched.close()
})

test('while another process holds the file an append waits without stopping this one', async () => {
  await store.append([append('A/1', 0)])
  const other = new DatabaseSync(folder.path('log.db'))
  other.exec('begin immediate')
  const appended = store.append([append('A/1', 1)])
  let turns = 0
  let done = false
  void appended.then(() => (done = true))
  // A thousand turns of the event loop pass while the file is held.
  for (; turns < 1000; turns++) await new Promise((resolve) => setImmediate(resolve))
  expect(done).toBe(false)
  expect(await store.head()).toBe(1)
  other.exec('commit')
  other.close()
  await appended
})

test('held for too long: an error that can be tried again, and the store goes on', async () => {
  const waits: number[] = []
  const clock = {
    now: () => Date.now(),
    sleep: async (delayMs: number) => {
      waits.push(delayMs)
    },
  }
  const hasty = sqlite({ file: folder.path('log.db'), busyLimitMs: 200, clock })
  await hasty.append([append('A/1', 0)])
  const other = new DatabaseSync(folder.path('log.db'))
  other.exec('begin immediate')
  const failures = await Promise.all([
    failureOf(hasty.append([append('A/1', 1)])),
    failureOf(hasty.transaction((tx) => tx.sql`select 1`)),
  ])
  for (const failure of failures) {
    expect(failure).toMatchObject({ code: 'TIDINGS_STORE_BUSY', retryable: true })
    expect(failure.message).toContain('busyLimitMs')
  }
  expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThanOrEqual(2 * 200)
  expect(Math.max(...waits)).toBeLessThanOrEqual(75)
  other.exec('rollback')
  other.close()
  await hasty.append([append('A/1', 1)])
  await hasty.close()
})

test('two stores that open a new file at the same moment both get it', async () => {
  const stores = Array.from({ length: 8 }, () => sqlite(folder.path('new.db')))
  await Promise.all(stores.map((each, index) => each.append([append(`A/${index}`, 0)])))
  expect(await stores[0]?.head()).toBe(8)
  for (const each of stores) await each.close()
})
