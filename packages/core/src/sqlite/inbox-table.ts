import { requireLimit, requireTime } from '../store/check-arguments.ts'
import type { InboxStore } from '../store/store.ts'
import type { Connection } from './connection.ts'
import type { TableAccess } from './table-access.ts'

/** From one name to the next, by the primary key: however much each has seen. */
const CONSUMERS = `with recursive names (name) as (
  select min(consumer) from inbox
  union all
  select (select min(consumer) from inbox where consumer > name) from names where name is not null
) select name from names where name is not null`

export function inboxTable({ read, write }: TableAccess): InboxStore {
  return {
    consumers: () =>
      read((connection) =>
        connection
          .rows(CONSUMERS)
          .all()
          .map(([name]) => name as string),
      ),
    sweep: async (consumer, before, limit) => {
      requireLimit(limit)
      const beforeMs = requireTime('before', before)
      return write((connection) => {
        const sql = `delete from inbox where consumer = ?1 and message_id in
          (select message_id from inbox where consumer = ?1 and seen_at < ?2 limit ?3)`
        return Number(connection.statement(sql).run(consumer, beforeMs, limit ?? -1).changes)
      })
    },
  }
}

/** What a consumer sees, and when. */
export interface Sighting {
  readonly consumer: string
  readonly messageId: string
  readonly nowMs: number
}

/** Within a transaction of the writer. @returns whether it is the first time */
export function seeOnce(connection: Connection, { consumer, messageId, nowMs }: Sighting): boolean {
  const sql =
    'insert into inbox (consumer, message_id, seen_at) values (?, ?, ?) on conflict do nothing'
  return connection.statement(sql).run(consumer, messageId, nowMs).changes !== 0
}
