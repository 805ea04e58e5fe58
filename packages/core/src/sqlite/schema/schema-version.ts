import { StoreError } from '../../errors/store-errors.ts'
import { version } from '../../internal/version.ts'
import type { Connection } from '../connection.ts'
import type { SqliteSettings } from '../options.ts'

/**
 * The form of the database that this version writes: the number of migrations. Said here once more, so
 * that a file that has this form is opened without reading how it came to it.
 */
export const SCHEMA_NUMBER = 3

/**
 * Whether the database has the form that this version writes, and can be written. A newer form is
 * taken as it is, if it lets a reader of this version work with it.
 *
 * @throws {StoreError} `TIDINGS_STORE_TOO_NEW`
 * @throws SQLite's own error when the file cannot be written
 */
export function isCurrent(connection: Connection, settings: SqliteSettings): boolean {
  if (!hasForm(connection, settings)) return false
  const { db } = connection
  db.exec('begin immediate')
  try {
    // SQLite opens a file that it may not write, and says so at the first write: better now.
    db.exec('update schema_version set number = number')
  } finally {
    if (db.isTransaction) db.exec('rollback')
  }
  return true
}

function hasForm(connection: Connection, settings: SqliteSettings): boolean {
  const table = connection.db
    .prepare("select 1 from sqlite_schema where type = 'table' and name = 'schema_version'")
    .get()
  return table !== undefined && readVersion(connection, settings) >= SCHEMA_NUMBER
}

/** @throws {StoreError} `TIDINGS_STORE_TOO_NEW` */
export function readVersion({ db }: Connection, settings: SqliteSettings): number {
  return requireReadable(db, settings).number
}

/** @throws {StoreError} `TIDINGS_STORE_TOO_NEW` */
export function requireReadable(
  database: Pick<Connection['db'], 'prepare'>,
  settings: SqliteSettings,
): { readonly number: number; readonly reader: number } {
  const row = database
    .prepare(
      'select coalesce(max(number), 0) as number, coalesce(max(minimum_reader), 0) as reader from schema_version',
    )
    .get() as { number: number; reader: number }
  if (row.reader <= SCHEMA_NUMBER) return row
  throw new StoreError(
    'TIDINGS_STORE_TOO_NEW',
    settings.location,
    `${settings.location}: the file has schema ${row.number} and can be read by schema ${row.reader} or later; this version of Tidings (${version}) has schema ${SCHEMA_NUMBER}. Nothing was changed. Install a newer version.`,
  )
}
