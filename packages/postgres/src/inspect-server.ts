import type pg from 'pg'
import type { ServerReport } from 'tidings/store'

import { withClient } from './connections.ts'
import { readOptions, type PostgresOptions, type PostgresSettings } from './options.ts'
import {
  readBloat,
  readDeferred,
  readLock,
  readServer,
  readSessions,
  readVersion,
} from './server-facts.ts'

export interface InspectOptions {
  /** From when on a transaction is told of: seconds it has been open, 60 by default. */
  readonly longSeconds?: number | undefined
}

/** A message takes a millisecond; on a machine that is very busy, more. */
const HEARING_MS = 1000

/**
 * How the server of a log is doing. It changes nothing, and works where the log cannot be opened.
 *
 * @throws {StoreError} the server cannot be reached, or does not let this user in
 */
export async function inspectServer(
  given: string | PostgresOptions,
  { longSeconds = 60 }: InspectOptions = {},
): Promise<ServerReport> {
  const settings = readOptions(given)
  return withClient(settings, async (client) => ({
    ...(await readServer(client)),
    ...(await readSessions(client, longSeconds)),
    schema: await readVersion(client, settings),
    lock: await readLock(client, settings),
    bloat: await readBloat(client, settings),
    deferred: await readDeferred(client, settings),
    hearsMessages: await hearsMessages(client, settings),
  }))
}

/** Through a pooler that gives each transaction another connection, LISTEN is answered and nothing comes. */
async function hearsMessages(client: pg.Client, settings: PostgresSettings): Promise<boolean> {
  // A standby takes no LISTEN.
  const { rows } = await client.query<{ standby: boolean; pid: number }>(
    'select pg_is_in_recovery() as standby, pg_backend_pid() as pid',
  )
  if (rows[0]?.standby !== false) return false
  // Of this look alone. A channel has no more than 63 bytes, which the name of a schema may have by itself.
  const channel = `tidings_doctor_${rows[0].pid}`
  const { promise, resolve } = Promise.withResolvers<boolean>()
  client.on('notification', () => resolve(true))
  await client.query(`listen ${client.escapeIdentifier(channel)}`)
  const over = new AbortController()
  const waiting = settings.clock.sleep(HEARING_MS, { signal: over.signal }).then(
    () => false,
    () => false,
  )
  await withClient(settings, (other) => other.query('select pg_notify($1, $2)', [channel, '']))
  const heard = await Promise.race([promise, waiting])
  over.abort()
  return heard
}
