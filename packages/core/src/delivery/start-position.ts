import { UsageError } from '../errors/usage-errors.ts'
import { parseIsoTime, toIsoTime } from '../internal/time.ts'
import type { Store } from '../store/store.ts'
import type { StartFrom } from './define-subscription.ts'

/**
 * The position behind which a subscription begins.
 *
 * @throws {UsageError} a position that the log has not reached, a time that is none
 */
export async function startPosition(
  store: Pick<Store, 'head' | 'readAll'>,
  from: StartFrom,
): Promise<number> {
  if (from === 'beginning') return 0
  const head = await store.head()
  if (from === 'end') return head
  if (typeof from === 'number') return requirePosition(from, head)
  const timeMs = parseIsoTime(from.time)
  if (timeMs === undefined) {
    throw new UsageError(
      'TIDINGS_ARGUMENT_INVALID',
      `A subscription begins at an ISO 8601 time with offset, for example 2026-11-28T09:00:00Z; got '${from.time}'. Nothing was changed.`,
    )
  }
  return positionBefore(store, toIsoTime(timeMs), head)
}

function requirePosition(position: number, head: number): number {
  if (Number.isSafeInteger(position) && position >= 0 && position <= head) return position
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `A subscription begins behind a position of the log, from 0 to ${head}; got ${position}. Nothing was changed.`,
  )
}

/** The last position that was recorded before a time. Recorded times never fall, so it is searched by halves. */
async function positionBefore(
  store: Pick<Store, 'readAll'>,
  time: string,
  head: number,
): Promise<number> {
  let low = 0
  let high = head
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [next] = await store.readAll({ after: middle, limit: 1 }).toArray()
    if (next !== undefined && next.recordedAt < time) low = next.position
    else high = middle
  }
  return low
}
