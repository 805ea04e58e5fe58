import pg from 'pg'
import type { MigrateOptions, MigrationReport } from 'tidings/store'

import { connectAgain } from './connections.ts'
import { readOptions, type PostgresOptions } from './options.ts'
import { migrate, planMigration } from './schema/migrate.ts'
import { toStoreError } from './store-failure.ts'

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
  let client: pg.Client | undefined
  try {
    client = await connectAgain(settings, async () => {
      const next = new pg.Client(settings.connection)
      // What uses it gets its error.
      next.on('error', () => undefined)
      await next.connect()
      return next
    })
    return await (dryRun ? planMigration(client, settings) : migrate(client, settings))
  } catch (error) {
    throw toStoreError(error, settings.location)
  } finally {
    await client?.end()
  }
}
