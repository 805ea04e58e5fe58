import { toIsoTime } from '../../internal/time.ts'
import { requireLimit, requireTime } from '../check-arguments.ts'
import type { OperationRecord, OperationStore } from '../operation-store.ts'
import type { Access } from './access.ts'
import { compareText } from './compare-text.ts'
import { jsonCopy } from './json-copy.ts'

export type OperationTable = Map<string, OperationRecord>

/** What the table keeps of an operation: nothing that the caller could change later. */
export function copyOperation(operation: OperationRecord): OperationRecord {
  const { request, progress, result } = operation
  return Object.freeze({
    ...operation,
    request: jsonCopy(request),
    progress: jsonCopy(progress),
    result: result && jsonCopy(result),
  })
}

/** What is written of an operation that is there: not who asked for what, nor who cancelled it. */
export function mergeOperation(
  before: OperationRecord | undefined,
  after: OperationRecord,
): OperationRecord {
  if (before === undefined) return after
  const { state, startedAt, finishedAt, progress, result, error } = after
  return Object.freeze({ ...before, state, startedAt, finishedAt, progress, result, error })
}

export function memoryOperations(table: OperationTable, access: Access): OperationStore {
  return {
    request: (operation) =>
      access.write(() => {
        if (table.has(operation.operationId)) return
        table.set(operation.operationId, copyOperation(operation))
      }),
    async find(operationId) {
      access.read()
      return table.get(operationId)
    },
    async list({ subscription, states } = {}, { after, limit } = {}) {
      access.read()
      requireLimit(limit)
      const matches = [...table.values()].filter(
        (operation) =>
          (subscription === undefined || operation.subscription === subscription) &&
          (states === undefined || states.includes(operation.state)) &&
          (after === undefined || compareText(operation.operationId, after) > 0),
      )
      matches.sort((a, b) => compareText(a.operationId, b.operationId))
      return matches.slice(0, limit)
    },
    cancel: (operationId, by, reason) =>
      access.write(() => {
        const before = table.get(operationId)
        const after = before && cancelled(before, { by, reason, at: toIsoTime(access.now()) })
        if (after !== undefined) table.set(operationId, after)
        return after
      }),
    sweep: (endedBefore, limit) =>
      access.write(() => {
        requireLimit(limit)
        const beforeMs = requireTime('endedBefore', endedBefore)
        const old = [...table.values()]
          .filter(({ state, finishedAt }) => hasEnded(state) && endedMs(finishedAt) < beforeMs)
          .slice(0, limit)
        for (const { operationId } of old) table.delete(operationId)
        return old.length
      }),
  }
}

function hasEnded(state: OperationRecord['state']): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}

/** One that says no end is kept. */
function endedMs(finishedAt: string | undefined): number {
  return finishedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(finishedAt)
}

/** One that has ended stays as it is; so does the first wish that it ends. */
function cancelled(
  operation: OperationRecord,
  { by, reason, at }: { readonly by: string; readonly reason: string; readonly at: string },
): OperationRecord {
  const { state, cancelledBy } = operation
  if (state === 'requested') {
    return Object.freeze({
      ...operation,
      state: 'cancelled',
      finishedAt: at,
      cancelledBy: by,
      cancelReason: reason,
    })
  }
  if (state !== 'running' || cancelledBy !== undefined) return operation
  return Object.freeze({ ...operation, cancelledBy: by, cancelReason: reason })
}
