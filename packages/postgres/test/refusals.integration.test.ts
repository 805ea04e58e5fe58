import { postgres } from '@tidings/postgres'
import { ConcurrencyError, type StreamAppend } from 'tidings'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { pg } from './kit/raw-client.ts'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase('refusals')
})
afterAll(() => database.drop())

/** What is asked of the database while `work` runs, beside the call that appends. */
async function askedDuring(work: () => Promise<unknown>): Promise<readonly string[]> {
  const query = vi.spyOn(pg.Client.prototype, 'query')
  await work()
  const texts = query.mock.calls.map(([config]) => (config as unknown as { text: string }).text)
  query.mockRestore()
  // To tell other processes takes its own time.
  return texts.filter((text) => !/append_plain|pg_notify/.test(text))
}

const at = (version: number, append: StreamAppend): StreamAppend => ({
  ...append,
  expectedVersion: version,
})

test('whoever comes too late with an event of its own is told at once: nothing more is asked', async () => {
  await using store = postgres({ connection: database.url, schema: 'late' })
  await store.append([appendTo('1', makeEvent('1'), makeEvent('1'), makeEvent('1'))])
  const asked = await askedDuring(async () => {
    const late = store.append([at(1, appendTo('1', makeEvent('1')))])
    await expect(late).rejects.toThrow(ConcurrencyError)
    await expect(late).rejects.toMatchObject({ expected: 1, actual: 3 })
    const early = store.append([
      { ...appendTo('2', makeEvent('2')), expectedVersion: 'stream-exists' },
    ])
    await expect(early).rejects.toMatchObject({ expected: 'stream-exists', actual: 0 })
  })
  expect(asked).toEqual([])
})

test('an append that is there already is found, whichever version it expects now', async () => {
  await using store = postgres({ connection: database.url, schema: 'again' })
  const first = makeEvent('1')
  await store.append([at(0, appendTo('1', first))])
  await store.append([appendTo('1', makeEvent('1'))])
  for (const expectedVersion of [0, 1, 7, 'any', 'no-stream'] as const) {
    const again = { ...appendTo('1', first), expectedVersion }
    const asked = await askedDuring(async () => {
      const [result] = await store.append([again])
      expect(result).toMatchObject({ version: 1, positions: [1], repeated: true })
    })
    expect(asked.filter((text) => text.includes('event_id = any'))).toHaveLength(1)
  }
})

test('of several events the first may be new and another not: all are looked up', async () => {
  await using store = postgres({ connection: database.url, schema: 'mixed' })
  const known = makeEvent('1')
  await store.append([at(0, appendTo('1', known))])
  const mixed = store.append([at(0, appendTo('1', makeEvent('1'), known))])
  await expect(mixed).rejects.toMatchObject({ code: 'TIDINGS_EVENT_ID_CONFLICT' })
})

test('the one that conflicts and the one that repeats share a call, and each is told its own', async () => {
  await using store = postgres({ connection: database.url, schema: 'beside' })
  const first = makeEvent('1')
  await store.append([at(0, appendTo('1', first))])
  await store.append([at(0, appendTo('2', makeEvent('2')))])
  const answers = await Promise.allSettled([
    store.append([at(0, appendTo('1', first))]),
    store.append([at(0, appendTo('2', makeEvent('2')))]),
    store.append([at(0, appendTo('3', makeEvent('3')))]),
  ])
  const [again, late, fresh] = answers
  expect(again).toMatchObject({ value: [{ version: 1, repeated: true }] })
  expect(late).toMatchObject({ reason: { expected: 0, actual: 1 } })
  expect(fresh).toMatchObject({ value: [{ version: 1, repeated: false }] })
})
