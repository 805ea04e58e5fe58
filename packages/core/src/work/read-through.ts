import type { StoredEnvelope } from '../contract/envelope.ts'
import type { Registry } from '../contract/registry.ts'
import type { EventReader } from '../store/store.ts'

/** A reader whose events are as their contracts are today. */
export function readThrough(reader: EventReader, registry: Registry): EventReader {
  return {
    async *[Symbol.asyncIterator](): AsyncGenerator<StoredEnvelope> {
      for await (const event of reader) yield registry.read(event)
    },
    async *pages(): AsyncGenerator<readonly StoredEnvelope[]> {
      for await (const page of reader.pages()) yield page.map((event) => registry.read(event))
    },
    async toArray() {
      const events = await reader.toArray()
      return events.map((event) => registry.read(event))
    },
  }
}
