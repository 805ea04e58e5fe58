import type { InboxStore } from 'tidings'
import { requireLimit, requireTime } from 'tidings/store'

import { nowSql, type TableAccess, type TableWriter } from './table-access.ts'

export function inboxTable({ schema, rows, write }: TableAccess): InboxStore {
  const table = `${schema}.inbox`
  return {
    // From one name to the next, by the primary key: however much each has seen.
    consumers: async () => {
      const found = await rows(`with recursive names (name) as (
          (select consumer from ${table} order by consumer limit 1)
          union all
          select (select i.consumer from ${table} i where i.consumer > n.name order by i.consumer limit 1)
          from names n where n.name is not null
        ) select name from names where name is not null`)
      return found.map(([name]) => name as string)
    },
    sweep: async (consumer, before, limit) => {
      requireLimit(limit)
      requireTime('before', before)
      const sql = `delete from ${table} where consumer = $1 and message_id in
        (select message_id from ${table} where consumer = $1 and seen_at < $2::timestamptz limit $3)`
      return write((session) => session.run(sql, [consumer, before, limit ?? null]))
    },
  }
}

/** What a consumer sees, and when: null for the database's own time. */
export interface Sighting {
  readonly consumer: string
  readonly messageId: string
  readonly now: string | null
}

/** Within a transaction. @returns whether it is the first time */
export async function seeOnce(
  { schema, session }: TableWriter,
  { consumer, messageId, now }: Sighting,
): Promise<boolean> {
  const sql = `insert into ${schema}.inbox (consumer, message_id, seen_at) values ($1, $2, ${nowSql('$3')})
    on conflict do nothing`
  return (await session.run(sql, [consumer, messageId, now])) !== 0
}
