import type {
  OperationFilter,
  OperationKind,
  OperationRecord,
  OperationState,
  OperationStore,
} from 'tidings'
import { requireLimit, requireTime } from 'tidings/store'

import {
  optionalJson,
  optionalText,
  optionalTime,
  placeholders,
  timeOf,
  toJson,
  toText,
} from './cells.ts'
import { Conditions } from './conditions.ts'
import { msOf } from './event-row.ts'
import type { Row } from './session.ts'
import { nowSql, type TableAccess, type TableWriter } from './table-access.ts'

const READ = `operation_id, kind, subscription, request, requested_by, reason, ${msOf('requested_at')}, state,
  ${msOf('started_at')}, ${msOf('finished_at')}, progress, result, error, cancelled_by, cancel_reason`
const WRITTEN = `operation_id, kind, subscription, request, requested_by, reason, requested_at, state, started_at,
  finished_at, progress, result, error, cancelled_by, cancel_reason`

function insertSql(schema: string): string {
  return `insert into ${schema}.operations (${WRITTEN}) values (${placeholders(15)})`
}

export function operationTable({ schema, rows, write, now }: TableAccess): OperationStore {
  const table = `${schema}.operations`
  const find = async (operationId: string): Promise<OperationRecord | undefined> => {
    const [row] = await rows(`select ${READ} from ${table} where operation_id = $1`, [operationId])
    return row && toOperation(row)
  }
  return {
    find,
    request: (operation) =>
      write(async (session) => {
        await session.run(`${insertSql(schema)} on conflict do nothing`, toRow(operation))
      }),
    list: async (filter = {}, { after, limit } = {}) => {
      requireLimit(limit)
      const where = conditionsOf(filter, after)
      const end = where.value(limit ?? null)
      const sql = `select ${READ} from ${table} where ${where.all} order by operation_id limit ${end}`
      return (await rows(sql, where.values)).map(toOperation)
    },
    // One that has ended stays as it is; so does the first wish that it ends.
    cancel: async (operationId, by, reason) => {
      const sql = `update ${table} set cancelled_by = $2, cancel_reason = $3,
          finished_at = case state when 'requested' then ${nowSql('$4')} end,
          state = case state when 'requested' then 'cancelled' else state end
        where operation_id = $1 and (state = 'requested' or (state = 'running' and cancelled_by is null))`
      const values = [operationId, toText(by), toText(reason), now()]
      await write((session) => session.run(sql, values))
      return find(operationId)
    },
    sweep: async (endedBefore, limit) => {
      requireLimit(limit)
      requireTime('endedBefore', endedBefore)
      const sql = `delete from ${table} where operation_id in (select operation_id from ${table}
        where state in ('done', 'failed', 'cancelled') and finished_at < $1::timestamptz limit $2)`
      return write((session) => session.run(sql, [endedBefore, limit ?? null]))
    },
  }
}

/** Within a transaction. What was asked, and whether it shall end, is left as it is. */
export async function putOperations(
  { schema, session }: TableWriter,
  operations: readonly OperationRecord[],
): Promise<void> {
  const sql = `${insertSql(schema)} on conflict (operation_id) do update set state = excluded.state,
    started_at = excluded.started_at, finished_at = excluded.finished_at, progress = excluded.progress,
    result = excluded.result, error = excluded.error`
  for (const operation of operations) await session.run(sql, toRow(operation))
}

function conditionsOf(
  { subscription, states }: OperationFilter,
  after: string | undefined,
): Conditions {
  const where = new Conditions()
  if (subscription !== undefined) where.add('subscription = ?', subscription)
  if (states !== undefined) where.add('state = any(?::text[])', states)
  if (after !== undefined) where.add('operation_id > ?', after)
  return where
}

function toRow(operation: OperationRecord): unknown[] {
  return [
    operation.operationId,
    operation.kind,
    operation.subscription,
    toJson(operation.request),
    toText(operation.requestedBy),
    toText(operation.reason),
    operation.requestedAt,
    operation.state,
    operation.startedAt ?? null,
    operation.finishedAt ?? null,
    JSON.stringify(operation.progress),
    operation.result === undefined ? null : JSON.stringify(operation.result),
    toText(operation.error),
    toText(operation.cancelledBy),
    toText(operation.cancelReason),
  ]
}

function toOperation(row: Row): OperationRecord {
  return {
    operationId: row[0] as string,
    kind: row[1] as OperationKind,
    subscription: row[2] as string,
    request: JSON.parse(row[3] as string) as OperationRecord['request'],
    requestedBy: row[4] as string,
    reason: row[5] as string,
    requestedAt: timeOf(row[6]),
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
