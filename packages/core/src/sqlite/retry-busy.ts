import { backoffMs } from '../internal/backoff.ts'
import type { SqliteSettings } from './options.ts'
import { isBusy, toStoreError } from './store-failure.ts'

/**
 * Does a piece of work that another process may be in the way of. Waits outside SQLite, so that the
 * process goes on meanwhile.
 *
 * @throws {StoreError} `TIDINGS_STORE_BUSY` once `busyLimitMs` are waited through; other errors of the
 *   database as what they mean
 */
export async function retryBusy<Result>(
  work: () => Result,
  settings: SqliteSettings,
  signal?: AbortSignal,
): Promise<Result> {
  let waitedMs = 0
  for (let attempt = 1; ; attempt++) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || waitedMs >= settings.busyLimitMs) {
        throw toStoreError(error, settings.location)
      }
    }
    // 50 ms at the most: another process's transaction lasts about as long as one commit.
    const delayMs = backoffMs(attempt, { baseMs: 1, maxMs: 50, random: settings.random })
    await settings.clock.sleep(delayMs, signal === undefined ? undefined : { signal })
    waitedMs += delayMs
  }
}
