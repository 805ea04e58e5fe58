import { existsSync } from 'node:fs'
import { dirname } from 'node:path'

import { StoreError } from '../errors/store-errors.ts'
import { openConnection, type Connection } from './connection.ts'
import { EventWriter } from './event-writer.ts'
import { FileWatch } from './file-watch.ts'
import { GroupCommit } from './group-commit.ts'
import { IndexFiller } from './index-filler.ts'
import { LogWatch } from './log-watch.ts'
import type { SqliteSettings } from './options.ts'
import { makeReader, type ReadSide } from './reader.ts'
import { retryBusy } from './retry-busy.ts'
import { migrate } from './schema/migrate.ts'
import { toStoreError } from './store-failure.ts'
import { UserSql } from './user-sql.ts'
import { Writer } from './writer.ts'

/** The file, open: its two connections and what works on them. */
export interface OpenLog {
  readonly writer: Writer
  readonly events: EventWriter
  readonly group: GroupCommit
  readonly userSql: UserSql
  readonly side: ReadSide
  readonly watch: LogWatch
  readonly filler: IndexFiller
}

/**
 * Opens the file, makes it where it is missing, and brings it to the form of this version.
 *
 * @throws {StoreError} what is wrong with it, and where
 */
export async function openLog(settings: SqliteSettings): Promise<OpenLog> {
  checkPlace(settings)
  const connection = await retryBusy(() => openConnection(settings, 'writer'), settings)
  let reading: Connection | undefined
  try {
    await retryBusy(() => migrate(connection, settings), settings)
    reading = await retryBusy(() => openConnection(settings, 'reader'), settings)
    return assemble(connection, reading, settings)
  } catch (error) {
    reading?.close()
    connection.close()
    throw toStoreError(error, settings.location)
  }
}

function assemble(connection: Connection, reading: Connection, settings: SqliteSettings): OpenLog {
  const file = new FileWatch(settings.file, settings.location)
  const side = makeReader(reading, settings, file)
  const watch = new LogWatch(side, settings.clock)
  const onAppended = (head: number): void => {
    watch.advanced(head)
    filler.appended(head)
  }
  const writer = new Writer({ connection, settings, file, onAppended })
  const events = new EventWriter(writer)
  const filler = new IndexFiller(writer)
  filler.start()
  return {
    writer,
    events,
    group: new GroupCommit(writer, events),
    userSql: new UserSql(connection, settings.location),
    side,
    watch,
    filler,
  }
}

export function closeLog({ writer, side }: OpenLog): void {
  side.connection.close()
  // Last: the one that goes last writes the WAL into the file.
  writer.connection.close()
}

/** SQLite says 'unable to open database file' to all of these. */
function checkPlace({ file, location, mustExist }: SqliteSettings): void {
  const folder = dirname(file)
  if (!existsSync(folder)) {
    throw new StoreError(
      'TIDINGS_STORE_MISSING',
      location,
      `${location}: the folder '${folder}' is not there. Nothing was made. Make it, or correct the path.`,
    )
  }
  if (!mustExist || existsSync(file)) return
  throw new StoreError(
    'TIDINGS_STORE_MISSING',
    location,
    `${location}: there is no file '${file}'. Nothing was made. Correct the path.`,
  )
}
