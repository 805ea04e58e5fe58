import pg from 'pg'
import { systemClock, UsageError, type Clock } from 'tidings'
import { requireWhole, type Random } from 'tidings/store'

import { placeholders } from './cells.ts'

/** Where a write to the log is. For tests that stop a process, or cut a connection, in the middle of one. */
export type AppendStep = 'before-append' | 'appended' | 'before-commit' | 'acknowledged'

/** How the server is reached: what `pg` takes (host, port, database, user, password, ssl, …). */
export type PostgresConnection = Omit<
  pg.ClientConfig,
  'types' | 'pipeline' | 'stream' | 'Promise' | 'query_timeout'
>

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, or its parts. What is left out, `pg` takes from `PGHOST` and so on. */
  readonly connection: string | PostgresConnection
  /**
   * The schema that holds the log; that of a URL with `?schema=`, else `tidings`. A database can hold
   * several logs.
   */
  readonly schema?: string | undefined
  /**
   * Connections at the most, 10 by default, from 4 up: one appends, one listens, the others are shared by
   * transactions and by readers.
   */
  readonly connections?: number | undefined
  /** How long a connection that is refused or cut is tried again: milliseconds, 5000 by default. */
  readonly reconnectLimitMs?: number | undefined
  /**
   * How long a transaction may do nothing between two of its statements: milliseconds, 8000 by default, from
   * 1 up. Then the server ends it, so that a process that stands still in the middle of one holds up nobody for
   * longer than a lease lasts. What takes long comes before the first statement.
   */
  readonly idleLimitMs?: number | undefined
  /**
   * Whether statements are prepared under a name, true by default. Through PgBouncer in transaction mode
   * they cannot be.
   */
  readonly prepare?: boolean | undefined
  /**
   * Whether `LISTEN` says at once that another process has appended, true by default. Without it, and
   * through PgBouncer in transaction mode, the log is asked every 5 to 250 ms while somebody waits.
   */
  readonly listen?: boolean | undefined
  /** Refuse to make the log when it is not there. */
  readonly mustExist?: boolean | undefined
  /**
   * What opening does with a log in an older form, or with none: `auto` brings it to that of this version
   * (by default), `check` refuses and leaves it to `tidings migrate`, by a role that may change tables.
   */
  readonly migrate?: 'auto' | 'check' | undefined
  /** For tests: the time of leases and records, in place of the database's own. */
  readonly clock?: Clock | undefined
  /** Chances for the waiting between attempts to connect. */
  readonly random?: Random | undefined
  /** For tests: called at each step of a write to the log. What it throws, strikes there. */
  readonly onStep?: ((step: AppendStep) => void | Promise<void>) | undefined
}

export interface PostgresSettings {
  readonly connection: pg.ClientConfig
  /** As it is. */
  readonly schema: string
  /** As a statement names it. */
  readonly quoted: string
  /** The calls of the functions that append: made once, for each copy of a text has to be hashed anew. */
  readonly appendBatchSql: string
  readonly appendPlainSql: string
  readonly connections: number
  readonly reconnectLimitMs: number
  /** How long a server that is there may take to let somebody in: one that stands still never does. */
  readonly connectTimeoutMs: number
  /** The statement that begins a transaction. */
  readonly beginSql: string
  readonly prepare: boolean
  readonly listen: boolean
  readonly mustExist: boolean
  readonly migrate: 'auto' | 'check'
  /** For waiting; and for times, where it was given. */
  readonly clock: Clock
  /** Undefined: the database tells the time. */
  readonly now: (() => number) | undefined
  readonly random: Random
  /** For messages: without user and password. */
  readonly location: string
  readonly step: ((step: AppendStep) => void | Promise<void>) | undefined
}

/** Also where a refusal is to be told at once, a server takes some time to answer. */
const LEAST_CONNECT_MS = 1000

/** @throws {UsageError} an option that cannot be */
export function readOptions(given: string | PostgresOptions): PostgresSettings {
  const options = typeof given === 'string' ? { connection: given } : given
  const { connections = 10, reconnectLimitMs = 5000, idleLimitMs = 8000 } = options
  const schema = options.schema ?? schemaOf(options.connection) ?? 'tidings'
  checkSchema(schema)
  requireWhole('connections', connections, 4)
  requireWhole('reconnectLimitMs', reconnectLimitMs, 0)
  requireWhole('idleLimitMs', idleLimitMs, 1)
  const { clock } = options
  const quoted = pg.escapeIdentifier(schema)
  const connection = connectionOf(options.connection)
  return {
    connection,
    schema,
    quoted,
    appendBatchSql: `select * from ${quoted}.append_batch(${placeholders(25)})`,
    appendPlainSql: `select * from ${quoted}.append_plain(${placeholders(22)})`,
    connections,
    reconnectLimitMs,
    connectTimeoutMs:
      connection.connectionTimeoutMillis ?? Math.max(reconnectLimitMs, LEAST_CONNECT_MS),
    // In one journey, and for this transaction alone: behind PgBouncer others have the connection later.
    beginSql: `begin; set local idle_in_transaction_session_timeout = ${idleLimitMs}`,
    prepare: options.prepare ?? true,
    listen: options.listen ?? true,
    mustExist: options.mustExist ?? false,
    migrate: checkMigrate(options.migrate),
    clock: clock ?? systemClock,
    now: clock && (() => Math.floor(clock.now())),
    random: options.random ?? Math.random,
    location: locationOf(options.connection, schema),
    step: options.onStep,
  }
}

/** PostgreSQL cuts longer names off, and two logs would be one. */
const MAX_NAME_BYTES = 63

function checkSchema(schema: string): void {
  const fits =
    typeof schema === 'string' &&
    schema !== '' &&
    !schema.startsWith('pg_') &&
    // It stands in the bodies of functions, which are quoted by dollars.
    !/[\0$]/.test(schema) &&
    Buffer.byteLength(schema) <= MAX_NAME_BYTES
  if (fits) return
  throw invalid(
    `'schema' is a name of 1 to ${MAX_NAME_BYTES} bytes that does not begin with pg_ and has no $; got ${JSON.stringify(schema)}`,
  )
}

function checkMigrate(migrate: PostgresOptions['migrate'] = 'auto'): 'auto' | 'check' {
  if (migrate === 'auto' || migrate === 'check') return migrate
  throw invalid(`'migrate' is 'auto' or 'check'; got ${JSON.stringify(migrate)}`)
}

function connectionOf(given: string | PostgresConnection): pg.ClientConfig {
  const config = typeof given === 'string' ? { connectionString: given } : { ...given }
  // A server whose machine is gone says nothing: Node then asks ten times, once a second. The system's own
  // default is to ask after two hours.
  const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 }
  return { application_name: 'tidings', ...keepAlive, ...config }
}

/** As a location says it. What is no URL, or not yet, is for {@link locationOf} to refuse. */
function schemaOf(given: string | PostgresConnection): string | undefined {
  const text = typeof given === 'string' ? given : given.connectionString
  if (text === undefined || !URL.canParse(text)) return undefined
  return new URL(text).searchParams.get('schema') ?? undefined
}

/** What `pg` makes of it, the names in the environment included; nothing is connected. */
function locationOf(given: string | PostgresConnection, schema: string): string {
  const location = new URL('postgres://localhost')
  try {
    const { host, port, database } = new pg.Client(connectionOf(given))
    // A path is that of a socket's folder.
    if (host.startsWith('/')) location.searchParams.set('host', host)
    else location.host = `${host}:${port}`
    location.pathname = `/${database ?? ''}`
  } catch {
    // What it throws holds the whole text, and so the password.
    throw invalid("'connection' is postgres://user:password@host:port/database, or its parts")
  }
  location.searchParams.set('schema', schema)
  return location.href
}

function invalid(problem: string): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `postgres(): ${problem}. Nothing was opened. Correct the call.`,
  )
}
