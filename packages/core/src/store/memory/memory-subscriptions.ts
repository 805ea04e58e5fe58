import { FencedError } from '../../errors/store-errors.ts'
import { toIsoTime } from '../../internal/time.ts'
import type {
  Claim,
  ClaimedProgress,
  Fence,
  ProgressChange,
  SubscriptionRecord,
  SubscriptionStore,
} from '../subscription-store.ts'
import type { Access } from './access.ts'
import { compareText } from './compare-text.ts'

/** A subscription with the rows of its generation. */
export interface SubscriptionRows {
  record: SubscriptionRecord
  readonly ahead: Set<number>
  readonly begun: Map<number, number>
}

export type SubscriptionTable = Map<string, SubscriptionRows>

/** @throws {FencedError} the record is not under this fence, or not there */
export function requireFence(
  record: SubscriptionRecord | undefined,
  { subscription, generation, token }: Fence,
): SubscriptionRecord {
  if (record?.generation === generation && record.token === token) return record
  throw new FencedError(subscription, token)
}

/** Takes a step that was checked. Cannot fail. */
export function applyProgress(rows: SubscriptionRows, { mark, ahead = [] }: ProgressChange): void {
  for (const position of ahead) {
    rows.begun.delete(position)
    if (position > rows.record.position) rows.ahead.add(position)
  }
  if (mark === undefined) return
  rows.record = Object.freeze({ ...rows.record, position: mark.to })
  sweep(rows.ahead, mark)
  sweep(rows.begun, mark)
}

/** Forgets what is up to the mark, at the cost of the smaller of the rows and the step. */
function sweep(
  rows: { readonly size: number; keys(): Iterable<number>; delete(position: number): boolean },
  { from, to }: { readonly from: number; readonly to: number },
): void {
  if (rows.size <= to - from) {
    for (const position of rows.keys()) if (position <= to) rows.delete(position)
    return
  }
  for (let position = from + 1; position <= to; position++) rows.delete(position)
}

export function memorySubscriptions(table: SubscriptionTable, access: Access): SubscriptionStore {
  const change = <Result>(fence: Fence, work: (rows: SubscriptionRows) => Result) =>
    access.write(() => {
      const rows = table.get(fence.subscription)
      requireFence(rows?.record, fence)
      return work(rows as SubscriptionRows)
    })
  const update = (fence: Fence, fields: Partial<SubscriptionRecord>): Promise<void> =>
    change(fence, (rows) => {
      rows.record = Object.freeze({ ...rows.record, ...fields })
    })
  return {
    async find(name) {
      access.read()
      return table.get(name)?.record
    },
    async list() {
      access.read()
      const all = Array.from(table.values(), ({ record }) => record)
      return all.sort((a, b) => compareText(a.name, b.name))
    },
    async countAhead(name) {
      access.read()
      return table.get(name)?.ahead.size ?? 0
    },
    claim: (claim) => access.write(() => takeOver(table, claim, access.now())),
    describe: (fence, { state, reason }) =>
      update(fence, { state, reason, stateSince: toIsoTime(access.now()) }),
    setPaused: (fence, paused) => update(fence, { paused }),
    release: (fence) =>
      change(fence, (rows) => {
        rows.record = Object.freeze({ ...rows.record, released: true })
        // Nothing was in flight, so no attempt that was begun has killed its process.
        rows.begun.clear()
      }),
    reset: (fence, position) => change(fence, (rows) => beginGeneration(rows, position)),
    begin: (fence, position) =>
      change(fence, ({ begun }) => {
        const attempts = (begun.get(position) ?? 0) + 1
        begun.set(position, attempts)
        return attempts
      }),
  }
}

function takeOver(table: SubscriptionTable, claim: Claim, nowMs: number): ClaimedProgress {
  const { name, token, owner } = claim
  const before = table.get(name)
  if (before !== undefined && before.record.token >= token) throw new FencedError(name, token)
  const rows = before ?? newSubscription(claim, nowMs)
  const wasReleased = rows.record.released
  rows.record = Object.freeze({ ...rows.record, token, owner, released: false })
  table.set(name, rows)
  return {
    record: rows.record,
    wasReleased,
    ahead: [...rows.ahead].sort((a, b) => a - b),
    begun: new Map(rows.begun),
  }
}

/** Nobody had it before, so nothing of it can be in flight. */
function newSubscription(claim: Claim, nowMs: number): SubscriptionRows {
  const record: SubscriptionRecord = {
    name: claim.name,
    generation: 1,
    position: claim.startAt,
    token: claim.token,
    owner: claim.owner,
    released: true,
    paused: false,
    state: 'starting',
    reason: '',
    stateSince: toIsoTime(nowMs),
  }
  return { record, ahead: new Set(), begun: new Map() }
}

function beginGeneration(rows: SubscriptionRows, position: number): SubscriptionRecord {
  rows.record = Object.freeze({
    ...rows.record,
    generation: rows.record.generation + 1,
    position,
  })
  rows.ahead.clear()
  rows.begun.clear()
  return rows.record
}
