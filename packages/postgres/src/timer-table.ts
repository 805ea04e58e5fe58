import type { Fired, TimerRecord, TimerState, TimerStore } from 'tidings'
import { requireLimit, requireWhole } from 'tidings/store'

import {
  optionalJson,
  optionalNumber,
  optionalText,
  optionalTime,
  placeholders,
  timeOf,
  toText,
} from './cells.ts'
import { Conditions } from './conditions.ts'
import { msOf } from './event-row.ts'
import type { Row } from './session.ts'
import type { TableAccess, TableWriter } from './table-access.ts'

const READ = `timer_id, due_at, command_type, input, correlation_id, causation_id, metadata, ${msOf('set_at')}, state,
  ${msOf('fired_at')}, late_ms, failure`
const WRITTEN = `timer_id, due_at, command_type, input, correlation_id, causation_id, metadata, set_at, state, fired_at,
  late_ms, failure`

export function timerTable({ schema, rows, write }: TableAccess): TimerStore {
  const table = `${schema}.timers`
  return {
    find: async (timerId) => {
      const [row] = await rows(`select ${READ} from ${table} where timer_id = $1`, [timerId])
      return row && toTimer(row)
    },
    due: async (atMs, limit) => {
      requireWhole('limit', limit, 0)
      const sql = `select ${READ} from ${table} where state = 'waiting' and due_at <= $1::bigint
        order by due_at, timer_id limit $2`
      return (await rows(sql, [Math.floor(atMs), limit])).map(toTimer)
    },
    next: async () => {
      const [row] = await rows(`select min(due_at) from ${table} where state = 'waiting'`)
      return optionalNumber(row?.[0])
    },
    list: async ({ states, after, limit } = {}) => {
      requireLimit(limit)
      const where = new Conditions()
      if (states !== undefined) where.add('state = any(?::text[])', states)
      if (after !== undefined) where.add('(due_at, timer_id) > (?, ?)', after.dueAt, after.timerId)
      const end = where.value(limit ?? null)
      const sql = `select ${READ} from ${table} where ${where.all} order by due_at, timer_id limit ${end}`
      return (await rows(sql, where.values)).map(toTimer)
    },
    sweep: async (dueBeforeMs, limit) => {
      requireLimit(limit)
      const sql = `delete from ${table} where timer_id in (select timer_id from ${table}
        where state in ('fired', 'cancelled') and due_at < $1::bigint limit $2)`
      return write((session) => session.run(sql, [Math.ceil(dueBeforeMs), limit ?? null]))
    },
  }
}

/** These three run within a transaction. */
export async function setTimers(
  { schema, session }: TableWriter,
  timers: readonly TimerRecord[],
): Promise<void> {
  const sql = `insert into ${schema}.timers (${WRITTEN}) values (${placeholders(12)}) on conflict do nothing`
  for (const timer of timers) await session.run(sql, toRow(timer))
}

export async function cancelTimer(
  { schema, session }: TableWriter,
  timerId: string,
): Promise<boolean> {
  const sql = `update ${schema}.timers set state = 'cancelled' where timer_id = $1 and state = 'waiting'`
  return (await session.run(sql, [timerId])) !== 0
}

export async function fireTimer(
  { schema, session }: TableWriter,
  timerId: string,
  { firedAt, lateMs, failure }: Fired,
): Promise<boolean> {
  const sql = `update ${schema}.timers set state = 'fired', fired_at = $2, late_ms = $3, failure = $4
    where timer_id = $1 and state = 'waiting'`
  return (await session.run(sql, [timerId, firedAt, lateMs, toText(failure)])) !== 0
}

function toRow(timer: TimerRecord): unknown[] {
  return [
    timer.timerId,
    timer.dueAt,
    timer.commandType,
    JSON.stringify(timer.input),
    timer.correlationId,
    timer.causationId ?? null,
    timer.metadata === undefined ? null : JSON.stringify(timer.metadata),
    timer.setAt,
    timer.state,
    timer.firedAt ?? null,
    timer.lateMs ?? null,
    toText(timer.failure),
  ]
}

function toTimer(row: Row): TimerRecord {
  return {
    timerId: row[0] as string,
    dueAt: row[1] as number,
    commandType: row[2] as string,
    input: JSON.parse(row[3] as string) as TimerRecord['input'],
    correlationId: row[4] as string,
    causationId: optionalText(row[5]),
    metadata: optionalJson(row[6]),
    setAt: timeOf(row[7]),
    state: row[8] as TimerState,
    firedAt: optionalTime(row[9]),
    lateMs: optionalNumber(row[10]),
    failure: optionalText(row[11]),
  }
}
