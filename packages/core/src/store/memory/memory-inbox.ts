import { requireTime } from '../check-arguments.ts'
import type { InboxStore } from '../store.ts'
import type { Access } from './access.ts'

/** When each message was seen, milliseconds since the epoch: by consumer, then by message. */
export type InboxTable = Map<string, Map<string, number>>

export function memoryInbox(table: InboxTable, access: Access): InboxStore {
  return {
    sweep: (consumer, before) =>
      access.write(() => {
        const beforeMs = requireTime('before', before)
        const seen = table.get(consumer)
        let count = 0
        for (const [messageId, seenMs] of seen ?? []) {
          if (seenMs < beforeMs && seen?.delete(messageId) === true) count++
        }
        return count
      }),
  }
}
