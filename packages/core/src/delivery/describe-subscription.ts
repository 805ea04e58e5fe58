import { UnknownSubscriptionError } from '../errors/operation-errors.ts'
import type { Clock } from '../internal/clock.ts'
import { nearestNames } from '../internal/nearest.ts'
import { parseNormalTime } from '../internal/time.ts'
import type { Lease } from '../store/lease-store.ts'
import type { ParkedKey } from '../store/parked-store.ts'
import type { Store } from '../store/store.ts'
import type { SubscriptionRecord, SubscriptionState } from '../store/subscription-store.ts'
import { TIMERS } from './timer-runner.ts'

/** A subscription as everybody can see it from its store. */
export interface SubscriptionOverview {
  readonly name: string
  readonly generation: number
  /** Every event up to here is handled, skipped or parked. */
  readonly position: number
  /** As its owner said it last; without an owner nobody keeps it true any more. */
  readonly state: SubscriptionState
  readonly reason: string
  readonly stateSince: string
  /** Somebody paused it, and nobody has resumed it. */
  readonly isPaused: boolean
  /** Who runs it; undefined: nobody now, its lease has run out or was let go. */
  readonly owner: string | undefined
  /** Who ran it last. */
  readonly lastOwner: string
  /** Until when the owner's lease lasts; undefined where nobody has one. */
  readonly leaseUntil: string | undefined
  /** Positions between the mark and the end of the log that are not done: no fewer events are to be looked at. */
  readonly lagEvents: number
  /** How long ago the first event that is not handled was recorded; 0 where there is none. */
  readonly lagMs: number
  /** Positions behind the mark that are done. */
  readonly ahead: number
  /** Put aside and unfinished, dead letters and those behind others included. */
  readonly parked: number
  /** First of their keys, and waiting for a person. */
  readonly deadLetters: number
}

/** How it is looked at subscriptions. */
export interface Lookout {
  readonly clock: Clock
  /** Whether an owner is known to be dead: then its lease does not count. */
  readonly isDead: (owner: string) => boolean
}

/** All that ever ran on this log, in order of name. */
export async function describeSubscriptions(
  store: Store,
  lookout: Lookout,
): Promise<readonly SubscriptionOverview[]> {
  const records = await listSubscriptions(store)
  return Promise.all(records.map((record) => describe(store, record, lookout)))
}

/** @throws {UnknownSubscriptionError} with the nearest names */
export async function describeSubscription(
  store: Store,
  name: string,
  lookout: Lookout,
): Promise<SubscriptionOverview> {
  return describe(store, await requireSubscription(store, name), lookout)
}

/** @throws {UnknownSubscriptionError} with the nearest names */
export async function requireSubscription(store: Store, name: string): Promise<SubscriptionRecord> {
  const record = await store.subscriptions.find(name)
  if (record !== undefined && name !== TIMERS) return record
  const known = await listSubscriptions(store)
  const names = known.map((one) => one.name)
  throw new UnknownSubscriptionError(name, nearestNames(name, names))
}

/** Without what the timers are owned under: it follows no events, and would seem to lag for ever. */
async function listSubscriptions(store: Store): Promise<readonly SubscriptionRecord[]> {
  const records = await store.subscriptions.list()
  return records.filter(({ name }) => name !== TIMERS)
}

async function describe(
  store: Store,
  record: SubscriptionRecord,
  lookout: Lookout,
): Promise<SubscriptionOverview> {
  const { name, generation, position } = record
  const lease = await liveLease(store, name, lookout)
  const ahead = await store.subscriptions.countAhead(name)
  const keys = await store.parked.keys(name, generation)
  return {
    name,
    generation,
    position,
    state: record.state,
    reason: record.reason,
    stateSince: record.stateSince,
    isPaused: record.paused,
    owner: lease?.owner,
    lastOwner: record.owner,
    leaseUntil: lease?.expiresAt,
    lagEvents: Math.max(0, (await store.head()) - position - ahead),
    lagMs: await lagOf(store, position, lookout.clock),
    ahead,
    parked: keys.reduce((sum, { count }) => sum + count, 0),
    deadLetters: keys.filter(isDeadLetter).length,
  }
}

async function liveLease(
  store: Store,
  name: string,
  { clock, isDead }: Lookout,
): Promise<Lease | undefined> {
  const lease = await store.leases.find(name)
  if (lease === undefined || parseNormalTime(lease.expiresAt) <= clock.now()) return undefined
  return isDead(lease.owner) ? undefined : lease
}

/** The mark stands before the first event that is not handled. */
async function lagOf(store: Store, position: number, clock: Clock): Promise<number> {
  const [next] = await store.readAll({ after: position, limit: 1 }).toArray()
  return next === undefined ? 0 : Math.max(0, clock.now() - parseNormalTime(next.recordedAt))
}

/** Nothing but a person moves it on. */
export function isDeadLetter({ head }: Pick<ParkedKey, 'head'>): boolean {
  return head.state === 'parked' && head.reason !== 'behind' && head.dueAt === undefined
}
