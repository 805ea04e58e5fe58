import { isTidingsError } from 'tidings'
import type { LogParts } from './log-parts.ts'
import { inSchema, lockOf } from './schema/in-schema.ts'
import { isConnectionLoss, toStoreError } from './store-failure.ts'

/**
 * What became of a transaction whose COMMIT was not answered. One that has appended had the lock of the
 * log: whoever gets that lock next finds its events, or they will never be there.
 *
 * @param eventId one of its events
 * @throws {StoreError} it is rolled back; or, without events or for as long as `reconnectLimitMs`
 *   without a server, nobody can say
 */
export async function commitOutcome(
  error: unknown,
  eventId: string | undefined,
  parts: LogParts,
): Promise<void> {
  const { location } = parts.settings
  if (!isConnectionLoss(error) || eventId === undefined) throw toStoreError(error, location)
  if (!(await isThere(eventId, parts))) throw toStoreError(error, location)
}

/** The look can be cut as well, and a restart has cut every connection that waits in the pool. */
async function isThere(eventId: string, { connections, settings }: LogParts): Promise<boolean> {
  const { quoted, clock, reconnectLimitMs } = settings
  const startMs = clock.now()
  for (;;) {
    try {
      const rows = await connections.transact(async (session) => {
        await session.rows(inSchema(`select pg_advisory_xact_lock(${lockOf('event_log')})`, quoted))
        return session.rows(`select 1 from ${quoted}.event_log where event_id = $1`, [eventId])
      })
      return rows.length > 0
    } catch (error) {
      const isCut = isTidingsError(error) && error.code === 'TIDINGS_STORE_UNREACHABLE'
      if (!isCut || clock.now() - startMs > reconnectLimitMs) throw error
    }
  }
}
