import type { Envelope } from '../contract/envelope.ts'
import { toRecord } from './outgoing.ts'
import type { Publisher } from './publisher.ts'

/** An event, and where it goes. */
export interface Outgoing {
  readonly event: Envelope
  readonly topic: string
  /** The aggregate id by default. */
  readonly key?: string
}

/** What became of a batch. */
export interface BatchResult {
  readonly succeeded: number
  /** Each that was not sent, with its place in the batch. */
  readonly failures: readonly { readonly index: number; readonly error: unknown }[]
}

/** Sends events to topics past the log. What must not be lost is recorded, and left to the relay. */
export interface Producer {
  /** @throws what the publisher says against it */
  publish(event: Envelope, topic: string, key?: string): Promise<void>
  /** One round trip for all of them. Rejects only when nothing can be said of any. */
  publishBatch(batch: readonly Outgoing[]): Promise<BatchResult>
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** The producer of a publisher: single events, batches with the number that succeeded, close. */
export function createProducer(publisher: Publisher): Producer {
  return {
    async publish(event, topic, key) {
      const [result] = await publisher.publish([toRecord(event, topic, key)])
      if (result?.ok === true) return
      const reason: unknown = result?.error ?? noResult()
      throw reason
    },
    async publishBatch(batch) {
      const results = await publisher.publish(
        batch.map(({ event, topic, key }) => toRecord(event, topic, key)),
      )
      const failures = batch.flatMap((_, index) => {
        const result = results[index]
        return result?.ok === true ? [] : [{ index, error: result?.error ?? noResult() }]
      })
      return { succeeded: batch.length - failures.length, failures }
    },
    close: () => publisher.close(),
  }
}

function noResult(): Error {
  return new Error('The publisher gave no result.')
}
