import { StoreError } from '../errors/store-errors.ts'
import type { FairTurns } from '../internal/fair-turns.ts'
import type { Connection } from './connection.ts'
import type { FileWatch } from './file-watch.ts'
import { openNames, type NameTables } from './names.ts'
import type { SqliteSettings } from './options.ts'
import { retryBusy } from './retry-busy.ts'

/** A connection to read with, and the names as it knows them. */
export interface ReadSide {
  readonly connection: Connection
  readonly names: NameTables
  /** Runs a piece of reading, waiting for another process where it must. */
  read<Result>(work: () => Result): Promise<Result>
}

/** The connection of this process that only reads, apart from the writer: it sees what is committed. */
export function makeReader(
  connection: Connection,
  settings: SqliteSettings,
  { file, turns }: { readonly file: FileWatch; readonly turns: FairTurns },
): ReadSide {
  return {
    connection,
    names: openNames(connection),
    read: async (work) => {
      const turn = turns.next()
      if (turn !== undefined) await turn
      file.check()
      return retryBusy(() => readRows(work, settings), settings)
    },
  }
}

/** Reading as a transaction sees it, on the connection that it holds. */
export function makeTransactionReader(
  connection: Connection,
  names: NameTables,
  settings: SqliteSettings,
): ReadSide {
  return { connection, names, read: (work) => retryBusy(() => readRows(work, settings), settings) }
}

/** Stored JSON that cannot be parsed means that the file was changed by something else. */
function readRows<Result>(work: () => Result, { location }: SqliteSettings): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new StoreError(
      'TIDINGS_STORE_CORRUPT',
      location,
      `${location}: a stored event is no JSON any more (${error.message}). 'tidings verify' says which. Restore a backup.`,
      { cause: error },
    )
  }
}
