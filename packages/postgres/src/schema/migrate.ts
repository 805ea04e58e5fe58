import type pg from 'pg'
import { StoreError, toIsoTime } from 'tidings'
import { version } from 'tidings/store'

import type { PostgresSettings } from '../options.ts'
import { isServerError } from '../store-failure.ts'
import { inSchema, lockOf } from './in-schema.ts'
import { migrations, SCHEMA_NUMBER } from './migrations.ts'

const versionTable = (
  schema: string,
): string => `create table if not exists ${schema}.schema_version (
  number         integer primary key,
  minimum_reader integer not null,
  at             timestamptz not null,
  by             text not null
)`

/**
 * Brings the schema to the form that this version writes, in one transaction and under a lock, so that of
 * several processes that start at once one does it. A newer form stays as it is, if it lets a reader of
 * this version work with it.
 *
 * @throws {StoreError} `TIDINGS_STORE_TOO_NEW`, or what stands in the way
 */
export async function migrate(client: pg.ClientBase, settings: PostgresSettings): Promise<void> {
  await refuseForeign(client, settings)
  if (await isCurrent(client, settings)) return
  if (settings.mustExist) await requireLog(client, settings)
  await client.query('begin')
  try {
    await client.query(
      inSchema(`select pg_advisory_xact_lock(${lockOf('schema')})`, settings.quoted),
    )
    // Another process may have done it while this one waited for the lock.
    if (!(await isCurrent(client, settings))) await runSteps(client, settings)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

async function runSteps(client: pg.ClientBase, settings: PostgresSettings): Promise<void> {
  const { quoted, clock } = settings
  await makeSchema(client, settings)
  await client.query(versionTable(quoted))
  const from = await readVersion(client, settings)
  for (const { number, minimumReader, sql } of migrations) {
    if (number <= from) continue
    await runStep(client, settings, inSchema(sql, quoted))
    await client.query(`insert into ${quoted}.schema_version values ($1, $2, $3, $4)`, [
      number,
      minimumReader,
      toIsoTime(clock.now()),
      `tidings ${version}`,
    ])
  }
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
async function refuseForeign(client: pg.ClientBase, { location }: PostgresSettings): Promise<void> {
  const { rows } = await client.query<{ encoding: string; read_only: string }>(
    `select current_setting('server_encoding') as encoding, current_setting('transaction_read_only') as read_only`,
  )
  const [{ encoding, read_only } = { encoding: '', read_only: '' }] = rows
  if (read_only === 'on') {
    throw new StoreError(
      'TIDINGS_STORE_READ_ONLY',
      location,
      `${location}: the server, or this session, takes no writes. Connect to the primary server.`,
    )
  }
  if (encoding === 'UTF8') return
  throw new StoreError(
    'TIDINGS_STORE_FAILED',
    location,
    `${location}: the database keeps texts as ${encoding}, and a log needs UTF8. Nothing was changed. Create a database with encoding 'UTF8'.`,
  )
}

async function requireLog(client: pg.ClientBase, settings: PostgresSettings): Promise<void> {
  if (await hasVersion(client, settings)) return
  const { location, schema } = settings
  throw new StoreError(
    'TIDINGS_STORE_MISSING',
    location,
    `${location}: the database has no log in the schema '${schema}'. Nothing was made. Name another schema, or start the application that makes it.`,
  )
}

async function isCurrent(client: pg.ClientBase, settings: PostgresSettings): Promise<boolean> {
  if (!(await hasVersion(client, settings))) return false
  return (await readVersion(client, settings)) >= SCHEMA_NUMBER
}

async function hasVersion(client: pg.ClientBase, { quoted }: PostgresSettings): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    'select to_regclass($1) is not null as there',
    [`${quoted}.schema_version`],
  )
  return rows[0]?.there === true
}

async function readVersion(
  client: pg.ClientBase,
  { quoted, location }: PostgresSettings,
): Promise<number> {
  const { rows } = await client.query<{ number: number; reader: number }>(
    `select coalesce(max(number), 0) as number, coalesce(max(minimum_reader), 0) as reader from ${quoted}.schema_version`,
  )
  const [{ number, reader } = { number: 0, reader: 0 }] = rows
  if (reader <= SCHEMA_NUMBER) return number
  throw new StoreError(
    'TIDINGS_STORE_TOO_NEW',
    location,
    `${location}: the log has schema ${number} and can be read by schema ${reader} or later; this version of Tidings (${version}) has schema ${SCHEMA_NUMBER}. Nothing was changed. Install a newer version.`,
  )
}
