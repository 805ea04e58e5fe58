import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Store } from 'tidings'
import type { SqliteStore } from 'tidings/sqlite'
import type { MigrateOptions, MigrationReport, ServerReport } from 'tidings/store'
import type { VerbContext } from '../context.ts'
import { Failure, wrongUsage } from '../failure.ts'

/** Where a log is: a file of SQLite, a database of PostgreSQL, or the memory of this process alone. */
export type StorePlace =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'memory' }

/**
 * Reads `sqlite:FILE`, `postgres://…` or `memory:`.
 *
 * @throws {Failure} wrong usage, with how to write it
 */
export function readLocation({
  location,
  cwd,
  t,
}: Pick<VerbContext, 'location' | 'cwd' | 't'>): StorePlace {
  if (location === 'memory:') return { kind: 'memory' }
  if (location.startsWith('sqlite:') && location.length > 'sqlite:'.length) {
    return { kind: 'sqlite', file: resolve(cwd, location.slice('sqlite:'.length)) }
  }
  if (/^postgres(?:ql)?:\/\/./.test(location)) return { kind: 'postgres', url: location }
  const scheme = /^[a-z][a-z0-9+]+:/.exec(location)?.[0]
  // 'app.db' and './app.db' are files whose owner forgot the word in front; 'mysql:…' is not.
  const hint =
    scheme === undefined && location !== '' ? t('store.write-it', { location }) : t('store.forms')
  throw wrongUsage(t('store.unknown-location', { location }), hint)
}

/**
 * Opens the log for a verb that only reads. A file that is not there is an error: SQLite would make an
 * empty one, and a mistyped name would look like an empty log. So is a database that holds no log.
 *
 * @throws {Failure} when there is no such file
 */
export async function openForReading(context: VerbContext): Promise<Store> {
  const place = readLocation(context)
  if (place.kind === 'sqlite') await requireLog(place.file, context)
  return open(place, context, true)
}

/** Opens the log for a verb that writes; makes the file when there is none. */
export async function openForWriting(context: VerbContext): Promise<Store> {
  return open(readLocation(context), context, false)
}

/**
 * Opens the log as the SQLite store that it is.
 *
 * @throws {Failure} when it is in memory, or the file is not there
 */
export async function openSqliteFile(context: VerbContext): Promise<SqliteStore> {
  const place = readLocation(context)
  if (place.kind !== 'sqlite')
    throw wrongUsage(context.t('store.needs-sqlite'), context.t('store.forms'))
  await requireLog(place.file, context)
  return openSqlite(place.file)
}

/**
 * Refuses a file that is not there, and a database that is something else: the store would put its own
 * tables beside those of its owner, which is right for an application and wrong for a look.
 */
async function requireLog(file: string, { t }: VerbContext): Promise<void> {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) throw noLog(file, t('store.missing', { file }), t)
  if (!stat.isFile()) throw noLog(file, t('store.not-a-file', { file }), t)
  if (await isOtherDatabase(file)) throw noLog(file, t('store.not-a-log', { file }), t)
}

function noLog(file: string, message: string, t: VerbContext['t']): Failure {
  return new Failure('TIDINGS_CLI_NO_STORE', message, {
    hint: t('store.missing-hint'),
    facts: { file },
  })
}

async function isOtherDatabase(file: string): Promise<boolean> {
  const { DatabaseSync } = await import('node:sqlite')
  let database
  try {
    database = new DatabaseSync(file, { readOnly: true })
    const sql = "select 1 from sqlite_schema where type = 'table' and name = 'schema_version'"
    return database.prepare(sql).get() === undefined
  } catch {
    // Damaged, locked, not to be read: the store says what it is, and what to do.
    return false
  } finally {
    database?.close()
  }
}

async function open(place: StorePlace, context: VerbContext, mustExist: boolean): Promise<Store> {
  if (place.kind === 'sqlite') return openSqlite(place.file)
  if (place.kind === 'postgres') return openPostgres(place.url, context, mustExist)
  const { memoryStore } = await import('tidings')
  return memoryStore()
}

/** What is used of `@tidings/postgres`. */
export interface PostgresPackage {
  readonly postgres: (options: {
    readonly connection: string
    readonly mustExist: boolean
    readonly migrate: 'auto' | 'check'
    readonly connections: number
  }) => Store
  readonly migrateSchema: (
    options: { readonly connection: string; readonly schema: string | undefined },
    how: MigrateOptions,
  ) => Promise<MigrationReport>
  readonly inspectServer: (options: { readonly connection: string }) => Promise<ServerReport>
}

/** The fewest that it takes: a verb does one thing at a time. */
const CONNECTIONS = 4

async function openPostgres(url: string, context: VerbContext, mustExist: boolean): Promise<Store> {
  const { postgres } = await loadPostgres(context)
  // Whoever only looks changes no tables.
  const migrate = mustExist ? 'check' : 'auto'
  return postgres({ connection: url, mustExist, migrate, connections: CONNECTIONS })
}

/** The package is the application's, found from where the verb is called: this one does without. */
export async function loadPostgres({ cwd, t }: VerbContext): Promise<PostgresPackage> {
  const { createRequire } = await import('node:module')
  const { pathToFileURL } = await import('node:url')
  let path: string
  try {
    path = createRequire(join(cwd, 'package.json')).resolve('@tidings/postgres')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    throw new Failure('TIDINGS_CLI_NO_STORE', t('store.needs-postgres', { folder: cwd }), {
      hint: t('store.needs-postgres-hint'),
    })
  }
  return (await import(pathToFileURL(path).href)) as PostgresPackage
}

/** A quarter of what an application has: with all of it, an import of a million events took 204 MB. */
const CACHE_BYTES = 16 * 1024 * 1024

async function openSqlite(file: string): Promise<SqliteStore> {
  const { sqlite } = await import('tidings/sqlite')
  return sqlite({ file, cacheBytes: CACHE_BYTES })
}
