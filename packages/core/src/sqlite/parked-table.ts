import { toIsoTime } from '../internal/time.ts'
import { requireLimit, requireTime } from '../store/check-arguments.ts'
import { requireWhole } from '../store/event-reader.ts'
import { lastError } from '../store/last-error.ts'
import type {
  ParkedEvent,
  ParkedFilter,
  ParkedGroup,
  ParkedKey,
  ParkedState,
  ParkedStore,
  ParkReason,
} from '../store/parked-store.ts'
import { optionalNumber } from './cells.ts'
import { whereAll, type Condition } from './conditions.ts'
import type { Cell, Connection } from './connection.ts'
import { afterCondition, FINISHED, parkedConditions, UNFINISHED } from './parked-filter.ts'
import { parkedColumns, toParked, toParkedRow } from './parked-row.ts'
import type { TableAccess } from './table-access.ts'

const COLUMNS = parkedColumns.join(', ')
const UPSERT = `insert into parked (${COLUMNS}) values (${parkedColumns.map(() => '?').join(', ')})
  on conflict do update set ${parkedColumns.map((column) => `${column} = excluded.${column}`).join(', ')}`

export function parkedTable({ read, write }: TableAccess): ParkedStore {
  return {
    find: (parkedId) =>
      read((connection) => {
        const row = connection
          .rows(`select ${COLUMNS} from parked where parked_id = ?`)
          .get(parkedId)
        return row && toParked(row)
      }),
    list: async (filter, page = {}) => {
      const query = listQuery(filter, page)
      return read((connection) => query(connection).map(toParked))
    },
    count: async (filter) => {
      const { sql, values } = whereAll(parkedConditions(filter))
      return read((connection) => {
        const row = connection.rows(`select count(*) from parked ${sql}`).get(...values)
        return row?.[0] as number
      })
    },
    groups: ({ subscription }) => read((connection) => readGroups(connection, subscription)),
    keys: (subscription, generation) =>
      read((connection) => connection.rows(KEYS).all(subscription, generation).map(toKey)),
    head: (subscription, generation, key) =>
      read((connection) => {
        const row = connection.rows(HEAD).get(subscription, generation, key)
        return row && toParked(row)
      }),
    sweep: async (finishedBefore, limit) => {
      requireLimit(limit)
      const beforeMs = requireTime('finishedBefore', finishedBefore)
      return write((connection) => {
        const sql = `delete from parked where rowid in
          (select rowid from parked where ${FINISHED} and changed_at < ? limit ?)`
        return Number(connection.statement(sql).run(beforeMs, limit ?? -1).changes)
      })
    },
  }
}

/** Within a transaction of the writer. */
export function parkEvents(connection: Connection, events: readonly ParkedEvent[]): void {
  const statement = connection.statement(UPSERT)
  for (const event of events) statement.run(...toParkedRow(event))
}

const ORDER = 'subscription, generation, sequence, parked_id'

function listQuery(
  filter: ParkedFilter,
  {
    after,
    limit,
  }: { readonly after?: ParkedEvent | undefined; readonly limit?: number | undefined },
): (connection: Connection) => Cell[][] {
  if (limit !== undefined) requireWhole('limit', limit, 0)
  const conditions = parkedConditions(filter)
  if (after !== undefined) conditions.push(afterCondition(filter, after))
  const { sql, values } = whereAll(conditions)
  const text = `select ${COLUMNS} from parked ${sql} order by ${ORDER} limit ?`
  return (connection) => connection.rows(text).all(...values, limit ?? -1)
}

const HEAD = `select ${COLUMNS} from parked
  where subscription = ? and generation = ? and key = ? and ${UNFINISHED} order by sequence, parked_id limit 1`

const KEYS = `select key, n, parked_id, sequence, state, due_at, reason from (
  select key, parked_id, sequence, state, due_at, reason, count(*) over (partition by key) as n,
    row_number() over (partition by key order by sequence, parked_id) as place
  from parked where subscription = ? and generation = ? and ${UNFINISHED}
) where place = 1 order by sequence, parked_id`

function toKey(row: readonly Cell[]): ParkedKey {
  return {
    key: row[0] as string,
    count: row[1] as number,
    head: {
      parkedId: row[2] as string,
      sequence: row[3] as number,
      state: row[4] as ParkedState,
      dueAt: optionalNumber(row[5]),
      reason: row[6] as ParkReason,
    },
  }
}

/** The last one parked stands for all: its stack is that of the newest code. */
const groupsWhere = (where: string): string => `
select g.subscription, g.fingerprint, p.event_type, g.n, g.parked_id, p.attempts, g.first_at, p.parked_at
from (
  select subscription, fingerprint, parked_id, count(*) over same as n, min(parked_at) over same as first_at,
    row_number() over (partition by subscription, fingerprint order by parked_at desc, parked_id desc) as place
  from parked ${where}
  window same as (partition by subscription, fingerprint)
) g join parked p on p.parked_id = g.parked_id
where g.place = 1 order by g.n desc, g.subscription, g.fingerprint`

function readGroups(
  connection: Connection,
  subscription: string | undefined,
): readonly ParkedGroup[] {
  const conditions: Condition[] = [[UNFINISHED], ['fingerprint is not null']]
  if (subscription !== undefined) conditions.push(['subscription = ?', subscription])
  const { sql, values } = whereAll(conditions)
  return connection
    .rows(groupsWhere(sql))
    .all(...values)
    .map(toGroup)
}

function toGroup(row: readonly Cell[]): ParkedGroup {
  return {
    subscription: row[0] as string,
    fingerprint: row[1] as string,
    eventType: row[2] as string,
    count: row[3] as number,
    sampleId: row[4] as string,
    error: lastError(JSON.parse(row[5] as string) as ParkedEvent['attempts']),
    firstParkedAt: toIsoTime(row[6] as number),
    lastParkedAt: toIsoTime(row[7] as number),
  }
}
