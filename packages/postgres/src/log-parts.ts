import type { CommitTeller } from './commit-teller.ts'
import type { Connections } from './connections.ts'
import type { LogWatch } from './log-watch.ts'
import type { NameTables } from './names.ts'
import type { PostgresSettings } from './options.ts'
import type { ReadSide } from './reader.ts'
import type { Turns } from './turns.ts'

/** What is open of a log: what its appends and transactions work with. */
export interface LogParts {
  readonly settings: PostgresSettings
  readonly connections: Connections
  readonly names: NameTables
  readonly watch: LogWatch
  readonly turns: Turns
  readonly teller: CommitTeller
  /** What is committed. */
  readonly side: ReadSide
}
