import { join } from 'node:path'
import type { SqlTransaction, Store } from 'tidings'
import { createDatabase } from '../../../packages/postgres/test/kit/server.ts'
import type { Point, StoreKind } from './plan-life.ts'

/** Opens a log by where it lies. Only what that store needs is loaded. */
export async function openLog(
  log: string,
  onStep: (step: Point) => void = () => undefined,
): Promise<Store<SqlTransaction>> {
  if (log.startsWith('postgres:')) {
    const { postgres } = await import('@tidings/postgres')
    return postgres({ connection: log, onStep })
  }
  const { sqlite } = await import('tidings/sqlite')
  return sqlite({ file: log, synchronous: 'normal', onStep })
}

/** Makes the user's own table beside the log. */
export async function prepareEffects(store: Store<SqlTransaction>, log: string): Promise<void> {
  await store.transaction((tx) =>
    log.startsWith('postgres:')
      ? tx.sql`create table if not exists crash_effects (id bigint generated always as identity primary key, effect text, key text, n integer, process integer)`
      : tx.sql`create table if not exists crash_effects (id integer primary key autoincrement, effect text, key text, n integer, process integer)`,
  )
}

/** Lends a place for a log: a file in the folder, or a database of its own. */
export async function withLog<Result>(
  kind: StoreKind,
  folder: string,
  use: (log: string) => Promise<Result>,
): Promise<Result> {
  if (kind === 'sqlite') return use(join(folder, 'log.db'))
  const database = await createDatabase('life')
  try {
    return await use(database.url)
  } finally {
    await database.drop()
  }
}
