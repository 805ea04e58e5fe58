import { constants, type StatementSync } from 'node:sqlite'

import { UsageError } from '../errors/usage-errors.ts'
import type { SqlValue } from '../store/store.ts'
import type { Cell, Connection } from './connection.ts'
import { migrations } from './schema/migrations.ts'
import { SqlError } from './sql-error.ts'
import { isConstraint, isSqliteFailure, toStoreError } from './store-failure.ts'

/** The store's own tables and views: `tx.sql` may read them. */
const ownTables: ReadonlySet<string> = new Set([
  'schema_version',
  'sqlite_sequence',
  ...migrations.flatMap(({ sql }) =>
    Array.from(sql.matchAll(/^create (?:table|view) (\w+)/gm), (match) => match[1] ?? ''),
  ),
])

/** Statements kept prepared; the one that was not used for longest goes first. */
const CACHED = 200

interface UserStatement {
  readonly statement: StatementSync
  readonly hasRows: boolean
}

/** The user's own statements on the connection that holds the transaction. */
export class UserSql {
  readonly #connection: Connection
  readonly #location: string
  readonly #statements = new Map<string, UserStatement>()
  /** The one that ran last: a handler says the same again and again. */
  #last: { readonly strings: readonly string[]; readonly statement: UserStatement } | undefined

  constructor(connection: Connection, location: string) {
    this.#connection = connection
    this.#location = location
  }

  /**
   * @throws {UsageError} a value or statement that has no place in a transaction
   * @throws {SqlError} what SQLite says against it
   */
  run(strings: readonly string[], values: readonly SqlValue[]): Record<string, unknown>[] {
    const parameters = toParameters(values)
    try {
      const { statement, hasRows } = this.#find(strings)
      if (hasRows) return statement.all(...parameters).map(toRow)
      // Not `run`: nobody asks how many rows it changed, and to say so is a fifth of its time.
      statement.get(...parameters)
      return []
    } catch (error) {
      throw this.#explain(error, toText(strings))
    }
  }

  #explain(error: unknown, text: string): unknown {
    if (!isSqliteFailure(error)) return error
    // 1: what is wrong with the statement itself. The rest is about the file, not the statement.
    const about = error.errcode === 1 || isConstraint(error)
    return about ? new SqlError(this.#location, text, error) : toStoreError(error, this.#location)
  }

  #find(strings: readonly string[]): UserStatement {
    if (this.#last?.strings === strings) return this.#last.statement
    const statement = this.#prepare(toText(strings))
    // The texts of a template never change; what somebody else hands over may.
    this.#last = Object.isFrozen(strings) ? { strings, statement } : undefined
    return statement
  }

  #prepare(text: string): UserStatement {
    const known = this.#statements.get(text)
    if (known !== undefined) {
      this.#statements.delete(text)
      this.#statements.set(text, known)
      return known
    }
    const statement = this.#authorized(text)
    const prepared = { statement, hasRows: statement.columns().length > 0 }
    // Integers as bigint first: beyond 2^53 a number would be refused after the statement has run.
    if (prepared.hasRows) statement.setReadBigInts(true)
    this.#statements.set(text, prepared)
    const [oldest] = this.#statements.keys()
    if (this.#statements.size > CACHED && oldest !== undefined) this.#statements.delete(oldest)
    return prepared
  }

  /** Asks SQLite itself what a statement would do: a text can hide it, in a comment or a CTE. */
  #authorized(text: string): StatementSync {
    const { db } = this.#connection
    let refusal: string | undefined
    db.setAuthorizer((action, first, second) => {
      refusal ??= refusedAction(action, first, second)
      return refusal === undefined ? constants.SQLITE_OK : constants.SQLITE_DENY
    })
    try {
      const statement = db.prepare(text)
      const rest = text.trimStart().slice(statement.sourceSQL.trimStart().length)
      if (rest.replace(/--.*$|\/\*[\s\S]*?\*\//gm, '').trim() === '') return statement
      refusal = 'runs one statement at a time, and here are several'
    } catch (error) {
      if (refusal === undefined) throw error
    } finally {
      db.setAuthorizer(null)
    }
    throw new UsageError(
      'TIDINGS_ARGUMENT_INVALID',
      `tx.sql ${refusal}: ${text.trim()}. Nothing was done. Leave it out, or do it outside the transaction with a connection of your own.`,
    )
  }
}

function toText(strings: readonly string[]): string {
  return strings.join('?')
}

const endsTransaction: ReadonlySet<number> = new Set([
  constants.SQLITE_TRANSACTION,
  constants.SQLITE_SAVEPOINT,
  constants.SQLITE_ATTACH,
  constants.SQLITE_DETACH,
  constants.SQLITE_PRAGMA,
])

/** Actions whose first argument is a table or view that they change, or hide behind a temporary one. */
const changesFirst: ReadonlySet<number> = new Set([
  constants.SQLITE_INSERT,
  constants.SQLITE_UPDATE,
  constants.SQLITE_DELETE,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_CREATE_TEMP_TABLE,
  constants.SQLITE_CREATE_TEMP_VIEW,
])

/** Actions whose second argument is one. */
const changesSecond: ReadonlySet<number> = new Set([
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_CREATE_TEMP_TRIGGER,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_TRIGGER,
])

function refusedAction(
  action: number,
  first: string | null,
  second: string | null,
): string | undefined {
  if (endsTransaction.has(action)) {
    return 'leaves the transaction and its connection to the store (no BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ATTACH, PRAGMA)'
  }
  const changed = changesFirst.has(action) ? first : changesSecond.has(action) ? second : null
  if (changed === null || !ownTables.has(changed.toLowerCase())) return undefined
  return `may read '${changed}', and only the store changes it`
}

/** The same array, where nothing has to be converted. */
function toParameters(values: readonly SqlValue[]): readonly Cell[] {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!
    if (toParameter(value, index) !== value) return values.map(toParameter)
  }
  return values as readonly Cell[]
}

function toParameter(value: SqlValue, index: number): Cell {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value === null || typeof value === 'string' || typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (value instanceof Uint8Array) return value
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `tx.sql takes text, finite numbers, bigint, boolean, null and Uint8Array as values; value ${index + 1} is ${describe(value)}. Nothing was done. Convert it, for example a Date by toISOString(), an object by JSON.stringify().`,
  )
}

function describe(value: unknown): string {
  if (typeof value === 'object') {
    return `an object (${(value as object).constructor?.name ?? 'without prototype'})`
  }
  return typeof value === 'number' ? String(value) : typeof value
}

function toRow(row: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(row)) {
    const small =
      typeof value === 'bigint' &&
      value >= Number.MIN_SAFE_INTEGER &&
      value <= Number.MAX_SAFE_INTEGER
    result[column] = small ? Number(value) : value
  }
  return result
}
