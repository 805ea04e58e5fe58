import type pg from 'pg'
import { StoreError } from 'tidings'

/**
 * A statement of the user's own, given to `tx.sql` or `tx.client`, that PostgreSQL refused. `cause` is
 * PostgreSQL's error. The transaction can then only be rolled back; where it is `retryable` (a deadlock) the
 * same transaction may succeed at the next attempt.
 */
export class SqlError extends StoreError {
  /** The text, without its values. */
  override readonly statement: string
  /** Five characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly sqlState: string
  /** The name of the constraint that a row would have broken; undefined for an error of another kind. */
  readonly constraint: string | undefined

  constructor(location: string, statement: string, failure: pg.DatabaseError) {
    const what =
      failure.constraint === undefined ? 'a statement failed' : 'a row breaks a constraint'
    super(
      'TIDINGS_STORE_FAILED',
      location,
      `${location}: ${what}: ${failure.message}. The statement was: ${statement.trim()}. The transaction can only be rolled back; let the error through.`,
      // 40: two transactions waited for one another, or could not have run one after the other.
      { cause: failure, retryable: failure.code?.startsWith('40') ?? false },
    )
    this.statement = statement
    this.sqlState = failure.code ?? ''
    this.constraint = failure.constraint
  }
}
