import type { StoredEnvelope } from '../contract/envelope.ts'
import type { SubscriptionPlan } from './define-subscription.ts'
import type { Item } from './item.ts'
import type { EventRunner, Outcome } from './event-runner.ts'
import type { SessionHolds } from './session-holds.ts'

export interface SpecialParts {
  readonly unreadable: SubscriptionPlan['unreadable']
  readonly runner: EventRunner
  readonly holds: SessionHolds
  /** Since when an event of a newer version was in the way, by position. */
  readonly newerSince: Map<number, number>
  readonly now: () => number
  /** Lets another process have the subscription. */
  readonly offer: () => void
  readonly holdForPerson: (reason: string) => Promise<void>
  readonly passedOver: (event: StoredEnvelope) => void
}

/** An event that no process knows the version of is parked after this time. */
const NEWER_LIMIT_MS = 600_000
/** How long it is waited for in one session, before the lease is offered to others. */
const OFFER_AFTER_MS = 5000

/** What becomes of an event that cannot be given to a handler. @throws {SessionOver} */
export async function handleSpecial(parts: SpecialParts, { plan, stored }: Item): Promise<Outcome> {
  const parking = { event: stored, key: plan.key }
  switch (plan.kind) {
    case 'newer':
      await waitForNewer(parts, stored, plan.error)
      return parkNewer(parts, parking, plan.error)
    case 'broken':
      return parts.runner.park(parking, 'failed', plan.error)
    case 'unreadable':
      return handleUnreadable(parts, parking, plan.error)
    default:
      throw new TypeError('An event that can be handled is no special one.')
  }
}

async function handleUnreadable(
  { unreadable, runner, passedOver, holdForPerson }: SpecialParts,
  parking: { readonly event: StoredEnvelope; readonly key: string },
  error: unknown,
): Promise<Outcome> {
  if (unreadable === 'skip') {
    passedOver(parking.event)
    return runner.skip(parking.event)
  }
  if (unreadable === 'stop') await holdForPerson(`${parking.event.eventId}: ${String(error)}`)
  return runner.park(parking, 'unreadable', error)
}

/** One that may not be parked now has waited nevertheless. */
async function parkNewer(
  { runner, newerSince }: SpecialParts,
  parking: { readonly event: StoredEnvelope; readonly key: string },
  error: unknown,
): Promise<Outcome> {
  const outcome = await runner.park(parking, 'unknown-version', error)
  if (outcome !== 'held') newerSince.delete(parking.event.position)
  return outcome
}

/** Answers when nobody came who knows its version. Until then others are offered the lease. */
async function waitForNewer(
  { newerSince, now, holds, offer }: SpecialParts,
  stored: StoredEnvelope,
  error: unknown,
): Promise<void> {
  const since = newerSince.get(stored.position) ?? now()
  newerSince.set(stored.position, since)
  const leftMs = (): number => NEWER_LIMIT_MS - (now() - since)
  if (leftMs() > 0) {
    holds.setNewer(`${stored.eventType} at position ${stored.position}: ${String(error)}`)
    await holds.pause(Math.min(OFFER_AFTER_MS, leftMs()))
  }
  if (leftMs() > 0) {
    // It goes on to be shown as waiting until somebody else has it, or it is taken up again.
    offer()
    holds.requireRunning()
  }
  holds.setNewer(undefined)
}
