import { NO_READERS } from '../store/retention-limit.ts'
import type { RetentionChoice } from '../store/retention-store.ts'
import type { Store } from '../store/store.ts'
import type { SubscriptionRecord } from '../store/subscription-store.ts'
import { isOfShards, layoutName, readRecordName, shardName } from './shards.ts'

/** What keeps events from being deleted. */
export interface RetentionHold {
  readonly kind: 'subscription' | 'reset' | 'parked'
  /** The subscription; of all of them, for what is parked. */
  readonly name: string
  /** Events behind this position stay; undefined for parked ones, which stay one by one. */
  readonly position: number | undefined
  /** Of what is parked. */
  readonly count: number | undefined
}

/** What holds events back, the earliest position first. */
export async function findHolds(
  store: Store,
  { ignore = [] }: Pick<RetentionChoice, 'ignore'> = {},
): Promise<readonly RetentionHold[]> {
  const records = await store.subscriptions.list()
  const ignored = new Set([...NO_READERS, ...ignore, ...historicRecords(records)])
  const open = await store.operations.list({ states: ['requested', 'running'] })
  const holds: RetentionHold[] = [
    ...records
      .filter(({ name }) => !ignored.has(name))
      .map(({ name, position }) => {
        const shown = isOfShards(name) ? readRecordName(name).name : name
        return { kind: 'subscription' as const, name: shown, position, count: undefined }
      }),
    ...open
      .filter(({ kind }) => kind === 'reset')
      .map(({ subscription, request }) => {
        const position = Number(request['position'] ?? 0)
        return { kind: 'reset' as const, name: subscription, position, count: undefined }
      }),
  ]
  holds.sort((a, b) => (a.position ?? 0) - (b.position ?? 0))
  const count = await store.parked.count({ states: ['parked', 'redriving'] })
  return count === 0 ? holds : [...holds, { kind: 'parked', name: '', position: undefined, count }]
}

/**
 * When the store took the first event that somebody has still to read; undefined: there is none. What was
 * done because of it, or of a later one, may be done again, and is then looked up.
 */
export async function oldestUnread(
  store: Store,
  { ignore = [] }: Pick<RetentionChoice, 'ignore'> = {},
): Promise<string | undefined> {
  const records = await store.subscriptions.list()
  const passed = new Set([...NO_READERS, ...ignore, ...historicRecords(records)])
  const marks = records.filter(({ name }) => !passed.has(name)).map(({ position }) => position)
  if (marks.length === 0) return undefined
  const [event] = await store.readAll({ after: Math.min(...marks), limit: 1 }).toArray()
  return event?.recordedAt
}

/**
 * Records that nobody reads on from: of a number of shards that a subscription ran in before, and of all
 * its shards together once each has its own. Pure.
 */
export function historicRecords(records: readonly SubscriptionRecord[]): readonly string[] {
  const byName = Map.groupBy(records, ({ name }) => readRecordName(name).name)
  return [...byName].flatMap(([name, own]) => historicOf(name, own))
}

function historicOf(name: string, records: readonly SubscriptionRecord[]): readonly string[] {
  const layouts = records
    .filter((record) => readRecordName(record.name).index === undefined)
    .toSorted((a, b) => b.generation - a.generation)
  const [current] = layouts
  if (current === undefined) return []
  const { shards } = readRecordName(current.name)
  const old = records.filter((record) => readRecordName(record.name).shards !== shards)
  const generationOf = new Map(records.map((record) => [record.name, record.generation]))
  const isCovered =
    shards > 1 &&
    Array.from({ length: shards }, (_, index) => shardName(name, { index, of: shards })).every(
      (shard) => (generationOf.get(shard) ?? 0) >= current.generation,
    )
  return [...old.map((record) => record.name), ...(isCovered ? [layoutName(name, shards)] : [])]
}

/** Subscriptions of an application that have not begun: where they will, nobody knows yet. */
export function notBegun(
  names: readonly string[],
  records: readonly Pick<SubscriptionRecord, 'name'>[],
): readonly string[] {
  const begun = new Set(records.map((record) => readRecordName(record.name).name))
  return names.filter((name) => !begun.has(name))
}
