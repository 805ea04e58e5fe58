import { UsageError } from '../errors/usage-errors.ts'
import type { OutgoingRecord, Publisher, PublishResult } from './publisher.ts'

/** Topics in the memory of this process, for tests and for trying things out. */
export interface MemoryPublisher extends Publisher {
  /** What a topic holds, in order of arrival. */
  records(topic: string): readonly OutgoingRecord[]
  readonly topics: readonly string[]
}

const OK: PublishResult = Object.freeze({ ok: true })

/** A publisher that keeps what it is given. */
export function memoryPublisher(): MemoryPublisher {
  const topics = new Map<string, OutgoingRecord[]>()
  let isClosed = false
  return {
    async publish(records, { signal } = {}) {
      if (isClosed) throw closed('memory:')
      signal?.throwIfAborted()
      for (const record of records) {
        const kept = topics.get(record.topic)
        if (kept === undefined) topics.set(record.topic, [record])
        else kept.push(record)
      }
      return records.map(() => OK)
    },
    async close() {
      isClosed = true
    },
    records: (topic) => topics.get(topic) ?? [],
    get topics() {
      return [...topics.keys()]
    },
  }
}

export function closed(where: string): UsageError {
  return new UsageError(
    'TIDINGS_CLOSED',
    `The publisher '${where}' is closed: it takes no further records. Nothing was sent.`,
  )
}
