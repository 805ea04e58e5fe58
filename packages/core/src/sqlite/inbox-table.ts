import { requireTime } from '../store/check-arguments.ts'
import type { InboxStore } from '../store/store.ts'
import type { Connection } from './connection.ts'
import type { TableAccess } from './table-access.ts'

export function inboxTable({ write }: TableAccess): InboxStore {
  return {
    sweep: async (consumer, before) => {
      const beforeMs = requireTime('before', before)
      return write((connection) => {
        const sql = 'delete from inbox where consumer = ? and seen_at < ?'
        return Number(connection.statement(sql).run(consumer, beforeMs).changes)
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
