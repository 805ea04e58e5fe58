import { ShardsChangedError } from '../errors/operation-errors.ts'
import { toIsoTime } from '../internal/time.ts'
import type { Lease } from '../store/lease-store.ts'
import type { OperationRecord } from '../store/operation-store.ts'
import type { Store } from '../store/store.ts'
import type { ClaimedProgress, Fence, SubscriptionRecord } from '../store/subscription-store.ts'
import type { StartFrom } from './define-subscription.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { putOperation } from './operation-step.ts'
import type { OwnershipOptions } from './owner.ts'
import { layoutName, readRecordName, shardName, type Shard } from './shards.ts'
import { startPosition } from './start-position.ts'

export interface LayoutParts {
  readonly name: string
  readonly shards: number
  readonly from: StartFrom
  readonly ports: DeliveryPorts
  readonly ownership: OwnershipOptions
}

/** A number of shards that a subscription runs in, or ran in. */
interface Layout {
  readonly shards: number
  readonly record: SubscriptionRecord
}

interface Layouts {
  readonly own: SubscriptionRecord | undefined
  /** Those that are not behind it: with one of them it would handle events that they handle. */
  readonly others: readonly Layout[]
}

async function findLayouts(
  store: Store,
  { name, shards }: Pick<LayoutParts, 'name' | 'shards'>,
): Promise<Layouts> {
  const all = layoutsOf(await store.subscriptions.list(), name)
  const own = all.find((layout) => layout.shards === shards)?.record
  const others = all.filter(
    (layout) => layout.shards !== shards && layout.record.generation >= (own?.generation ?? 0),
  )
  return { own, others }
}

/** Every number of shards that a subscription ever ran in. The one of the last generation is the one that counts. */
export function layoutsOf(records: readonly SubscriptionRecord[], name: string): readonly Layout[] {
  return records.flatMap((record) => {
    const read = readRecordName(record.name)
    return read.name === name && read.index === undefined ? [{ shards: read.shards, record }] : []
  })
}

/** What all shards of a number begin at. @throws {ShardsChangedError} there is another number, or none yet */
export async function requireLayout(
  store: Store,
  layout: Pick<LayoutParts, 'name' | 'shards'>,
): Promise<SubscriptionRecord> {
  const { own, others } = await findLayouts(store, layout)
  if (own !== undefined && others.length === 0) return own
  throw changed(layout, others)
}

/**
 * Takes over what is kept for a subscription as a whole, under the lease of its name. Where it ran in
 * another number of shards, it needs a reset that somebody asked for: keys change hands, and only a new
 * generation knows where each of them begins.
 *
 * @throws {ShardsChangedError} there is no such reset, or somebody still owns a shard of before
 * @throws {FencedError} somebody else has the lease by now
 */
export async function claimLayout(parts: LayoutParts, lease: Lease): Promise<ClaimedProgress> {
  const { name, shards, from, ports, ownership } = parts
  const { store } = ports
  const { own, others } = await findLayouts(store, parts)
  if (others.length > 0) return replace(parts, lease, others)
  const claimed = await store.subscriptions.claim({
    name: layoutName(name, shards),
    token: lease.token,
    owner: ownership.owner,
    startAt: own?.position ?? (await startPosition(store, from)),
  })
  // A process that stood still before the claim may have missed that another number came first.
  if (own === undefined) await requireLayout(store, parts)
  return claimed
}

/** Begins the generation at a later one, if it is not there yet, behind a position. */
export async function raiseGeneration(
  store: Store,
  from: SubscriptionRecord,
  to: { readonly generation: number; readonly position: number },
): Promise<SubscriptionRecord> {
  let record = from
  while (record.generation < to.generation) {
    record = await store.subscriptions.reset(fenceOf(record), to.position)
  }
  return record
}

export function fenceOf({ name, generation, token }: SubscriptionRecord): Fence {
  return { subscription: name, generation, token }
}

function changed(
  { name, shards }: Pick<LayoutParts, 'name' | 'shards'>,
  others: readonly Layout[],
  heldBy?: string,
): ShardsChangedError {
  return new ShardsChangedError(name, {
    shards,
    recorded: others.map((other) => other.shards),
    heldBy,
  })
}

async function replace(
  parts: LayoutParts,
  lease: Lease,
  others: readonly Layout[],
): Promise<ClaimedProgress> {
  const { name, shards, ports, ownership } = parts
  const { store } = ports
  const states = ['requested', 'running'] as const
  const open = await store.operations.list({ subscription: name, states })
  const reset = open.find(({ kind }) => kind === 'reset')
  if (reset === undefined) throw changed(parts, others)
  const held: Lease[] = []
  try {
    const ended = await endShards(parts, others, held)
    const { token } = lease
    for (const { record } of others) {
      const { position: startAt } = record
      await store.subscriptions.claim({ name: record.name, token, owner: ownership.owner, startAt })
    }
    const position = reset.request['position'] as number
    const own = layoutName(name, shards)
    const claim = { name: own, token, owner: ownership.owner, startAt: position }
    const claimed = await store.subscriptions.claim(claim)
    const before = Math.max(...others.map(({ record }) => record.generation))
    await putBegun(ports, claimed.record, { reset, before })
    // None of them has changed hands, however long it took.
    const status = { state: 'stopped', reason: `It runs in ${shards} shards now` } as const
    for (const record of ended) await store.subscriptions.describe(fenceOf(record), status)
    const isPaused = [...others.map((other) => other.record), ...ended].some(({ paused }) => paused)
    await store.subscriptions.setPaused(fenceOf(claimed.record), isPaused)
    const to = { generation: before + 1, position }
    const record = await raiseGeneration(store, claimed.record, to)
    return { record, wasReleased: true, ahead: [], begun: new Map() }
  } finally {
    for (const one of held) await store.leases.release(one)
  }
}

/** The successor must see that this was the reset that was asked for. */
async function putBegun(
  { store, environment }: DeliveryPorts,
  own: SubscriptionRecord,
  { reset, before }: { readonly reset: OperationRecord; readonly before: number },
): Promise<void> {
  const startedAt = reset.startedAt ?? toIsoTime(environment.clock.now())
  const begun = { ...reset, state: 'running', startedAt, progress: { generation: before } } as const
  await store.transaction((tx) => putOperation(tx, fenceOf(own), begun))
}

/** Makes void whoever owned a shard, and ends what was asked of it. */
async function endShards(
  parts: LayoutParts,
  others: readonly Layout[],
  held: Lease[],
): Promise<readonly SubscriptionRecord[]> {
  const { store } = parts.ports
  const ended: SubscriptionRecord[] = []
  for (const { shards, record: layout } of others) {
    for (const shard of shardsOf(shards)) {
      const lease = await takeLease(parts, shard, others)
      held.push(lease)
      const { owner } = parts.ownership
      const claim = { name: lease.name, token: lease.token, owner, startAt: layout.position }
      const { record } = await store.subscriptions.claim(claim)
      await endOperations(parts.ports, record)
      ended.push(record)
    }
  }
  return ended
}

/** Where there is one alone it is the subscription itself. */
function shardsOf(of: number): readonly Shard[] {
  return of === 1 ? [] : Array.from({ length: of }, (_, index) => ({ index, of }))
}

async function takeLease(
  parts: LayoutParts,
  shard: Shard,
  others: readonly Layout[],
): Promise<Lease> {
  const { leases } = parts.ports.store
  const { owner, leaseMs, isDead } = parts.ownership
  const name = shardName(parts.name, shard)
  for (;;) {
    const lease = await leases.acquire(name, owner, leaseMs)
    if (lease !== undefined) return lease
    const holder = await leases.find(name)
    if (holder === undefined) continue
    if (!isDead(holder.owner)) throw changed(parts, others, holder.owner)
    await leases.release(holder)
  }
}

async function endOperations(
  { store, environment }: DeliveryPorts,
  record: SubscriptionRecord,
): Promise<void> {
  const states = ['requested', 'running'] as const
  const finishedAt = toIsoTime(environment.clock.now())
  for (const operation of await store.operations.list({ subscription: record.name, states })) {
    const ended = { ...operation, state: 'cancelled', finishedAt } as const
    await store.transaction((tx) => putOperation(tx, fenceOf(record), ended))
  }
}
