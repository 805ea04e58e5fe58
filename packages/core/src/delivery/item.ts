import type { StoredEnvelope } from '../contract/envelope.ts'
import type { Arrived } from './arrivals.ts'
import type { AttemptOf } from './event-context.ts'
import type { Lane } from './lanes.ts'
import type { EventPlan } from './plan-event.ts'

/** An event that was handed out, and what is to be done about it. */
export interface Item extends Arrived {
  readonly stored: StoredEnvelope
  readonly plan: Exclude<EventPlan, { readonly kind: 'pass' | 'undeclared' }>
  /** Its attempt is recorded before it is made. */
  isWatched: boolean
  /** No other handler runs beside it. */
  isAlone: boolean
  /** When it was read, milliseconds since the epoch: the age of a batch counts from its first. */
  readonly readMs: number
  /** In a transaction of its own: the group that it was in failed. */
  isSingle: boolean
  /** In that group nearly all others succeeded. */
  isOwnFault: boolean
  /** Where it waits; undefined for one that stands in no lane. */
  lane: Lane<Item> | undefined
  /** The one behind it that has its key, where both are in a group. */
  next: Item | undefined
}

export function makeItem(
  stored: StoredEnvelope,
  plan: Item['plan'],
  { isWatched, isAlone, readMs }: Pick<Item, 'isWatched' | 'isAlone' | 'readMs'>,
): Item {
  return {
    stored,
    plan,
    isWatched,
    isAlone: isAlone && plan.kind === 'handle',
    readMs,
    isSingle: isWatched,
    isOwnFault: false,
    isDone: false,
    lane: undefined,
    next: undefined,
  }
}

/** The first attempt of an event that can be handled. */
export function toAttempt(item: Item): AttemptOf {
  return { event: toEvent(item), attempt: 1, laterUsed: 0, redrives: 0 }
}

/** The event as its handler gets it. */
export function toEvent({ plan }: Item): StoredEnvelope {
  if (plan.kind !== 'handle') throw new TypeError(`An event to be ${plan.kind} came into a group`)
  return plan.event
}
