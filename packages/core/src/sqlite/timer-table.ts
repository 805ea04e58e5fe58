import { toIsoTime } from '../internal/time.ts'
import { requireLimit } from '../store/check-arguments.ts'
import { requireWhole } from '../store/event-reader.ts'
import type { Fired, TimerRecord, TimerState, TimerStore } from '../store/timer-store.ts'
import { optionalJson, optionalNumber, optionalText, optionalTime, toMs } from './cells.ts'
import { inList, whereAll, type Condition } from './conditions.ts'
import type { Cell, Connection } from './connection.ts'
import type { TableAccess } from './table-access.ts'

const COLUMNS = `timer_id, due_at, command_type, input, correlation_id, causation_id, metadata, set_at, state,
  fired_at, late_ms, failure`

export function timerTable({ read, write }: TableAccess): TimerStore {
  return {
    find: (timerId) =>
      read((connection) => {
        const row = connection.rows(`select ${COLUMNS} from timers where timer_id = ?`).get(timerId)
        return row && toTimer(row)
      }),
    due: async (atMs, limit) => {
      requireWhole('limit', limit, 0)
      return read((connection) =>
        connection
          .rows(
            `select ${COLUMNS} from timers where state = 'waiting' and due_at <= ? order by due_at, timer_id limit ?`,
          )
          .all(atMs, limit)
          .map(toTimer),
      )
    },
    next: () =>
      read((connection) => {
        const sql = "select min(due_at) from timers where state = 'waiting'"
        return optionalNumber(connection.rows(sql).get()?.[0])
      }),
    list: async ({ states, after, limit } = {}) => {
      if (limit !== undefined) requireWhole('limit', limit, 0)
      const conditions: Condition[] = []
      if (states !== undefined) conditions.push(inList('state', states))
      if (after !== undefined) {
        conditions.push(['(due_at, timer_id) > (?, ?)', after.dueAt, after.timerId])
      }
      const { sql, values } = whereAll(conditions)
      return read((connection) =>
        connection
          .rows(`select ${COLUMNS} from timers ${sql} order by due_at, timer_id limit ?`)
          .all(...values, limit ?? -1)
          .map(toTimer),
      )
    },
    sweep: async (dueBeforeMs, limit) => {
      requireLimit(limit)
      return write((connection) => {
        const sql = `delete from timers where timer_id in
          (select timer_id from timers where state in ('fired', 'cancelled') and due_at < ? limit ?)`
        return Number(connection.statement(sql).run(dueBeforeMs, limit ?? -1).changes)
      })
    },
  }
}

/** These three run within a transaction of the writer. */
export function setTimers(connection: Connection, timers: readonly TimerRecord[]): void {
  const statement = connection.statement(
    `insert into timers (${COLUMNS}) values (?,?,?,?,?,?,?,?,?,?,?,?) on conflict do nothing`,
  )
  for (const timer of timers) statement.run(...toRow(timer))
}

export function cancelTimer(connection: Connection, timerId: string): boolean {
  const sql = "update timers set state = 'cancelled' where timer_id = ? and state = 'waiting'"
  return connection.statement(sql).run(timerId).changes !== 0
}

export function fireTimer(
  connection: Connection,
  timerId: string,
  { firedAt, lateMs, failure }: Fired,
): boolean {
  const sql = `update timers set state = 'fired', fired_at = ?, late_ms = ?, failure = ?
    where timer_id = ? and state = 'waiting'`
  const { changes } = connection.statement(sql).run(toMs(firedAt), lateMs, failure ?? null, timerId)
  return changes !== 0
}

function toRow(timer: TimerRecord): Cell[] {
  return [
    timer.timerId,
    timer.dueAt,
    timer.commandType,
    JSON.stringify(timer.input),
    timer.correlationId,
    timer.causationId ?? null,
    timer.metadata === undefined ? null : JSON.stringify(timer.metadata),
    toMs(timer.setAt),
    timer.state,
    toMs(timer.firedAt),
    timer.lateMs ?? null,
    timer.failure ?? null,
  ]
}

function toTimer(row: readonly Cell[]): TimerRecord {
  return {
    timerId: row[0] as string,
    dueAt: row[1] as number,
    commandType: row[2] as string,
    input: JSON.parse(row[3] as string) as TimerRecord['input'],
    correlationId: row[4] as string,
    causationId: optionalText(row[5]),
    metadata: optionalJson(row[6]),
    setAt: toIsoTime(row[7] as number),
    state: row[8] as TimerState,
    firedAt: optionalTime(row[9]),
    lateMs: optionalNumber(row[10]),
    failure: optionalText(row[11]),
  }
}
