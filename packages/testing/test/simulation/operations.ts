import { toIsoTime, type OperationRecord } from 'tidings'
import { SUBSCRIPTION } from './process-store.ts'

/** An operation as it is stored when it is asked for. */
export function makeRequest(
  operationId: string,
  kind: OperationRecord['kind'],
  { request, nowMs }: { readonly request: OperationRecord['request']; readonly nowMs: number },
): OperationRecord {
  return {
    operationId,
    kind,
    subscription: SUBSCRIPTION,
    request,
    requestedBy: 'somebody',
    reason: 'for a reason',
    requestedAt: toIsoTime(nowMs),
    state: 'requested',
    startedAt: undefined,
    finishedAt: undefined,
    progress: {},
    result: undefined,
    error: undefined,
    cancelledBy: undefined,
    cancelReason: undefined,
  }
}
