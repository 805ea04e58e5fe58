import { UnknownSubscriptionError } from '../errors/operation-errors.ts'
import type { Clock } from '../internal/clock.ts'
import { nearestNames } from '../internal/nearest.ts'
import { parseNormalTime } from '../internal/time.ts'
import type { Lease } from '../store/lease-store.ts'
import type { ParkedKey } from '../store/parked-store.ts'
import type { Store } from '../store/store.ts'
import type { SubscriptionRecord, SubscriptionState } from '../store/subscription-store.ts'
import { readRecordName, shardName } from './shards.ts'
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
  /** Those of a subscription that has some; what is said above is then said of all of them. */
  readonly shards?: readonly ShardOverview[]
}

/** A shard as everybody can see it from its store. */
export interface ShardOverview extends Pick<
  SubscriptionOverview,
  'position' | 'state' | 'reason' | 'stateSince' | 'owner' | 'lagEvents' | 'lagMs'
> {
  /** From 0. */
  readonly index: number
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
  const all = await store.subscriptions.list()
  return Promise.all(
    currentOf(all).map((layout) => describeLayout(store, layout, { all, ...lookout })),
  )
}

/** @throws {UnknownSubscriptionError} with the nearest names */
export async function describeSubscription(
  store: Store,
  name: string,
  lookout: Lookout,
): Promise<SubscriptionOverview> {
  const all = await store.subscriptions.list()
  return describeLayout(store, requireKnown(all, name), { all, ...lookout })
}

/** @throws {UnknownSubscriptionError} with the nearest names */
export async function requireSubscription(store: Store, name: string): Promise<SubscriptionRecord> {
  const { record } = requireKnown(await store.subscriptions.list(), name)
  return { ...record, name }
}

function requireKnown(all: readonly SubscriptionRecord[], name: string): Layout {
  const known = currentOf(all)
  const found = known.find((one) => one.name === name)
  if (found !== undefined) return found
  const names = known.map((one) => one.name)
  throw new UnknownSubscriptionError(name, nearestNames(name, names))
}

/** A subscription, and the record that says where its shards begin; its own, without shards. */
interface Layout {
  readonly name: string
  readonly shards: number
  readonly record: SubscriptionRecord
}

/**
 * Each subscription once, in order of name: of several numbers of shards that of the last generation.
 * Without what the timers are owned under: it follows no events, and would seem to lag for ever.
 */
function currentOf(all: readonly SubscriptionRecord[]): readonly Layout[] {
  const found = new Map<string, Layout>()
  for (const record of all) {
    const { name, shards, index } = readRecordName(record.name)
    if (name === TIMERS || index !== undefined) continue
    const before = found.get(name)
    if (before !== undefined && before.record.generation > record.generation) continue
    found.set(name, { name, shards, record })
  }
  return [...found.values()]
}

async function describeLayout(
  store: Store,
  { name, shards: of, record }: Layout,
  lookout: Lookout & { readonly all: readonly SubscriptionRecord[] },
): Promise<SubscriptionOverview> {
  if (of === 1) return describe(store, record, lookout)
  const { generation, position, owner } = record
  const parts = await Promise.all(
    Array.from({ length: of }, async (_, index) => {
      const shard = shardName(name, { index, of })
      const found = lookout.all.find((one) => one.name === shard && one.generation === generation)
      // One that nobody has begun with stands where all of them begin.
      const known = found ?? { ...record, name: shard, position, owner, state: 'starting' as const }
      return { index, ...(await describe(store, known, lookout)) }
    }),
  )
  const keys = await store.parked.keys(name, generation)
  return { ...mergeShards(name, parts), generation, ...countParked(keys) }
}

const WORST_FIRST: readonly SubscriptionState[] = [
  'failed',
  'outage',
  'paused',
  'waiting',
  'stopped',
  'starting',
  'catching-up',
  'live',
]

/** What is said of shards together: what the worst of them says. */
export function worstOf<Status extends { readonly state: SubscriptionState }>(
  all: readonly Status[],
): Status {
  const badness = ({ state }: Status): number => WORST_FIRST.indexOf(state)
  return all.toSorted((a, b) => badness(a) - badness(b))[0]!
}

type Part = SubscriptionOverview & { readonly index: number }

/** One subscription, as bad as the worst of its shards. */
function mergeShards(name: string, parts: readonly Part[]): SubscriptionOverview {
  const { index: at, ...worst } = worstOf(parts)
  const owners = [...new Set(parts.map(({ owner }) => owner))]
  const untils = parts.map(({ leaseUntil }) => leaseUntil)
  return {
    ...worst,
    name,
    position: Math.min(...parts.map(({ position }) => position)),
    reason: worst.reason === '' ? '' : `shard ${at}: ${worst.reason}`,
    isPaused: parts.some(({ isPaused }) => isPaused),
    owner: owners.includes(undefined) ? undefined : owners.join(', '),
    lastOwner: [...new Set(parts.map(({ lastOwner }) => lastOwner))].join(', '),
    leaseUntil: untils.reduce(soonest),
    lagEvents: Math.max(...parts.map(({ lagEvents }) => lagEvents)),
    lagMs: Math.max(...parts.map(({ lagMs }) => lagMs)),
    ahead: parts.reduce((sum, { ahead }) => sum + ahead, 0),
    shards: parts.map(
      ({ index, position, state, reason, stateSince, owner, lagEvents, lagMs }) => ({
        index,
        position,
        state,
        reason,
        stateSince,
        owner,
        lagEvents,
        lagMs,
      }),
    ),
  }
}

/** Undefined where one of them is: not all are owned. */
function soonest(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return undefined
  return a < b ? a : b
}

function countParked(
  keys: readonly ParkedKey[],
): Pick<SubscriptionOverview, 'parked' | 'deadLetters'> {
  return {
    parked: keys.reduce((sum, { count }) => sum + count, 0),
    deadLetters: keys.filter(isDeadLetter).length,
  }
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
    ...countParked(keys),
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
