import type pg from 'pg'
import type { ServerReport, ServerSession, TableBloat } from 'tidings/store'

import type { PostgresSettings } from './options.ts'
import { inSchema, lockOf } from './schema/in-schema.ts'

/** The oldest that is tested. */
const OLDEST = 15
/** Fewer dead rows are the usual state between two vacuums. */
const DEAD_ROWS = 50_000
const DEAD_SHARE = 0.2

type Client = Pick<pg.ClientBase, 'query'>

type ServerFacts = Pick<
  ServerReport,
  | 'version'
  | 'isSupported'
  | 'isReadOnly'
  | 'synchronousCommit'
  | 'fsync'
  | 'fullPageWrites'
  | 'connections'
>

export async function readServer(client: Client): Promise<ServerFacts> {
  const row = await one<{
    version: string
    number: number
    read_only: boolean
    sync: string
    fsync: boolean
    pages: boolean
    used: number
    max: number
  }>(
    client,
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       current_setting('transaction_read_only') = 'on' as read_only, current_setting('synchronous_commit') as sync,
       current_setting('fsync') = 'on' as fsync, current_setting('full_page_writes') = 'on' as pages,
       (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as used,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as max`,
  )
  return {
    version: row.version,
    isSupported: row.number >= OLDEST * 10_000,
    isReadOnly: row.read_only,
    synchronousCommit: row.sync,
    fsync: row.fsync,
    fullPageWrites: row.pages,
    connections: { used: row.used, max: row.max },
  }
}

const SESSION = `a.pid, coalesce(a.application_name, '') as application, coalesce(a.usename, '') as user,
  coalesce(a.state, '') as state, coalesce(date_part('epoch', clock_timestamp() - a.xact_start), 0) as seconds`

/** Those of this database, and what holds back the clearing of dead rows in it. */
export async function readSessions(
  client: Client,
  longSeconds: number,
): Promise<Pick<ServerReport, 'longTransactions' | 'hiddenSessions'>> {
  const { rows } = await client.query<ServerSession>(
    `select ${SESSION} from pg_stat_activity a
     where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
       and a.xact_start < clock_timestamp() - make_interval(secs => $1)
     order by a.xact_start limit 20`,
    [longSeconds],
  )
  const { hidden } = await one<{ hidden: number }>(
    client,
    `select count(*)::int as hidden from pg_stat_activity
     where datname = current_database() and query = '<insufficient privilege>'`,
  )
  return { longTransactions: rows, hiddenSessions: hidden }
}

export async function readVersion(
  client: Client,
  settings: PostgresSettings,
): Promise<ServerReport['schema']> {
  if (!(await mayRead(client, settings, 'schema_version'))) return undefined
  const { rows } = await client.query<{ number: number; by: string }>(
    `select number, by from ${settings.quoted}.schema_version order by number desc limit 1`,
  )
  return rows[0]
}

/** Who has the lock of this log: the halves of its number are two columns. */
export async function readLock(
  client: Client,
  { quoted }: PostgresSettings,
): Promise<ServerReport['lock']> {
  const { rows } = await client.query<ServerSession & { granted: boolean }>(
    inSchema(
      `select l.granted, ${SESSION} from (select ${lockOf('event_log')} as number) k
       join pg_locks l on l.locktype = 'advisory' and l.objsubid = 1
         and l.classid::bigint = (k.number >> 32) & 4294967295 and l.objid::bigint = k.number & 4294967295
         and l.database = (select oid from pg_database where datname = current_database())
       join pg_stat_activity a on a.pid = l.pid`,
      quoted,
    ),
  )
  const held = rows.find(({ granted }) => granted)
  if (held === undefined) return { holder: undefined, waiting: rows.length }
  const { granted: _, ...holder } = held
  return { holder, waiting: rows.length - 1 }
}

export async function readBloat(
  client: Client,
  { schema }: PostgresSettings,
): Promise<readonly TableBloat[]> {
  const { rows } = await client.query<TableBloat>(
    `select relname as table, n_live_tup::float8 as live, n_dead_tup::float8 as dead from pg_stat_user_tables
     where schemaname = $1 and n_dead_tup >= $2 and n_dead_tup > $3::float8 * (n_live_tup + n_dead_tup)
     order by n_dead_tup desc`,
    [schema, DEAD_ROWS, DEAD_SHARE],
  )
  return rows
}

export async function readDeferred(
  client: Client,
  settings: PostgresSettings,
): Promise<ServerReport['deferred']> {
  const none = { waiting: 0, oldestSeconds: 0, refused: 0 }
  if (!(await mayRead(client, settings, 'deferred_appends'))) return none
  return one<ServerReport['deferred']>(
    client,
    `select count(*) filter (where refused is null)::int as waiting,
       coalesce(date_part('epoch', clock_timestamp() - min(deferred_at) filter (where refused is null)), 0) as "oldestSeconds",
       count(*) filter (where refused is not null)::int as refused
     from ${settings.quoted}.deferred_appends`,
  )
}

/** Whether a table is there, and this role may look into it. */
async function mayRead(
  client: Client,
  { schema }: PostgresSettings,
  table: string,
): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as may
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [schema, table],
  )
  return rows[0]?.may === true
}

async function one<Row extends pg.QueryResultRow>(client: Client, sql: string): Promise<Row> {
  const { rows } = await client.query<Row>(sql)
  const [row] = rows
  if (row === undefined) throw new Error('An aggregate has no row.')
  return row
}
