import type { NameTables } from './names.ts'
import type { Row } from './session.ts'

/** Where events are read: what is committed, or what a transaction sees. */
export interface ReadSide {
  /** Of the log, quoted. */
  readonly schema: string
  readonly names: NameTables
  readonly rows: (sql: string, values: readonly unknown[]) => Promise<readonly Row[]>
}
