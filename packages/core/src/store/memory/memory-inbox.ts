import { requireLimit, requireTime } from '../check-arguments.ts'
import type { InboxStore } from '../store.ts'
import type { Access } from './access.ts'
import { compareText } from './compare-text.ts'

/** When each message was seen, milliseconds since the epoch: by consumer, then by message. */
export type InboxTable = Map<string, Map<string, number>>

export function memoryInbox(table: InboxTable, access: Access): InboxStore {
  return {
    async consumers() {
      access.read()
      return [...table].flatMap(([name, seen]) => (seen.size > 0 ? [name] : [])).sort(compareText)
    },
    sweep: (consumer, before, limit) =>
      access.write(() => {
        requireLimit(limit)
        const beforeMs = requireTime('before', before)
        const seen = table.get(consumer)
        let count = 0
        for (const [messageId, seenMs] of seen ?? []) {
          if (count === limit) break
          if (seenMs < beforeMs && seen?.delete(messageId) === true) count++
        }
        return count
      }),
  }
}
