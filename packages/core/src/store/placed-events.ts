import {
  freezeEnvelope,
  NO_METADATA,
  parseMetadata,
  type StoredEnvelope,
} from '../contract/envelope.ts'
import type { SealedEvent } from '../contract/seal.ts'
import { toIsoTime } from '../internal/time.ts'
import type { Committed } from './commits.ts'

/** Events of a stream that got their places in the log, in a transaction that is not committed yet. */
export interface Placed {
  readonly events: readonly SealedEvent[]
  /** The version of the stream before them. */
  readonly from: number
  readonly positions: readonly number[]
  readonly recordedAt: string
}

/** More are read: they would all be kept until the commit, whether anybody wants them or not. */
const MOST = 1000

/**
 * What one transaction adds to the log, for those who would otherwise read it. It holds the lock of the
 * log, so nobody else can add anything between the end of the log that it saw and its own.
 */
export class PlacedEvents {
  #after = 0
  #first = 0
  #upTo = 0
  #count = 0
  #placed: Placed[] = []

  /** A transaction begins to add, behind this end of the log. */
  begin(after: number): void {
    this.#after = after
    this.#upTo = after
    this.#count = 0
    this.#placed = []
  }

  add(placed: Placed): void {
    if (this.#count === 0) this.#first = placed.positions[0]!
    this.#count += placed.events.length
    if (this.#count > MOST) this.#placed = []
    else this.#placed.push(placed)
    this.#upTo = placed.positions.at(-1)!
  }

  /** @returns undefined where they are too many, or where a place between them is not theirs */
  committed(): Committed | undefined {
    const after = this.#after
    const span = this.#upTo - this.#first + 1
    const upTo = this.#upTo
    const count = this.#count
    const placed = this.#placed
    this.#placed = []
    if (count === 0 || count > MOST || span !== count) return undefined
    return { after, upTo, count, events: () => placed.flatMap(toEnvelopes) }
  }
}

function toEnvelopes({ events, from, positions, recordedAt }: Placed): readonly StoredEnvelope[] {
  return events.map((event, index) =>
    toEnvelope(event, {
      streamVersion: from + index + 1,
      position: positions[index]!,
      recordedAt,
    }),
  )
}

type Place = Pick<StoredEnvelope, 'streamVersion' | 'position' | 'recordedAt'>

/**
 * The envelope that a reading of its row would give. Made from the texts that are stored: what its
 * caller changes later in the objects that it appended changes nothing here.
 */
function toEnvelope(
  { envelope, payloadJson, metadataJson, timeMs, schemaHash, topic, key }: SealedEvent,
  place: Place,
): StoredEnvelope {
  const read: { -readonly [Key in keyof StoredEnvelope]: StoredEnvelope[Key] } = {
    eventId: envelope.eventId,
    eventType: envelope.eventType,
    eventVersion: envelope.eventVersion,
    timestamp: toIsoTime(timeMs),
    aggregateType: envelope.aggregateType,
    aggregateId: envelope.aggregateId,
    correlationId: envelope.correlationId,
    payload: JSON.parse(payloadJson),
    metadata: metadataJson === undefined ? NO_METADATA : parseMetadata(metadataJson),
    ...place,
  }
  if (envelope.causationId !== undefined) read.causationId = envelope.causationId
  if (schemaHash !== undefined) read.schemaHash = schemaHash
  if (topic !== undefined) read.topic = topic
  if (key !== undefined && key !== envelope.aggregateId) read.key = key
  return freezeEnvelope(read)
}
