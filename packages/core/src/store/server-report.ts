/** Somebody who is connected to the server of a log. */
export interface ServerSession {
  /** Of the server's process. */
  readonly pid: number
  /** What it calls itself; empty where it says nothing. */
  readonly application: string
  readonly user: string
  readonly state: string
  /** How long its transaction has been open. */
  readonly seconds: number
}

/** A table in which many rows are dead: changed or deleted, and not yet cleared away. */
export interface TableBloat {
  readonly table: string
  readonly live: number
  readonly dead: number
}

/** How the database server of a log is doing, for people who look after it. */
export interface ServerReport {
  /** As the server says it: `18.4`. */
  readonly version: string
  /** Whether it is of a version that the store works with. */
  readonly isSupported: boolean
  /** A standby, or told to take no writes. */
  readonly isReadOnly: boolean
  /** `on`, `off`, `local`, `remote_write`, `remote_apply`. */
  readonly synchronousCommit: string
  readonly fsync: boolean
  readonly fullPageWrites: boolean
  readonly connections: { readonly used: number; readonly max: number }
  /** Whether a message that one connection sends is heard by another. */
  readonly hearsMessages: boolean
  /** Undefined: there is no log. */
  readonly schema: { readonly number: number; readonly by: string } | undefined
  /** Transactions that have been open for a minute or more, the longest first. */
  readonly longTransactions: readonly ServerSession[]
  /** Sessions of others of which this role may see nothing. */
  readonly hiddenSessions: number
  /** The lock under which events are appended. */
  readonly lock: { readonly holder: ServerSession | undefined; readonly waiting: number }
  readonly bloat: readonly TableBloat[]
  /** What transactions of other libraries left to be appended. */
  readonly deferred: {
    readonly waiting: number
    readonly oldestSeconds: number
    readonly refused: number
  }
}
