import { memoryPublisher, type MemoryPublisher, type OutgoingRecord, type Publisher } from 'tidings'
import { nameOf, type OrderPayload } from './runtime-kit.ts'

/** A publisher in memory that says, and does, as it is told. */
export interface FaultyPublisher extends Publisher {
  readonly inner: MemoryPublisher
  /** Before a call: what it throws is what the call is rejected with. */
  before: (records: readonly OutgoingRecord[]) => void | Promise<void>
  /** After the records have arrived, before that is said. */
  after: () => void | Promise<void>
  /** Records of these keys are refused. */
  readonly refused: Set<string>
  /** How many records each call had that came through. */
  readonly sizes: readonly number[]
  readonly isClosed: boolean
  /** `key:n` in order of arrival, repeats included. */
  arrived(): readonly string[]
}

export function faultyPublisher(): FaultyPublisher {
  const inner = memoryPublisher()
  const sizes: number[] = []
  const refused = new Set<string>()
  let isClosed = false
  const publisher: FaultyPublisher = {
    inner,
    before: () => undefined,
    after: () => undefined,
    refused,
    sizes,
    get isClosed() {
      return isClosed
    },
    async publish(records) {
      await publisher.before(records)
      sizes.push(records.length)
      await inner.publish(records.filter(({ key }) => !refused.has(key)))
      await publisher.after()
      return records.map(({ key }) =>
        refused.has(key)
          ? { ok: false, error: new Error(`No record of ${key} is taken`) }
          : { ok: true },
      )
    },
    close: async () => {
      isClosed = true
    },
    arrived: () => inner.records('sample-orders').map(({ value }) => nameOf(payloadOf(value))),
  }
  return publisher
}

function payloadOf(value: string): OrderPayload {
  return (JSON.parse(value) as { readonly payload: OrderPayload }).payload
}

/** A text for each record: `key:n`. */
export function namesOf(records: readonly OutgoingRecord[]): string[] {
  return records.map(({ value }) => nameOf(payloadOf(value)))
}
