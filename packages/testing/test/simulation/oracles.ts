import type { OperationRecord } from 'tidings'
import { readRecordName, shardName, shardOf } from '../../../core/src/delivery/shards.ts'
import type { Committed, Entry } from './journal.ts'
import type { Known } from './ledger.ts'
import { checkOperation, type Moved } from './oracle-operations.ts'
import { Oracle } from './oracle.ts'
import type { HistoryPlan, SubscriptionShape } from './plan-types.ts'
import { SUBSCRIPTION } from './process-store.ts'
import { Violation } from './violation.ts'

/** From where all shards of a number begin, as it was written last. */
export interface LayoutFacts {
  readonly token: number
  readonly generation: number
  readonly startAt: number
}

type Appended = Extract<Entry, { kind: 'appended' }>

/** The record of the shard that an event belongs to. */
export function recordOf(
  { eventId, key }: { readonly eventId: string; readonly key: string },
  { shards, order }: { readonly shards: number; readonly order: SubscriptionShape['order'] },
): string {
  if (shards === 1) return SUBSCRIPTION
  const shardKey = order === 'none' ? eventId : key
  return shardName(SUBSCRIPTION, { index: shardOf(shardKey, shards), of: shards })
}

/** All records that events are handled under, in a number of shards. */
export function recordsOf(shards: number): readonly string[] {
  if (shards === 1) return [SUBSCRIPTION]
  return Array.from({ length: shards }, (_, index) =>
    shardName(SUBSCRIPTION, { index, of: shards }),
  )
}

/**
 * Says what may happen, of a subscription as a whole: an oracle for each shard of each number of them,
 * and what has to hold among those, whoever owns them.
 *
 * @see Oracle
 */
export class Oracles {
  readonly operations: Map<string, OperationRecord> = new Map()
  /** By the number of shards. */
  readonly layouts: Map<number, LayoutFacts> = new Map()
  readonly #plan: HistoryPlan
  readonly #events: Appended[] = []
  readonly #byRecord = new Map<string, Oracle>()
  readonly #runs = new Map<number, Oracle>()
  /** In which generation the last effect of a key was, and under which record. */
  readonly #last = new Map<string, { readonly generation: number; readonly record: string }>()
  #resets = 0
  /** The number of shards that counts: that of the last generation. */
  #current = 1

  constructor(plan: HistoryPlan) {
    this.#plan = plan
  }

  /** The number of shards of the last generation. */
  get shards(): number {
    return this.#current
  }

  /** Who owns a record; '' for nobody yet. */
  ownerOf(record: string): string {
    return this.#byRecord.get(record)?.owner ?? ''
  }

  /** @throws {Violation} nobody ever owned it */
  of(record: string): Oracle {
    const oracle = this.#byRecord.get(record)
    if (oracle === undefined) throw new Violation('lost', `nobody ever owned ${record}`)
    return oracle
  }

  /** @throws {Violation} */
  see(entry: Entry): void {
    switch (entry.kind) {
      case 'appended':
        this.#events.push(entry)
        for (const [record, oracle] of this.#byRecord) this.#tell(oracle, record, entry)
        return
      case 'claimed':
        return this.#claimed(entry)
      case 'reset':
        return this.#reset(entry)
      case 'paused':
      case 'resumed':
        this.#byRecord.get(entry.fence.subscription)?.see(entry)
        return
      case 'unanswered':
        for (const oracle of this.#byRecord.values()) oracle.see(entry)
        return
      case 'watched':
        return this.of(entry.subscription).see(entry)
      case 'requested':
        return this.#requested(entry.operation)
      case 'committed':
        return this.#committed(entry)
      case 'began':
      case 'ended':
        return this.#run(entry)
      case 'released':
      case 'state':
      case 'process':
      case 'world':
    }
  }

  #tell(oracle: Oracle, record: string, event: Appended): void {
    const { order } = this.#plan.subscription
    if (recordOf(event, { shards: readRecordName(record).shards, order }) !== record) return
    oracle.events.add(event)
  }

  #claimed(entry: Extract<Entry, { kind: 'claimed' }>): void {
    const { subscription, generation, position, token } = entry
    const { shards, index } = readRecordName(subscription)
    if (index === undefined) this.#claimedLayout(shards, { token, generation, startAt: position })
    if (index === undefined && shards > 1) return
    let oracle = this.#byRecord.get(subscription)
    if (oracle === undefined) {
      oracle = new Oracle(this.#plan, { record: subscription, operations: this.operations, entry })
      this.#byRecord.set(subscription, oracle)
      for (const event of this.#events) this.#tell(oracle, subscription, event)
    }
    oracle.see(entry)
  }

  /** Its mark is where the shards begin; without shards it goes on from there. */
  #claimedLayout(shards: number, claimed: LayoutFacts): void {
    const before = this.layouts.get(shards)
    if (this.layouts.size === 0 && (claimed.startAt > 0 || claimed.generation !== 1)) {
      throw new Violation('lost', `it begins at ${claimed.startAt}, and not at the beginning`)
    }
    const startAt = before === undefined || shards === 1 ? claimed.startAt : before.startAt
    const isLeft = before === undefined || before.generation === claimed.generation
    if (!isLeft || startAt !== claimed.startAt) {
      throw new Violation(
        'shards',
        `${shards} shards begin at ${claimed.startAt} of generation ${claimed.generation}, and were left at ${before?.startAt} of ${before?.generation}`,
      )
    }
    this.#began(shards, { ...claimed, startAt: before?.startAt ?? startAt })
  }

  #reset(entry: Extract<Entry, { kind: 'reset' }>): void {
    const { fence, to } = entry
    const { shards, index } = readRecordName(fence.subscription)
    const generation = fence.generation + 1
    if (index === undefined) {
      const before = this.layouts.get(shards)
      if (before?.token !== fence.token || before.generation !== fence.generation) {
        throw new Violation('fence', `${fence.subscription} is reset under a fence that is void`)
      }
      this.#began(shards, { token: fence.token, generation, startAt: to })
    } else if (generation > (this.layouts.get(shards)?.generation ?? 0)) {
      throw new Violation('shards', `${fence.subscription} begins generation ${generation} alone`)
    }
    this.#byRecord.get(fence.subscription)?.see(entry)
  }

  #began(shards: number, facts: LayoutFacts): void {
    this.layouts.set(shards, facts)
    // A reset that one number of shards has begun with may be taken up by the next.
    const most = this.#resets + this.layouts.size
    if (facts.generation > most) {
      throw new Violation(
        'operation',
        `generation ${facts.generation} begins, and ${this.#resets} resets were asked for`,
      )
    }
    const highest = this.layouts.get(this.#current)?.generation ?? 0
    if (facts.generation > highest) this.#current = shards
  }

  #requested(operation: OperationRecord): void {
    const isNew = !this.operations.has(operation.operationId)
    if (isNew && operation.kind === 'reset' && !isPart(operation)) this.#resets++
    this.operations.set(operation.operationId, operation)
  }

  #run(entry: Extract<Entry, { kind: 'began' | 'ended' }>): void {
    if (entry.kind === 'began') {
      // One that never owned it does not get so far.
      const oracle = this.of(entry.subscription)
      this.#runs.set(entry.run, oracle)
      return oracle.see(entry)
    }
    this.#runs.get(entry.run)?.see(entry)
  }

  // What is committed

  #committed(entry: Committed): void {
    const { progress, effects, parked } = entry
    const records = new Set(
      progress
        .map(({ subscription }) => subscription)
        .filter((record) => this.#byRecord.has(record)),
    )
    if (records.size > 1) throw new Violation('fence', 'one transaction writes for two shards')
    const [record] = records
    if (record === undefined && (effects.length > 0 || parked.length > 0)) {
      throw new Violation('fence', 'effects or parked events are committed under no fence')
    }
    if (record !== undefined) this.#inShard(record, entry)
    for (const operation of entry.operations) this.#operation(operation)
  }

  #inShard(record: string, entry: Committed): void {
    const { progress, effects, parked } = entry
    const oracle = this.of(record)
    const isMove = progress.some(({ mark, ahead = [] }) => mark !== undefined || ahead.length > 0)
    const { shards } = readRecordName(record)
    if (shards !== this.#current && (isMove || effects.length > 0 || parked.length > 0)) {
      throw new Violation(
        'shards',
        `${entry.process} writes under ${record}, and there are ${this.#current} shards by now`,
      )
    }
    oracle.see(entry)
    for (const n of effects) this.#effect(oracle.events.get(n), oracle.generation.number, record)
  }

  /** A key changes hands with a generation only. */
  #effect({ n, key: named }: Known, generation: number, record: string): void {
    const key = this.#plan.subscription.order === 'none' ? `event ${n}` : named
    const last = this.#last.get(key)
    if (last !== undefined && generation < last.generation) {
      throw new Violation('order', `event ${n} is handled in a generation that is over`)
    }
    if (last?.generation === generation && last.record !== record) {
      throw new Violation('shards', `key ${key} is that of ${last.record} and of ${record}`)
    }
    this.#last.set(key, { generation, record })
  }

  #operation(operation: OperationRecord): void {
    const before = this.operations.get(operation.operationId)
    if (before === undefined) throw new Violation('operation', 'one that nobody requested')
    this.operations.set(operation.operationId, { ...before, ...operation })
    if (isPart(operation)) {
      if (operation.state !== 'failed') return
      throw new Violation('operation', `a part of ${operation.kind} failed: ${operation.error}`)
    }
    checkOperation(operation, this.#movedBy(operation.operationId))
  }

  /** By all shards together. */
  #movedBy(operationId: string): Moved {
    const oracles = [...this.#byRecord.values()]
    return {
      generation: this.layouts.get(this.#current)?.generation ?? 0,
      rows: oracles.flatMap(({ rows }) => [...rows.values()]),
      moved: oracles.reduce((sum, { movedBy }) => sum + (movedBy.get(operationId) ?? 0), 0),
    }
  }
}

function isPart({ request }: OperationRecord): boolean {
  return request['whole'] !== undefined
}
