import type { MigrateOptions, MigrationReport } from '../store/migration-report.ts'
import type { SqliteOptions } from './options.ts'

/**
 * Brings a file to the form of this version, as opening it does, and says what that was. A file that is
 * not there is made.
 *
 * @throws {StoreError} the file cannot be read or written, or is newer than this version can read
 */
export async function migrateSchema(
  given: string | SqliteOptions,
  how: MigrateOptions = {},
): Promise<MigrationReport> {
  // Every program that opens a file loads this one; few call it.
  const { migrateFile } = await import('./migrate-file.ts')
  return migrateFile(given, how)
}
