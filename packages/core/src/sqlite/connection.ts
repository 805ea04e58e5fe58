import { DatabaseSync, type StatementSync } from 'node:sqlite'

import { StoreError } from '../errors/store-errors.ts'
import type { SqliteSettings } from './options.ts'

export type Cell = string | number | bigint | null | Uint8Array

/** A prepared statement whose rows are arrays: half the cost of rows as objects. */
export interface RowStatement {
  all(...values: readonly Cell[]): Cell[][]
  get(...values: readonly Cell[]): Cell[] | undefined
}

export type ConnectionRole = 'writer' | 'reader'

/**
 * One connection with its statements, each prepared once.
 *
 * open → closed
 */
export class Connection {
  readonly db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #rows = new Map<string, RowStatement>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  /** For statements that write. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** For statements that read. */
  rows(sql: string): RowStatement {
    let rows = this.#rows.get(sql)
    if (rows === undefined) {
      rows = this.db.prepare(sql, { returnArrays: true }) as unknown as RowStatement
      this.#rows.set(sql, rows)
    }
    return rows
  }

  /** The text of every reading statement so far, so that a test can ask for the plans of what ran. */
  readStatements(): readonly string[] {
    return [...this.#rows.keys()]
  }

  close(): void {
    if (this.db.isOpen) this.db.close()
  }
}

/**
 * Opens the file with the settings that the store's promises rest on, and reads them back: a pragma
 * that SQLite does not take is not an error to it.
 *
 * @throws {StoreError} a setting did not take
 */
export function openConnection(settings: SqliteSettings, role: ConnectionRole): Connection {
  const db = new DatabaseSync(settings.file, { readOnly: role === 'reader', timeout: 0 })
  try {
    applyPragmas(db, settings, role)
  } catch (error) {
    db.close()
    throw error
  }
  return new Connection(db)
}

function applyPragmas(db: DatabaseSync, settings: SqliteSettings, role: ConnectionRole): void {
  // Negative: KiB rather than pages.
  const cacheSize = -Math.floor(settings.cacheBytes / (role === 'writer' ? 1024 : 2048))
  const pragmas: [name: string, set: string | number, get: string | number][] = [
    // 0: waiting inside SQLite would stop the whole process.
    ['busy_timeout', 0, 0],
    ['journal_mode', 'wal', 'wal'],
    ['synchronous', settings.synchronous, settings.synchronous === 'full' ? 2 : 1],
    // Off (0) or larger, the WAL grew to 300 to 560 MB under load; the checkpoints cost 4 ms at p99.
    ['wal_autocheckpoint', 1000, 1000],
    ['cache_size', cacheSize, cacheSize],
    ['temp_store', 'memory', 2],
    ['foreign_keys', 'on', 1],
  ]
  if (settings.maxPages !== undefined) {
    pragmas.push(['max_page_count', settings.maxPages, settings.maxPages])
  }
  for (const [name, set, expected] of pragmas) {
    // A reader cannot change the mode of the file; the writer did, and here it is looked at.
    if (name !== 'journal_mode' || role === 'writer') db.exec(`pragma ${name} = ${set}`)
    const actual = Object.values(db.prepare(`pragma ${name}`).get() ?? {})[0]
    if (actual !== expected) throw refusedPragma(settings, { name, expected, actual })
  }
}

function refusedPragma(
  settings: SqliteSettings,
  { name, expected, actual }: { name: string; expected: unknown; actual: unknown },
): StoreError {
  return new StoreError(
    'TIDINGS_STORE_FAILED',
    settings.location,
    `${settings.location}: the database does not take the setting ${name} = ${String(expected)}, it stays at ${String(actual)}. The file system may not support it (network drives do not keep a WAL), or maxPages is below the size of the file. Put the file on a local disk, or correct the option.`,
  )
}

/** Several statements that see the same moment of the file. */
export function inSnapshot<Result>({ db }: Connection, work: () => Result): Result {
  db.exec('begin')
  try {
    return work()
  } finally {
    db.exec('commit')
  }
}
