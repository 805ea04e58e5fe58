import type { InboxStore } from 'tidings'
import { requireTime } from 'tidings/store'

import { nowSql, type TableAccess, type TableWriter } from './table-access.ts'

export function inboxTable({ schema, write }: TableAccess): InboxStore {
  return {
    sweep: async (consumer, before) => {
      requireTime('before', before)
      const sql = `delete from ${schema}.inbox where consumer = $1 and seen_at < $2::timestamptz`
      return write((session) => session.run(sql, [consumer, before]))
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
