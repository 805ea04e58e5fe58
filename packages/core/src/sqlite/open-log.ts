import { existsSync } from 'node:fs'
import { dirname } from 'node:path'

import { StoreError } from '../errors/store-errors.ts'
import { FairTurns } from '../internal/fair-turns.ts'
import { openConnection, type Connection } from './connection.ts'
import type { CommitListener } from '../store/commits.ts'
import { FileWatch } from './file-watch.ts'
import { IndexFiller } from './index-filler.ts'
import { LogWatch } from './log-watch.ts'
import type { SqliteSettings } from './options.ts'
import { makeReader, type ReadSide } from './reader.ts'
import { retryBusy } from './retry-busy.ts'
import { isCurrent } from './schema/schema-version.ts'
import { toStoreError } from './store-failure.ts'
import { Writer } from './writer.ts'

/** The file, open: its two connections and what works on them. */
export interface OpenLog {
  readonly writer: Writer
  readonly side: ReadSide
  readonly watch: LogWatch
  readonly filler: IndexFiller
}

/**
 * Opens the file, makes it where it is missing, and brings it to the form of this version.
 *
 * @throws {StoreError} what is wrong with it, and where
 */
export async function openLog(
  settings: SqliteSettings,
  listeners: ReadonlySet<CommitListener>,
): Promise<OpenLog> {
  checkPlace(settings)
  const connection = await retryBusy(() => openConnection(settings, 'writer'), settings)
  let reading: Connection | undefined
  try {
    await bringUpToDate(connection, settings)
    reading = await retryBusy(() => openConnection(settings, 'reader'), settings)
    return assemble(connection, reading, { settings, listeners })
  } catch (error) {
    reading?.close()
    connection.close()
    throw toStoreError(error, settings.location)
  }
}

/** The steps from an older form are loaded where there is one. */
async function bringUpToDate(connection: Connection, settings: SqliteSettings): Promise<void> {
  if (await retryBusy(() => isCurrent(connection, settings), settings)) return
  const { migrate } = await import('./schema/migrate.ts')
  await retryBusy(() => migrate(connection, settings), settings)
}

function assemble(
  connection: Connection,
  reading: Connection,
  {
    settings,
    listeners,
  }: { readonly settings: SqliteSettings; readonly listeners: ReadonlySet<CommitListener> },
): OpenLog {
  const file = new FileWatch(settings.file, settings.location)
  const turns = new FairTurns()
  const side = makeReader(reading, settings, { file, turns })
  const watch = new LogWatch(side, settings.clock)
  const onAppended = (head: number): void => {
    watch.advanced(head)
    filler.appended(head)
  }
  const writer = new Writer({ connection, settings, file, turns, listeners, onAppended })
  const filler = new IndexFiller(writer)
  filler.start()
  return { writer, side, watch, filler }
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
