import type pg from 'pg'
import { StoreError } from 'tidings'
import { minimumReaderOf, version, type MigrationReport, type MigrationStep } from 'tidings/store'

import type { PostgresSettings } from '../options.ts'
import { isServerError } from '../store-failure.ts'
import { inSchema } from './in-schema.ts'
import { lockSchema, scriptOf, statementsOf, versionTable } from './migration-script.ts'
import { migrations, SCHEMA_NUMBER } from './migrations.ts'

/**
 * Brings the schema to the form that this version writes, in one transaction and under a lock, so that of
 * several processes that start at once one does it. A newer form stays as it is, if it lets a reader of
 * this version work with it.
 *
 * @returns what was done
 * @throws {StoreError} `TIDINGS_STORE_TOO_NEW`, `TIDINGS_STORE_TOO_OLD`, or what stands in the way
 */
export async function migrate(
  client: pg.ClientBase,
  settings: PostgresSettings,
): Promise<MigrationReport> {
  await refuseForeign(client, settings)
  const before = await readForm(client, settings)
  if (before.number >= SCHEMA_NUMBER) return reportOf(before, settings)
  if (settings.mustExist || settings.migrate === 'check') requireLog(before, settings)
  if (settings.migrate === 'check') throw tooOld(before, settings)
  await client.query('begin')
  try {
    await client.query(lockSchema(settings))
    // Another process may have done it while this one waited for the lock.
    const report = reportOf(await readForm(client, settings), settings)
    if (report.steps.length > 0) await runSteps(client, settings, report.steps)
    await client.query('commit')
    return report
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** What {@link migrate} would do. */
export async function planMigration(
  client: pg.ClientBase,
  settings: PostgresSettings,
): Promise<MigrationReport> {
  return reportOf(await readForm(client, settings), settings)
}

function reportOf(before: Form, settings: PostgresSettings): MigrationReport {
  const steps = migrations
    .filter(({ number }) => number > before.number)
    .map((step) => ({ ...step, sql: inSchema(step.sql, settings.quoted) }))
  return {
    location: settings.location,
    from: before.number,
    to: Math.max(before.number, SCHEMA_NUMBER),
    minimumReader: minimumReaderOf(steps, before.reader),
    steps,
    script: scriptOf(steps, settings),
  }
}

async function runSteps(
  client: pg.ClientBase,
  settings: PostgresSettings,
  steps: readonly MigrationStep[],
): Promise<void> {
  await makeSchema(client, settings)
  await client.query(versionTable(settings.quoted))
  for (const step of steps) await runStep(client, settings, statementsOf(step, settings))
}

/** One that is there needs no right to make one. */
async function makeSchema(
  client: pg.ClientBase,
  { schema, quoted }: PostgresSettings,
): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
  if (rowCount === 0) await client.query(`create schema ${quoted}`)
}

const DUPLICATE_TABLE = '42P07'

/** A table of the user's own may stand where a new version wants one of its own. */
async function runStep(
  client: pg.ClientBase,
  { location, schema }: PostgresSettings,
  sql: string,
): Promise<void> {
  try {
    await client.query(sql)
  } catch (error) {
    const [, name] =
      (isServerError(error) &&
        error.code === DUPLICATE_TABLE &&
        /relation "(.+)" already exists/.exec(error.message)) ||
      []
    if (name === undefined) throw error
    throw new StoreError(
      'TIDINGS_STORE_FAILED',
      location,
      `${location}: this version of Tidings (${version}) keeps something of its own in '${name}', and the schema '${schema}' has another relation of that name. Nothing was changed. Rename that one, or choose another schema.`,
      { cause: error },
    )
  }
}

/** Texts of one byte a character would not come back as they were stored. */
async function refuseForeign(
  client: pg.ClientBase,
  { location, migrate }: PostgresSettings,
): Promise<void> {
  const { rows } = await client.query<{ encoding: string; read_only: string; isolation: string }>(
    `select current_setting('server_encoding') as encoding, current_setting('transaction_read_only') as read_only,
       current_setting('default_transaction_isolation') as isolation`,
  )
  const [{ encoding, read_only, isolation } = { encoding: '', read_only: '', isolation: '' }] = rows
  // Whoever only checks the form may only mean to read.
  if (read_only === 'on' && migrate === 'auto') {
    throw new StoreError(
      'TIDINGS_STORE_READ_ONLY',
      location,
      `${location}: the server, or this session, takes no writes. Connect to the primary server.`,
    )
  }
  // What an append sees has to be newer than the lock that it waited for.
  if (isolation !== 'read committed') {
    throw new StoreError(
      'TIDINGS_STORE_FAILED',
      location,
      `${location}: transactions are ${isolation} by default here, and those of a log have to be READ COMMITTED: others would fail whenever two processes append at once. Nothing was changed. ALTER ROLE … SET default_transaction_isolation = 'read committed', or connect with \`options=-c default_transaction_isolation=read\\ committed\`.`,
    )
  }
  if (encoding === 'UTF8') return
  throw new StoreError(
    'TIDINGS_STORE_FAILED',
    location,
    `${location}: the database keeps texts as ${encoding}, and a log needs UTF8. Nothing was changed. Create a database with encoding 'UTF8'.`,
  )
}

function requireLog({ number }: Form, { location, schema }: PostgresSettings): void {
  if (number > 0) return
  throw new StoreError(
    'TIDINGS_STORE_MISSING',
    location,
    `${location}: the database has no log in the schema '${schema}'. Nothing was made. Name another schema, or make it: start the application, or tidings migrate.`,
  )
}

function tooOld({ number }: Form, { location }: PostgresSettings): StoreError {
  return new StoreError(
    'TIDINGS_STORE_TOO_OLD',
    location,
    `${location}: the log has schema ${number}; this version of Tidings (${version}) works with schema ${SCHEMA_NUMBER}. Nothing was changed. Bring it there first: tidings migrate (--dry-run shows what that does).`,
  )
}

/** The form that a log has. */
interface Form {
  /** 0: there is no log. */
  readonly number: number
  /** The lowest number of a Tidings that can work with it. */
  readonly reader: number
}

async function readForm(client: pg.ClientBase, settings: PostgresSettings): Promise<Form> {
  const { quoted, location } = settings
  if (!(await hasVersion(client, settings))) return { number: 0, reader: 0 }
  const { rows } = await client.query<Form>(
    `select coalesce(max(number), 0) as number, coalesce(max(minimum_reader), 0) as reader from ${quoted}.schema_version`,
  )
  const [form = { number: 0, reader: 0 }] = rows
  if (form.reader <= SCHEMA_NUMBER) return form
  throw new StoreError(
    'TIDINGS_STORE_TOO_NEW',
    location,
    `${location}: the log has schema ${form.number} and can be read by schema ${form.reader} or later; this version of Tidings (${version}) has schema ${SCHEMA_NUMBER}. Nothing was changed. Install a newer version.`,
  )
}

/** In the rows of the catalogue: `to_regclass` remembers what was not there before the wait for the lock. */
async function hasVersion(client: pg.ClientBase, { schema }: PostgresSettings): Promise<boolean> {
  const { rowCount } = await client.query(
    `select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = 'schema_version'`,
    [schema],
  )
  return rowCount === 1
}
