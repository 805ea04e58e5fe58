import { StoreError } from '../errors/store-errors.ts'
import type { SqliteFailure } from './store-failure.ts'

/** The rule of a table that a row would have broken. */
export type BrokenConstraint =
  | 'unique'
  | 'primary-key'
  | 'foreign-key'
  | 'not-null'
  | 'check'
  | 'data-type'
  | 'other'

// https://www.sqlite.org/rescode.html#extended_result_code_list
const constraints: Readonly<Record<number, BrokenConstraint>> = {
  275: 'check',
  787: 'foreign-key',
  1299: 'not-null',
  1555: 'primary-key',
  2067: 'unique',
  2579: 'unique',
  3091: 'data-type',
}

/**
 * A statement of the user's own, given to `tx.sql`, that SQLite refused. `cause` is SQLite's error.
 * The statement did nothing; the transaction goes on if the error is caught.
 */
export class SqlError extends StoreError {
  /** The text as it was prepared, without its values. */
  override readonly statement: string
  /** Undefined for an error of another kind. */
  readonly constraint: BrokenConstraint | undefined

  constructor(location: string, statement: string, failure: SqliteFailure) {
    const constraint =
      (failure.errcode & 0xff) === 19 ? (constraints[failure.errcode] ?? 'other') : undefined
    const what = constraint === undefined ? 'a statement failed' : `a row breaks a constraint`
    super(
      'TIDINGS_STORE_FAILED',
      location,
      `${location}: ${what}: ${failure.message}. The statement was: ${statement.trim()}. It did nothing; let the error through to roll the transaction back.`,
      { cause: failure },
    )
    this.statement = statement
    this.constraint = constraint
  }
}
