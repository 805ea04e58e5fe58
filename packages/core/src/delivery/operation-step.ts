import type { JsonObject } from '../contract/json.ts'
import type { OperationRecord } from '../store/operation-store.ts'
import type { StoreTransaction } from '../store/store.ts'
import type { Fence } from '../store/subscription-store.ts'

/** How far an operation has come in one go: still at it, or at its end. */
export type OperationStep =
  | { readonly kind: 'goes-on'; readonly progress: JsonObject }
  | { readonly kind: 'done'; readonly result: JsonObject }
  | { readonly kind: 'cancelled'; readonly result: JsonObject }

const KINDS = ['pause', 'resume', 'reset', 'redrive', 'discard'] as const

/** In a rolling deployment somebody may ask for what only newer processes can do: it waits for one of them. */
export function isKnownKind({ kind }: Pick<OperationRecord, 'kind'>): boolean {
  return KINDS.includes(kind)
}

/** Whether it is done with one write, and changes nothing that another operation is about. */
export function isPause({ kind }: Pick<OperationRecord, 'kind'>): boolean {
  return kind === 'pause' || kind === 'resume'
}

/** Pauses and their ends in order of request, then the others in theirs. */
export function pausesFirst(operations: readonly OperationRecord[]): readonly OperationRecord[] {
  return [...operations.filter(isPause), ...operations.filter((one) => !isPause(one))]
}

/** Writes an operation as the owner of its subscription, and as nobody else. */
export async function putOperation(
  tx: StoreTransaction,
  fence: Fence,
  operation: OperationRecord,
): Promise<void> {
  await tx.progress(fence)
  await tx.putOperations([operation])
}
