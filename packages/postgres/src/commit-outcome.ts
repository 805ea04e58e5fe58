import type { LogParts } from './log-parts.ts'
import { inSchema, lockOf } from './schema/in-schema.ts'
import { isConnectionLoss, toStoreError } from './store-failure.ts'

/**
 * What became of a transaction whose COMMIT was not answered. One that has appended had the lock of the
 * log: whoever gets that lock next finds its events, or they will never be there.
 *
 * @param eventId one of its events
 * @throws {StoreError} it is rolled back; or, without events, nobody can say
 */
export async function commitOutcome(
  error: unknown,
  eventId: string | undefined,
  { connections, settings }: LogParts,
): Promise<void> {
  const { quoted, location } = settings
  if (!isConnectionLoss(error) || eventId === undefined) throw toStoreError(error, location)
  const there = await connections.transact(async (session) => {
    await session.rows(inSchema(`select pg_advisory_xact_lock(${lockOf('event_log')})`, quoted))
    return session.rows(`select 1 from ${quoted}.event_log where event_id = $1`, [eventId])
  })
  if (there.length === 0) throw toStoreError(error, location)
}
