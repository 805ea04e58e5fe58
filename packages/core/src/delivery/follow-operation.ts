import type { Clock } from '../internal/clock.ts'
import type { OperationRecord } from '../store/operation-store.ts'
import type { Store } from '../store/store.ts'
import { requireOperation } from './request-operation.ts'

/** How far an operation is. */
export interface OperationStatus {
  readonly operation: OperationRecord
  /**
   * Parked events that it found when it was requested, and those that come along; undefined for one that
   * is about none.
   */
  readonly total: number | undefined
  /** Those of them that something became of. */
  readonly done: number
  readonly hasEnded: boolean
}

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined
  /** How often it is looked, milliseconds; 200 by default. */
  readonly everyMs?: number | undefined
}

/**
 * Tells how far an operation is: at once, whenever that has changed, and last when it has ended.
 *
 * @throws {OperationError} there is none; the signal's reason
 */
export async function* followOperation(
  store: Store,
  operationId: string,
  { clock, signal, everyMs = 200 }: FollowOptions & { readonly clock: Clock },
): AsyncGenerator<OperationStatus, void, undefined> {
  let told = ''
  for (;;) {
    signal?.throwIfAborted()
    const status = await statusOf(store, await requireOperation(store, operationId))
    const { operation, done, hasEnded } = status
    const news = JSON.stringify([operation.state, operation.progress, operation.cancelledBy, done])
    if (news !== told) yield status
    if (hasEnded) return
    told = news
    await clock.sleep(everyMs, { signal })
  }
}

const ENDS: readonly OperationRecord['state'][] = ['done', 'failed', 'cancelled']

/** How far an operation is now. */
export async function statusOf(store: Store, operation: OperationRecord): Promise<OperationStatus> {
  const { matched } = operation.request
  const hasEnded = ENDS.includes(operation.state)
  const moved = numberIn(operation.progress, 'moved')
  const refused = numberIn(operation.progress, 'refused')
  const open = operation.kind === 'redrive' && !hasEnded ? await countOpen(store, operation) : 0
  return {
    operation,
    total: typeof matched === 'number' ? Math.max(matched, moved + refused) : undefined,
    done: Math.max(0, moved + refused - open),
    hasEnded,
  }
}

function countOpen(store: Store, { subscription, operationId }: OperationRecord): Promise<number> {
  return store.parked.count({ subscription, operationId, states: ['redriving'] })
}

function numberIn(progress: OperationRecord['progress'], name: string): number {
  const value = progress[name]
  return typeof value === 'number' ? value : 0
}
