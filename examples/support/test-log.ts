import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgres } from '@tidings/postgres'
import { memoryStore, type Clock, type SqlTransaction, type Store } from 'tidings'
import { sqlite } from 'tidings/sqlite'
import { afterAll, onTestFinished } from 'vitest'
import { createDatabase, type TestDatabase } from '../../packages/postgres/test/kit/server.ts'

/** On which stores the examples are tested is chosen from outside: all of their tests run on each. */
export const onPostgres: boolean = process.env['TIDINGS_EXAMPLES_STORE'] === 'postgres'

let database: Promise<TestDatabase> | undefined
let schemas = 0
afterAll(async () => {
  await (await database)?.drop()
})

/** The address of a log that nobody else has: a file of SQLite, or a schema of PostgreSQL. */
export async function testAddress(): Promise<string> {
  if (onPostgres) {
    database ??= createDatabase('example')
    const url = new URL((await database).url)
    const schema = `log_${++schemas}`
    url.searchParams.set('schema', schema)
    // What an example keeps beside its log is in the same one.
    url.searchParams.set('options', `-c search_path=${schema}`)
    return url.href
  }
  const folder = mkdtempSync(join(tmpdir(), 'tidings-example-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return `sqlite:${join(folder, 'log.db')}`
}

/** The same as the examples' own, and the clock of a test. */
export function openTestLog(address: string, clock?: Clock): Store<SqlTransaction> {
  if (!address.startsWith('sqlite:')) return postgres({ connection: address, clock })
  return sqlite({ file: address.slice('sqlite:'.length), ...(clock && { clock }) })
}

/** A log of no particular kind, as fast as can be: in memory, or in PostgreSQL. */
export async function testLog(clock?: Clock): Promise<Store> {
  return onPostgres
    ? openTestLog(await testAddress(), clock)
    : memoryStore(clock === undefined ? {} : { clock })
}
