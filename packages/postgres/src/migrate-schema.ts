import type { MigrateOptions, MigrationReport } from 'tidings/store'

import { withClient } from './connections.ts'
import { readOptions, type PostgresOptions } from './options.ts'
import { migrate, planMigration } from './schema/migrate.ts'

/**
 * Brings a log to the form of this version, as opening it does, and says what that was. Of several that do
 * it at once one does it, and the others wait. A log that is not there is made.
 *
 * @throws {StoreError} the server cannot be reached, the role may not do it, or the log is newer than this
 *   version can read
 */
export async function migrateSchema(
  given: string | PostgresOptions,
  { dryRun = false }: MigrateOptions = {},
): Promise<MigrationReport> {
  const options = typeof given === 'string' ? { connection: given } : given
  const settings = readOptions({ ...options, mustExist: false, migrate: 'auto' })
  return withClient(settings, (client) =>
    dryRun ? planMigration(client, settings) : migrate(client, settings),
  )
}
