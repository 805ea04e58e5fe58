import { postgres, type PostgresStore, type PostgresTransaction } from '@tidings/postgres'
import { Socket } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createDatabase, type TestDatabase } from './kit/server.ts'

let database: TestDatabase
let store: PostgresStore
beforeAll(async () => {
  database = await createDatabase('piped')
  store = postgres(database.url)
  await store.transaction((tx) => tx.sql`create table numbers (n integer primary key)`)
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

const insert = (tx: PostgresTransaction, n: number): Promise<object[]> =>
  tx.sql`insert into numbers values (${n})`

async function stored(): Promise<readonly number[]> {
  const rows = await store.transaction(
    (tx) => tx.sql<{ n: number }>`select n from numbers order by n`,
  )
  return rows.map(({ n }) => n)
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

test('statements of one turn travel together and run in their order', async () => {
  const written = vi.spyOn(Socket.prototype as unknown as { _writev(): void }, '_writev')
  const calls = await store.transaction(async (tx) => {
    await tx.sql`delete from numbers`
    const before = written.mock.calls.length
    const all = [
      ...upTo(100).map((n) => insert(tx, n)),
      tx.sql`update numbers set n = n + 1000 where n >= ${50}`,
      tx.sql`delete from numbers where n = ${1000}`,
    ]
    await Promise.all(all)
    return written.mock.calls.length - before
  })
  written.mockRestore()
  expect(calls).toBeGreaterThan(0)
  // 102 statements of four messages each; the server may begin with the first 32.
  expect(calls).toBeLessThanOrEqual(6)
  expect(await stored()).toEqual([...upTo(50), ...upTo(50).map((n) => n + 1050)])
})

test('one that is refused says which it was, those behind it fail too, and nothing is stored', async () => {
  const before = await stored()
  const told: string[] = []
  const work = store.transaction(async (tx) => {
    await tx.sql`delete from numbers`
    // Nobody awaits them: they are over before the transaction is, and each is told.
    for (const n of [1, 2, 2, 3]) {
      insert(tx, n).then(
        () => told.push(`${n} done`),
        (error: unknown) => told.push(`${n} ${(error as { code: string }).code}`),
      )
    }
  })
  await expect(work).rejects.toMatchObject({
    code: 'TIDINGS_STORE_FAILED',
    message: expect.stringContaining('insert into numbers values ($1)') as string,
  })
  expect(told).toEqual(['1 done', '2 done', '2 TIDINGS_STORE_FAILED', '3 TIDINGS_STORE_FAILED'])
  expect(await stored()).toEqual(before)
})

test('a connection that is cut ends all that were sent', async () => {
  const before = await stored()
  let outcomes: readonly PromiseSettledResult<unknown>[] = []
  const work = store.transaction(async (tx) => {
    await tx.sql`delete from numbers`
    outcomes = await Promise.allSettled([
      ...upTo(50).map((n) => insert(tx, n)),
      tx.sql`select pg_terminate_backend(pg_backend_pid())`,
      ...upTo(50).map((n) => insert(tx, 50 + n)),
    ])
  })
  await expect(work).rejects.toMatchObject({ code: 'TIDINGS_STORE_UNREACHABLE' })
  expect(outcomes).toHaveLength(101)
  const failed = outcomes.filter(({ status }) => status === 'rejected')
  // What was answered before the cut succeeded in a transaction that is gone.
  expect(failed.length).toBeGreaterThanOrEqual(51)
  expect(await stored()).toEqual(before)
})

test('bytes that went to somebody else are refused at the door, and cost no connection', async () => {
  const before = await stored()
  await store.transaction((tx) => tx.sql`create table files (body bytea)`)
  const put = (tx: PostgresTransaction, body: Uint8Array): Promise<object[]> =>
    tx.sql`insert into files values (${body})`
  const gone = new Uint8Array(8)
  structuredClone(gone, { transfer: [gone.buffer] })
  const work = store.transaction(async (tx) => {
    await insert(tx, 5000)
    await put(tx, gone)
  })
  await expect(work).rejects.toMatchObject({ code: 'TIDINGS_ARGUMENT_INVALID' })
  await store.transaction(async (tx) => {
    await tx.sql`delete from files`
    await put(tx, new Uint8Array(8))
  })
  expect(await stored()).toEqual(before)
})

test('an error says who sent the statement', async () => {
  async function sendTwice(tx: PostgresTransaction): Promise<void> {
    await insert(tx, 7000)
    await insert(tx, 7000)
  }
  const error: unknown = await store.transaction(sendTwice).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ sqlState: '23505', stack: expect.stringContaining('sendTwice') })
})
