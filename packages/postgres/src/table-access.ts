import type { Row, Session } from './session.ts'

/** How a table is reached. */
export interface TableAccess {
  /** Of the log, quoted. */
  readonly schema: string
  /** Reads what is committed. */
  readonly rows: (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>
  /** One statement, in a transaction of its own. @throws {UsageError} inside a transaction of this store */
  readonly write: <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>
  /** Several statements in one transaction. @throws {UsageError} inside a transaction of this store */
  readonly transact: <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>
  /** The time of the clock that the store was given, ISO 8601; null: the database tells it. */
  readonly now: () => string | null
}

/** What a transaction writes to. */
export interface TableWriter {
  readonly schema: string
  readonly session: Session
}

/** The time by the store's clock, in whole milliseconds. @param value stands for {@link TableAccess.now} */
export function nowSql(value: string): string {
  return `date_trunc('milliseconds', coalesce(${value}::timestamptz, clock_timestamp()))`
}
