import { FencedError } from '../../errors/store-errors.ts'
import { checkProgress, requireNew } from '../check-arguments.ts'
import type { OperationRecord } from '../operation-store.ts'
import type { ParkedEvent } from '../parked-store.ts'
import type { ProgressChange, SubscriptionRecord } from '../subscription-store.ts'
import type { Fired, TimerRecord } from '../timer-store.ts'
import type { InboxTable } from './memory-inbox.ts'
import type { LeaseTable } from './memory-leases.ts'
import { copyOperation, mergeOperation, type OperationTable } from './memory-operations.ts'
import { copyParked } from './memory-parked.ts'
import {
  applyProgress,
  requireFence,
  type SubscriptionRows,
  type SubscriptionTable,
} from './memory-subscriptions.ts'
import { copyTimer, type TimerTable } from './memory-timers.ts'
import { ParkedRows } from './parked-rows.ts'

/** What consumers left behind, as it is committed. */
export class MemoryDelivery {
  readonly subscriptions: SubscriptionTable = new Map()
  readonly leases: LeaseTable = new Map()
  readonly parked: ParkedRows = new ParkedRows()
  readonly operations: OperationTable = new Map()
  readonly timers: TimerTable = new Map()
  readonly inbox: InboxTable = new Map()

  clear(): void {
    for (const table of Object.values(this) as { clear(): void }[]) table.clear()
  }
}

/**
 * What a transaction did to it. Its own later calls see that; everybody else does once it commits,
 * which cannot fail.
 */
export class StagedDelivery {
  readonly #tables: MemoryDelivery
  readonly #now: () => number
  readonly #subscriptions = new Map<string, SubscriptionRecord>()
  readonly #operations = new Map<string, OperationRecord>()
  readonly #timers = new Map<string, TimerRecord>()
  readonly #seen = new Map<string, Map<string, number>>()
  readonly #steps: ProgressChange[] = []
  readonly #parked: ParkedEvent[] = []

  constructor(tables: MemoryDelivery, now: () => number) {
    this.#tables = tables
    this.#now = now
  }

  /** @throws {FencedError} */
  progress(change: ProgressChange): void {
    checkProgress(change)
    const { subscription, token, mark } = change
    const committed = this.#tables.subscriptions.get(subscription)?.record
    const record = requireFence(this.#subscriptions.get(subscription) ?? committed, change)
    if (mark !== undefined) {
      if (record.position !== mark.from) throw new FencedError(subscription, token)
      this.#subscriptions.set(subscription, { ...record, position: mark.to })
    }
    if (mark === undefined && change.ahead === undefined) return
    requireNew(change, mark?.from ?? record.position)
    this.#requireNotAhead(change, mark?.to ?? record.position)
    this.#steps.push({ ...change, mark: mark && { ...mark }, ahead: change.ahead?.slice() })
  }

  /** What ran ahead once is done, and is not done again. */
  #requireNotAhead(
    { subscription, generation, token, ahead = [] }: ProgressChange,
    mark: number,
  ): void {
    const known = this.#tables.subscriptions.get(subscription)
    const isKnown = (position: number): boolean =>
      position > mark &&
      ((known?.record.generation === generation && known.ahead.has(position)) ||
        this.#steps.some(
          (step) => step.subscription === subscription && step.ahead?.includes(position) === true,
        ))
    if (ahead.some(isKnown)) throw new FencedError(subscription, token)
  }

  park(events: readonly ParkedEvent[]): void {
    for (const event of events) this.#parked.push(copyParked(event))
  }

  putOperations(operations: readonly OperationRecord[]): void {
    for (const operation of operations) {
      const { operationId } = operation
      const before = this.#operations.get(operationId) ?? this.#tables.operations.get(operationId)
      this.#operations.set(operationId, mergeOperation(before, copyOperation(operation)))
    }
  }

  setTimers(timers: readonly TimerRecord[]): void {
    for (const timer of timers) {
      if (this.#timer(timer.timerId) === undefined)
        this.#timers.set(timer.timerId, copyTimer(timer))
    }
  }

  cancelTimer(timerId: string): boolean {
    return this.#endTimer(timerId, { state: 'cancelled' })
  }

  fireTimer(timerId: string, { firedAt, lateMs, failure }: Fired): boolean {
    return this.#endTimer(timerId, { state: 'fired', firedAt, lateMs, failure })
  }

  once(consumer: string, messageId: string): boolean {
    const staged = this.#seen.get(consumer)
    if (staged?.has(messageId) === true) return false
    if (this.#tables.inbox.get(consumer)?.has(messageId) === true) return false
    if (staged === undefined) this.#seen.set(consumer, new Map([[messageId, this.#now()]]))
    else staged.set(messageId, this.#now())
    return true
  }

  commit(): void {
    const { subscriptions, parked, operations, timers, inbox } = this.#tables
    // A subscription never goes away, and the fence of each step was that of one that is there.
    for (const step of this.#steps) {
      applyProgress(subscriptions.get(step.subscription) as SubscriptionRows, step)
    }
    for (const event of this.#parked) parked.put(event)
    for (const [id, operation] of this.#operations) operations.set(id, operation)
    for (const [id, timer] of this.#timers) timers.set(id, timer)
    for (const [consumer, staged] of this.#seen) {
      const seen = inbox.get(consumer)
      if (seen === undefined) inbox.set(consumer, staged)
      else for (const [messageId, seenMs] of staged) seen.set(messageId, seenMs)
    }
  }

  #timer(timerId: string): TimerRecord | undefined {
    return this.#timers.get(timerId) ?? this.#tables.timers.get(timerId)
  }

  #endTimer(timerId: string, end: Partial<TimerRecord>): boolean {
    const timer = this.#timer(timerId)
    if (timer?.state !== 'waiting') return false
    this.#timers.set(timerId, Object.freeze({ ...timer, ...end }))
    return true
  }
}
