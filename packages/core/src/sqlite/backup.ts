import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { backup } from 'node:sqlite'

import { StoreError, type StoreErrorCode } from '../errors/store-errors.ts'
import { openConnection } from './connection.ts'
import type { SqliteSettings } from './options.ts'
import { retryBusy } from './retry-busy.ts'
import { toStoreError } from './store-failure.ts'

/**
 * Copies the file in one step of SQLite's backup, on a thread of its own and a connection of its own:
 * that is one snapshot, however much is written meanwhile. In several steps every write of another
 * connection would start it over, and under load it would never end.
 *
 * @throws {StoreError}
 */
export async function backupTo(file: string, settings: SqliteSettings): Promise<void> {
  const target = resolve(file)
  const partial = `${target}.partial`
  refuseExisting(target, settings)
  refuseExisting(partial, settings)
  const connection = await retryBusy(() => openConnection(settings, 'reader'), settings)
  try {
    await backup(connection.db, partial, { rate: 0x7fffffff })
    syncFile(partial)
    renameSync(partial, target)
    syncFile(dirname(target))
  } catch (error) {
    for (const leftover of [partial, `${partial}-journal`]) rmSync(leftover, { force: true })
    throw explain(error, target, settings)
  } finally {
    connection.close()
  }
}

function refuseExisting(target: string, { location }: SqliteSettings): void {
  if (!existsSync(target)) return
  throw new StoreError(
    'TIDINGS_STORE_FAILED',
    location,
    `${location}: the backup would overwrite '${target}'. Nothing was written. Name a file that is not there.`,
  )
}

/** Renaming is only safe once the bytes are on the disk. */
function syncFile(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** What the copy alone can be guilty of: the log was open by then. */
const ABOUT_THE_COPY: ReadonlySet<string> = new Set<StoreErrorCode>([
  'TIDINGS_STORE_MISSING',
  'TIDINGS_STORE_FULL',
  'TIDINGS_STORE_READ_ONLY',
])

function explain(error: unknown, target: string, { location }: SqliteSettings): unknown {
  const named = toStoreError(error, location)
  if (named instanceof StoreError) {
    const { message } = ABOUT_THE_COPY.has(named.code)
      ? (toStoreError(error, target) as StoreError)
      : named
    return new StoreError(
      named.code,
      location,
      `The backup to '${target}' was not made. ${message}`,
      { cause: error, retryable: named.retryable },
    )
  }
  return new StoreError(
    'TIDINGS_STORE_FAILED',
    location,
    `${location}: the backup to '${target}' was not made: ${error instanceof Error ? error.message : String(error)}. The log itself is untouched. Check that the folder is there, can be written and has room.`,
    { cause: error },
  )
}
