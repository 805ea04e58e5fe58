import type { Envelope, StoredEnvelope } from '../contract/envelope.ts'
import type { SealedEvent } from '../contract/seal.ts'
import type { AppendResult, Store, StreamAppend } from '../store/store.ts'

/** The events of an append as the store now has them, in order of position. */
export function toStoredEvents(
  appends: readonly StreamAppend[],
  results: readonly AppendResult[],
): StoredEnvelope[] {
  const stored: StoredEnvelope[] = []
  for (const [index, append] of appends.entries()) {
    const result = results[index]!
    const firstVersion = result.version - append.events.length + 1
    for (const [offset, event] of append.events.entries()) {
      stored.push(
        toStored(event, firstVersion + offset, { position: result.positions[offset]!, result }),
      )
    }
  }
  return appends.length > 1 ? stored.sort((a, b) => a.position - b.position) : stored
}

function toStored(
  event: SealedEvent,
  streamVersion: number,
  { position, result }: { readonly position: number; readonly result: AppendResult },
): StoredEnvelope {
  const envelope: Envelope = event.envelope
  const { schemaHash, topic, key } = event
  return Object.freeze({
    ...envelope,
    streamVersion,
    position,
    recordedAt: result.recordedAt,
    ...(schemaHash === undefined ? undefined : { schemaHash }),
    ...(topic === undefined ? undefined : { topic }),
    ...(key === undefined ? undefined : { key }),
  })
}

/** Whether an append was in the log already: all of its streams are, or none. */
export function isRepeat(results: readonly AppendResult[]): boolean {
  return results.some((result) => result.repeated)
}

/** The events of a repeated append as they were stored the first time. */
export async function readBack(
  store: Pick<Store, 'readStream'>,
  results: readonly AppendResult[],
): Promise<StoredEnvelope[]> {
  const stored: StoredEnvelope[] = []
  for (const { stream, version, positions } of results) {
    const range = { from: version - positions.length + 1, to: version }
    stored.push(...(await store.readStream(stream, range).toArray()))
  }
  return stored.sort((a, b) => a.position - b.position)
}
