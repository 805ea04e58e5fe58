import { FencedError } from '../errors/store-errors.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { parseIsoTime } from '../internal/time.ts'
import { requireWhole } from './event-reader.ts'
import type { ProgressChange } from './subscription-store.ts'

/**
 * A time of a filter, as milliseconds since the epoch.
 *
 * @throws {UsageError} a text that is no time
 */
export function requireTime(name: string, text: string): number {
  const timeMs = parseIsoTime(text)
  if (timeMs !== undefined) return timeMs
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `'${name}' is an ISO 8601 time with offset, for example 2026-11-21T09:30:00.000Z; got '${text}'. Nothing was read. Correct the call.`,
  )
}

/**
 * How many at the most; undefined: all.
 *
 * @throws {UsageError} no whole number from 0 up
 */
export function requireLimit(limit: number | undefined): void {
  if (limit !== undefined) requireWhole('limit', limit, 0)
}

/**
 * Refuses a step that leads back: what was handled before it would be handled again.
 *
 * @throws {UsageError} `TIDINGS_ARGUMENT_INVALID`
 */
export function checkProgress({ subscription, mark }: ProgressChange): void {
  if (mark === undefined || mark.to >= mark.from) return
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `The mark of '${subscription}' moves forward only; this step leads from ${mark.from} back to ${mark.to}. Nothing was stored. Reset the subscription to begin again from an earlier position.`,
  )
}

/**
 * Refuses positions that the mark has passed: they are done, and somebody did them who has heard nothing of it.
 *
 * @param mark where it was before this step
 * @throws {FencedError}
 */
export function requireNew(
  { subscription, token, ahead = [] }: ProgressChange,
  mark: number,
): void {
  if (ahead.some((position) => position <= mark)) throw new FencedError(subscription, token)
}
