import { isUuid, type EventRef, type RetentionChoice, type RetentionStore } from 'tidings'
import { checkErasure, requireLimit } from 'tidings/store'

import { eraseEvents, listErasures, planErasure } from './erasure.ts'
import { EVENT_COLUMNS, toEnvelopes } from './event-row.ts'
import type { NameTables } from './names.ts'
import { dueSql } from './retention-sql.ts'
import type { Session } from './session.ts'
import type { TableAccess } from './table-access.ts'

/** @param names the names that events are stored under */
export function retentionTable(
  access: TableAccess,
  names: () => Promise<NameTables>,
): RetentionStore {
  const { schema, rows, transact } = access
  return {
    due: async (choice, { after = 0, limit }) => {
      requireLimit(limit)
      const { sql, values } = await dueSql(schema, rows, choice)
      const found = await rows(
        `select ${EVENT_COLUMNS} from ${schema}.event_log e where ${sql} and e.position > $${values.length + 1}
         order by e.position limit $${values.length + 2}`,
        [...values, after, limit],
      )
      return toEnvelopes(found, await names())
    },
    remove: (choice, events) =>
      events.length === 0
        ? Promise.resolve(0)
        : transact((session) => removeEvents(schema, session, choice, events)),
    removed: async (stream) => {
      const found = await rows(
        `select first_version, last_version from ${schema}.archived_streams where stream = $1 order by last_version`,
        [stream],
      )
      return found.map(([first, last]) => ({ first: first as number, last: last as number }))
    },
    deleted: async () => {
      const found = await rows(`select what, count from ${schema}.deleted`)
      const counts = new Map(found as readonly (readonly [string, number])[])
      return { events: counts.get('events') ?? 0, commands: counts.get('commands') ?? 0 }
    },
    erase: async (request) => {
      checkErasure(request)
      return transact((session) => eraseEvents(schema, session, request, access.now()))
    },
    planErasure: async (request) => {
      checkErasure(request)
      return planErasure(schema, rows, request)
    },
    erasures: () => listErasures(schema, rows),
  }
}

/** In one transaction, and one process at a time: ranges that two of them join would be the same rows. */
async function removeEvents(
  schema: string,
  session: Session,
  choice: RetentionChoice,
  events: readonly EventRef[],
): Promise<number> {
  await session.client.query(`lock table ${schema}.archived_streams in share row exclusive mode`)
  const positions = events.map(({ position }) => position)
  const ids = events.map(({ eventId }) => eventId).filter(isUuid)
  const { sql, values } = await dueSql(schema, session.rows, choice, positions)
  const [position, id] = [values.length + 1, values.length + 2]
  const [row] = await session.rows(
    `with gone as (
       delete from ${schema}.event_log e where ${sql} and e.position = any($${position}::bigint[]) and e.event_id = any($${id}::uuid[])
       returning e.stream, e.version),
     runs as (
       select stream, min(version) as first, max(version) as last
       from (select stream, version, version - row_number() over (partition by stream order by version) as run from gone) g
       group by stream, run),
     -- Ranges that were there and touch one of these.
     touched as (
       delete from ${schema}.archived_streams a using runs r
       where a.stream = r.stream and (a.last_version = r.first - 1 or a.first_version = r.last + 1)
       returning a.stream, a.first_version as first, a.last_version as last),
     joined as (
       select stream, min(first) as first, max(last) as last from (
         select stream, first, last, sum(begins) over (partition by stream order by first) as run from (
           select stream, first, last,
             case when lag(last) over (partition by stream order by first) = first - 1 then 0 else 1 end as begins
           from (select * from runs union all select * from touched) u) b) j
       group by stream, run),
     noted as (
       insert into ${schema}.archived_streams (stream, first_version, last_version) select stream, first, last from joined),
     counted as (
       insert into ${schema}.deleted as k (what, count) select 'events', count(*) from gone having count(*) > 0
       on conflict (what) do update set count = k.count + excluded.count)
     select count(*) from gone`,
    [...values, positions, ids],
  )
  const count = row?.[0] as number
  if (count > 0) await session.rows(`select ${schema}.guard_deletions()`)
  return count
}
