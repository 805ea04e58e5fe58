import type {
  ParkedEvent,
  ParkedGroup,
  ParkedKey,
  ParkedState,
  ParkedStore,
  ParkReason,
} from 'tidings'
import { lastError, requireLimit, requireTime } from 'tidings/store'

import { optionalNumber, placeholders, timeOf } from './cells.ts'
import { Conditions } from './conditions.ts'
import { msOf } from './event-row.ts'
import { addAfter, FINISHED, parkedConditions, UNFINISHED } from './parked-filter.ts'
import { PARKED_COLUMNS, parkedColumns, toParked, toParkedRow } from './parked-row.ts'
import type { Row } from './session.ts'
import type { TableAccess, TableWriter } from './table-access.ts'

export function parkedTable({ schema, rows, write }: TableAccess): ParkedStore {
  const table = `${schema}.parked`
  const one = async (
    where: string,
    values: readonly unknown[],
  ): Promise<ParkedEvent | undefined> => {
    const [row] = await rows(`select ${PARKED_COLUMNS} from ${table} where ${where}`, values)
    return row && toParked(row)
  }
  return {
    find: (parkedId) => one('parked_id = $1', [parkedId]),
    list: async (filter, { after, limit } = {}) => {
      requireLimit(limit)
      const where = parkedConditions(filter)
      if (after !== undefined) addAfter(where, filter, after)
      const end = where.value(limit ?? null)
      const sql = `select ${PARKED_COLUMNS} from ${table} where ${where.all}
        order by subscription, generation, sequence, parked_id limit ${end}`
      return (await rows(sql, where.values)).map(toParked)
    },
    count: async (filter) => {
      const where = parkedConditions(filter)
      const sql = `select count(*) from ${table} where ${where.all}`
      return (await rows(sql, where.values))[0]?.[0] as number
    },
    groups: async ({ subscription }) => {
      const where = new Conditions()
      where.add(UNFINISHED)
      where.add('fingerprint is not null')
      if (subscription !== undefined) where.add('subscription = ?', subscription)
      return (await rows(groupsSql(table, where.all), where.values)).map(toGroup)
    },
    keys: async (subscription, generation) =>
      (await rows(keysSql(table), [subscription, generation])).map(toKey),
    head: (subscription, generation, key) =>
      one(
        `subscription = $1 and generation = $2 and key = $3 and ${UNFINISHED} order by sequence, parked_id limit 1`,
        [subscription, generation, key],
      ),
    sweep: async (finishedBefore, limit) => {
      requireLimit(limit)
      requireTime('finishedBefore', finishedBefore)
      const sql = `delete from ${table} where parked_id in
        (select parked_id from ${table} where ${FINISHED} and changed_at < $1::timestamptz limit $2)`
      return write((session) => session.run(sql, [finishedBefore, limit ?? null]))
    },
  }
}

/** Within a transaction. */
export async function parkEvents(
  { schema, session }: TableWriter,
  events: readonly ParkedEvent[],
): Promise<void> {
  const sql = `insert into ${schema}.parked (${parkedColumns.join(', ')}) values (${placeholders(parkedColumns.length)})
    on conflict (parked_id) do update set ${parkedColumns.map((column) => `${column} = excluded.${column}`).join(', ')}`
  for (const event of events) await session.run(sql, toParkedRow(event))
}

function keysSql(table: string): string {
  return `select key, n, parked_id, sequence, state, due_at, reason from (
      select key, parked_id, sequence, state, due_at, reason, count(*) over (partition by key) as n,
        row_number() over (partition by key order by sequence, parked_id) as place
      from ${table} where subscription = $1 and generation = $2 and ${UNFINISHED}
    ) k where place = 1 order by sequence, parked_id`
}

function toKey(row: Row): ParkedKey {
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
function groupsSql(table: string, where: string): string {
  return `select g.subscription, g.fingerprint, p.event_type, g.n, g.parked_id, p.attempts, ${msOf('g.first_at')}, ${msOf('p.parked_at')}
    from (
      select subscription, fingerprint, parked_id, count(*) over same as n, min(parked_at) over same as first_at,
        row_number() over (partition by subscription, fingerprint order by parked_at desc, parked_id desc) as place
      from ${table} where ${where}
      window same as (partition by subscription, fingerprint)
    ) g join ${table} p on p.parked_id = g.parked_id
    where g.place = 1 order by g.n desc, g.subscription, g.fingerprint`
}

function toGroup(row: Row): ParkedGroup {
  return {
    subscription: row[0] as string,
    fingerprint: row[1] as string,
    eventType: row[2] as string,
    count: row[3] as number,
    sampleId: row[4] as string,
    error: lastError(JSON.parse(row[5] as string) as ParkedEvent['attempts']),
    firstParkedAt: timeOf(row[6]),
    lastParkedAt: timeOf(row[7]),
  }
}
