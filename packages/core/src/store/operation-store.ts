import type { JsonObject } from '../contract/json.ts'

export type OperationKind = 'pause' | 'resume' | 'reset' | 'redrive' | 'discard'

/** requested → running → done, failed or cancelled. */
export type OperationState = 'requested' | 'running' | 'done' | 'failed' | 'cancelled'

/**
 * Something that a person or program asked of a subscription. It is stored first and then carried out
 * by whoever owns the subscription, so that it survives both; and it stays as its own record.
 */
export interface OperationRecord {
  /** UUIDv7: in order of request. */
  readonly operationId: string
  readonly kind: OperationKind
  readonly subscription: string
  /** What exactly: filter, rate, position, … */
  readonly request: JsonObject
  readonly requestedBy: string
  readonly reason: string
  readonly requestedAt: string
  readonly state: OperationState
  readonly startedAt: string | undefined
  readonly finishedAt: string | undefined
  /** How far it is. */
  readonly progress: JsonObject
  /** What became of it, once it has ended. */
  readonly result: JsonObject | undefined
  /** Why it failed. */
  readonly error: string | undefined
  /** Who asked that it ends early, and why; undefined: nobody. */
  readonly cancelledBy: string | undefined
  readonly cancelReason: string | undefined
}

export interface OperationFilter {
  readonly subscription?: string | undefined
  readonly states?: readonly OperationState[] | undefined
}

export interface OperationStore {
  /** Stores a request. The same id again changes nothing. */
  request(operation: OperationRecord): Promise<void>
  find(operationId: string): Promise<OperationRecord | undefined>
  /** In order of request. */
  list(
    filter?: OperationFilter,
    page?: { readonly after?: string | undefined; readonly limit?: number | undefined },
  ): Promise<readonly OperationRecord[]>
  /**
   * Asks that it ends early. One that nobody has begun is cancelled by this itself.
   *
   * @returns the operation as it is now; `undefined` when there is none
   */
  cancel(operationId: string, by: string, reason: string): Promise<OperationRecord | undefined>
  /**
   * Forgets what has ended before a time (ISO 8601).
   *
   * @param limit at the most so many; all by default
   * @returns how many
   */
  sweep(endedBefore: string, limit?: number): Promise<number>
}
