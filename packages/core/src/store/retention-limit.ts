import { UsageError } from '../errors/usage-errors.ts'
import { requireTime } from './check-arguments.ts'
import type { OperationRecord } from './operation-store.ts'
import type { ErasureRequest, RetentionChoice } from './retention-store.ts'
import type { SubscriptionRecord } from './subscription-store.ts'

/** The subscription that sends events to topics. */
const RELAY = 'relay'

/** Records that fence somebody and stand nowhere in the log. */
export const NO_READERS: readonly string[] = ['timers']

/** What a store looks at before it deletes, all of one moment. */
export interface RetentionFacts {
  readonly subscriptions: readonly Pick<SubscriptionRecord, 'name' | 'position'>[]
  /** Those that are requested or running. */
  readonly operations: readonly Pick<OperationRecord, 'kind' | 'request'>[]
  /** The position of the last event. */
  readonly head: number
}

/** How far events may go. */
export interface RetentionLimit {
  /** Nothing beyond this position. */
  readonly upTo: number
  readonly beforeMs: number
  /** Whether what has a topic may go too. */
  readonly sent: boolean
}

/**
 * How far a choice reaches: up to the slowest subscription and the earliest reset, and never to the
 * last event, whose position and time the next one has to be beyond.
 *
 * @throws {UsageError} a time that is none
 */
export function limitRetention(facts: RetentionFacts, choice: RetentionChoice): RetentionLimit {
  const ignored = new Set([...NO_READERS, ...(choice.ignore ?? [])])
  const marks = facts.subscriptions
    .filter(({ name }) => !ignored.has(name))
    .map(({ position }) => position)
  const resets = facts.operations
    .filter(({ kind }) => kind === 'reset')
    .map(({ request }) => Number(request['position'] ?? 0))
  const hasRelay = facts.subscriptions.some(({ name }) => name === RELAY)
  return {
    upTo: Math.min(facts.head - 1, ...marks, ...resets),
    beforeMs: requireTime('before', choice.before),
    sent: hasRelay || choice.unsent === true,
  }
}

/** @throws {UsageError} nothing is named, or nobody asked */
export function checkErasure({
  streams = [],
  eventIds = [],
  ...who
}: Pick<ErasureRequest, 'streams' | 'eventIds'> &
  Partial<Pick<ErasureRequest, 'requestedBy' | 'reason'>>): void {
  const problem =
    streams.length + eventIds.length === 0
      ? 'An erasure names streams or events; this one names none.'
      : who.requestedBy === '' || who.reason === ''
        ? 'An erasure says who asked for it and why; this one leaves it empty.'
        : undefined
  if (problem === undefined) return
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `${problem} Nothing was erased. Correct the call.`,
  )
}

/** What an attempt that failed is kept as, when what it said may hold what was erased. */
export const ERASED_MESSAGE = '[erased]'
