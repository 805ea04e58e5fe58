import type { Connection } from './connection.ts'

/** How a table is reached. */
export interface TableAccess {
  /** Reads what is committed. */
  readonly read: <Result>(work: (connection: Connection) => Result) => Promise<Result>
  /** In a transaction of its own. @throws {UsageError} inside a transaction of this store */
  readonly write: <Result>(work: (connection: Connection) => Result) => Promise<Result>
  /** By the store's clock: whole milliseconds since the epoch. */
  readonly now: () => number
}
