import type { StoredEnvelope } from '../contract/envelope.ts'
import type { Registry } from '../contract/registry.ts'
import { isTidingsError } from '../errors/tidings-error.ts'
import type { SubscriptionPlan } from './define-subscription.ts'
import type { Selection } from './selection.ts'

/**
 * What is to be done about an event that was read:
 * - `pass`: nothing, it is not the subscription's, or its filter says no;
 * - `undeclared`: nothing, but it is counted: a glob fits it and nobody here declared it;
 * - `handle`: the event as its contract says it today;
 * - `newer`: another process may know its version;
 * - `unreadable`: it fits no version of its contract;
 * - `broken`: the subscription's own filter or key function threw.
 */
export type EventPlan =
  | { readonly kind: 'pass' }
  | { readonly kind: 'undeclared' }
  | { readonly kind: 'handle'; readonly event: StoredEnvelope; readonly key: string }
  | {
      readonly kind: 'newer' | 'unreadable' | 'broken'
      readonly error: unknown
      readonly key: string
    }

const PASS: EventPlan = Object.freeze({ kind: 'pass' })
const UNDECLARED: EventPlan = Object.freeze({ kind: 'undeclared' })

/** The order that a subscription keeps, for an event of which nothing is known but its envelope. */
export function ownKey(plan: Pick<SubscriptionPlan, 'order'>, event: StoredEnvelope): string {
  if (plan.order === 'all') return ''
  if (plan.order === 'none') return event.eventId
  return event.key ?? event.aggregateId
}

/** Decides about an event of the log. Reads it through its contract; beyond that it is pure. */
export function planEvent(
  event: StoredEnvelope,
  selection: Selection,
  from: {
    readonly plan: Pick<SubscriptionPlan, 'filter' | 'key' | 'order' | 'readsRaw'>
    readonly registry: Registry
  },
): EventPlan {
  // There is nothing left to handle, nor to send.
  if (event.erased === true) return PASS
  const choice = selection.choose(event.eventType)
  if (choice === 'other') return PASS
  if (choice === 'undeclared') return UNDECLARED
  return planWanted(event, from)
}

function planWanted(
  stored: StoredEnvelope,
  {
    plan,
    registry,
  }: {
    readonly plan: Pick<SubscriptionPlan, 'filter' | 'key' | 'order' | 'readsRaw'>
    readonly registry: Registry
  },
): EventPlan {
  let event: StoredEnvelope
  try {
    event = plan.readsRaw ? stored : registry.read(stored)
  } catch (error) {
    const isNewer = isTidingsError(error) && error.code === 'TIDINGS_VERSION_UNKNOWN'
    return { kind: isNewer ? 'newer' : 'unreadable', error, key: ownKey(plan, stored) }
  }
  try {
    if (plan.filter !== undefined && !plan.filter(event)) return PASS
    return { kind: 'handle', event, key: keyOf(plan, event) }
  } catch (error) {
    return { kind: 'broken', error, key: ownKey(plan, stored) }
  }
}

function keyOf(plan: Pick<SubscriptionPlan, 'key' | 'order'>, event: StoredEnvelope): string {
  if (plan.key === undefined || plan.order !== 'key') return ownKey(plan, event)
  const key: unknown = plan.key(event)
  if (typeof key === 'string') return key
  throw new TypeError(
    `The key of an event is a text; the key function answered with ${typeof key}. Mend it, then redrive the event.`,
  )
}
