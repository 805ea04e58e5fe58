import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

import { toIsoTime } from '../internal/time.ts'
import { version } from '../internal/version.ts'
import {
  minimumReaderOf,
  type MigrateOptions,
  type MigrationReport,
  type MigrationStep,
} from '../store/migration-report.ts'
import { readOptions, type SqliteOptions, type SqliteSettings } from './options.ts'
import { VERSION_TABLE } from './schema/migrate.ts'
import { migrations } from './schema/migrations.ts'
import { requireReadable } from './schema/schema-version.ts'
import { sqlite } from './sqlite-store.ts'
import { toStoreError } from './store-failure.ts'

/** Looks, does it where it shall, and says what that was. */
export async function migrateFile(
  given: string | SqliteOptions,
  { dryRun = false }: MigrateOptions,
): Promise<MigrationReport> {
  const settings = readOptions(given)
  const before = readForm(settings)
  const steps = migrations.filter(({ number }) => number > before.number)
  if (!dryRun && steps.length > 0) {
    await using store = sqlite(given)
    await store.open()
  }
  return {
    location: settings.location,
    from: before.number,
    to: Math.max(before.number, steps.at(-1)?.number ?? 0),
    minimumReader: minimumReaderOf(steps, before.reader),
    steps,
    script: steps.length === 0 ? '' : scriptOf(steps, settings),
  }
}

function readForm(settings: SqliteSettings): { readonly number: number; readonly reader: number } {
  if (!existsSync(settings.file)) return { number: 0, reader: 0 }
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(settings.file, { readOnly: true })
    const table = "select 1 from sqlite_schema where type = 'table' and name = 'schema_version'"
    if (database.prepare(table).get() === undefined) return { number: 0, reader: 0 }
    return requireReadable(database, settings)
  } catch (error) {
    throw toStoreError(error, settings.location)
  } finally {
    database?.close()
  }
}

function scriptOf(steps: readonly MigrationStep[], { clock }: SqliteSettings): string {
  const at = toIsoTime(clock.now())
  const parts = steps.map(
    ({ number, minimumReader, sql }) =>
      `${sql.trim()}\ninsert into schema_version values (${number}, ${minimumReader}, '${at}', 'tidings ${version}');`,
  )
  return ['begin immediate;', `${VERSION_TABLE};`, ...parts, 'commit;'].join('\n\n')
}
