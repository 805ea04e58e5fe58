import { toIsoTime } from '../internal/time.ts'
import { requireLimit, requireTime } from '../store/check-arguments.ts'
import { requireWhole } from '../store/event-reader.ts'
import type {
  OperationFilter,
  OperationKind,
  OperationRecord,
  OperationState,
  OperationStore,
} from '../store/operation-store.ts'
import { optionalJson, optionalText, optionalTime, toMs } from './cells.ts'
import type { Cell, Connection } from './connection.ts'
import { inList, whereAll, type Condition } from './conditions.ts'
import type { TableAccess } from './table-access.ts'

const COLUMNS = `operation_id, kind, subscription, request, requested_by, reason, requested_at, state, started_at,
  finished_at, progress, result, error, cancelled_by, cancel_reason`
const INSERT = `insert into operations (${COLUMNS}) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

export function operationTable({ read, write, now }: TableAccess): OperationStore {
  return {
    request: (operation) =>
      write((connection) => {
        connection.statement(`${INSERT} on conflict do nothing`).run(...toRow(operation))
      }),
    find: (operationId) => read((connection) => findOperation(connection, operationId)),
    list: async (filter = {}, { after, limit } = {}) => {
      if (limit !== undefined) requireWhole('limit', limit, 0)
      const { sql, values } = whereAll(conditionsOf(filter, after))
      return read((connection) =>
        connection
          .rows(`select ${COLUMNS} from operations ${sql} order by operation_id limit ?`)
          .all(...values, limit ?? -1)
          .map(toOperation),
      )
    },
    cancel: (operationId, by, reason) =>
      write((connection) => {
        cancelOperation(connection, operationId, { by, reason, nowMs: now() })
        return findOperation(connection, operationId)
      }),
    sweep: async (endedBefore, limit) => {
      requireLimit(limit)
      const beforeMs = requireTime('endedBefore', endedBefore)
      return write((connection) => {
        const sql = `delete from operations where operation_id in (select operation_id from operations
          where state in ('done', 'failed', 'cancelled') and finished_at < ? limit ?)`
        return Number(connection.statement(sql).run(beforeMs, limit ?? -1).changes)
      })
    },
  }
}

/** Within a transaction of the writer. What was asked, and whether it shall end, is left as it is. */
export function putOperations(
  connection: Connection,
  operations: readonly OperationRecord[],
): void {
  const statement = connection.statement(
    `${INSERT} on conflict do update set state = excluded.state, started_at = excluded.started_at,
     finished_at = excluded.finished_at, progress = excluded.progress, result = excluded.result, error = excluded.error`,
  )
  for (const operation of operations) statement.run(...toRow(operation))
}

/** One that has ended stays as it is; so does the first wish that it ends. */
function cancelOperation(
  connection: Connection,
  operationId: string,
  { by, reason, nowMs }: { readonly by: string; readonly reason: string; readonly nowMs: number },
): void {
  connection
    .statement(
      `update operations set cancelled_by = ?, cancel_reason = ?,
       finished_at = case state when 'requested' then ? end,
       state = case state when 'requested' then 'cancelled' else state end
       where operation_id = ? and (state = 'requested' or (state = 'running' and cancelled_by is null))`,
    )
    .run(by, reason, nowMs, operationId)
}

function findOperation(connection: Connection, operationId: string): OperationRecord | undefined {
  const row = connection
    .rows(`select ${COLUMNS} from operations where operation_id = ?`)
    .get(operationId)
  return row && toOperation(row)
}

function conditionsOf(
  { subscription, states }: OperationFilter,
  after: string | undefined,
): Condition[] {
  const conditions: Condition[] = []
  if (subscription !== undefined) conditions.push(['subscription = ?', subscription])
  if (states !== undefined) conditions.push(inList('state', states))
  if (after !== undefined) conditions.push(['operation_id > ?', after])
  return conditions
}

function toRow(operation: OperationRecord): Cell[] {
  return [
    operation.operationId,
    operation.kind,
    operation.subscription,
    JSON.stringify(operation.request),
    operation.requestedBy,
    operation.reason,
    toMs(operation.requestedAt),
    operation.state,
    toMs(operation.startedAt),
    toMs(operation.finishedAt),
    JSON.stringify(operation.progress),
    operation.result === undefined ? null : JSON.stringify(operation.result),
    operation.error ?? null,
    operation.cancelledBy ?? null,
    operation.cancelReason ?? null,
  ]
}

function toOperation(row: readonly Cell[]): OperationRecord {
  return {
    operationId: row[0] as string,
    kind: row[1] as OperationKind,
    subscription: row[2] as string,
    request: JSON.parse(row[3] as string) as OperationRecord['request'],
    requestedBy: row[4] as string,
    reason: row[5] as string,
    requestedAt: toIsoTime(row[6] as number),
    state: row[7] as OperationState,
    startedAt: optionalTime(row[8]),
    finishedAt: optionalTime(row[9]),
    progress: JSON.parse(row[10] as string) as OperationRecord['progress'],
    result: optionalJson(row[11]),
    error: optionalText(row[12]),
    cancelledBy: optionalText(row[13]),
    cancelReason: optionalText(row[14]),
  }
}
