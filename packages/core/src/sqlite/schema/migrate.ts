import { StoreError } from '../../errors/store-errors.ts'
import { toIsoTime } from '../../internal/time.ts'
import { version } from '../../internal/version.ts'
import type { Connection } from '../connection.ts'
import type { SqliteSettings } from '../options.ts'
import { migrations } from './migrations.ts'
import { readVersion } from './schema-version.ts'

export const VERSION_TABLE = `create table if not exists schema_version (
  number         integer primary key,
  minimum_reader integer not null,
  at             text not null,
  by             text not null
) strict`

/**
 * Brings the database to the form that this version writes, in one transaction.
 *
 * @throws {StoreError} `TIDINGS_STORE_TOO_NEW`
 * @throws SQLite's own error when the file cannot be written
 */
export function migrate(connection: Connection, settings: SqliteSettings): void {
  const { db } = connection
  db.exec('begin immediate')
  try {
    db.exec(VERSION_TABLE)
    // Another process may have done it while this one waited for the lock.
    const from = readVersion(connection, settings)
    const insert = db.prepare('insert into schema_version values (?, ?, ?, ?)')
    for (const { number, minimumReader, sql } of migrations) {
      if (number <= from) continue
      runStep(connection, settings, sql)
      insert.run(number, minimumReader, toIsoTime(settings.clock.now()), `tidings ${version}`)
    }
    db.exec('commit')
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

/** A table of the user's own may stand where a new version wants one of its own. */
function runStep({ db }: Connection, { location }: SqliteSettings, sql: string): void {
  try {
    db.exec(sql)
  } catch (error) {
    const [, kind, name] =
      /^(table|view|index) (\w+) already exists/.exec((error as Error).message) ?? []
    if (name === undefined) throw error
    throw new StoreError(
      'TIDINGS_STORE_FAILED',
      location,
      `${location}: this version of Tidings (${version}) keeps something of its own in '${name}', and the file has another ${kind} of that name. Nothing was changed. Rename it ('alter table ${name} rename to …'), then open the file again.`,
      { cause: error },
    )
  }
}
