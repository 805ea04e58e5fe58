import { sealDraft, type SealedEvent } from '../../packages/core/src/contract/seal.ts'
import { createIdSource } from '../../packages/core/src/internal/ids.ts'
import type { StreamAppend } from '../../packages/core/src/store/store.ts'
import { orderEvents, orderLine } from './orders.ts'
import { createRandom, createRandomFill } from './random.ts'

/** How the callers of an append bench behave. */
export interface Load {
  readonly callers: number
  /** Events in one append. */
  readonly eventsPerCall: number
  /** Appends in one sample, over all callers. */
  readonly calls: number
}

/** Events in a stream before its caller starts the next one. */
const STREAM_LENGTH = 5

const START = Date.UTC(2026, 10, 21)

/**
 * Makes what the callers append: each its own streams, with exact expected versions and v7 ids
 * throughout. Ids and times come from a seed, so that every store is given the very same events.
 */
export class AppendMaker {
  readonly #load: Load
  readonly #random = createRandom(1)
  readonly #ids = createIdSource(createRandomFill(2))
  readonly #streams: { id: string; correlationId: string; version: number }[] = []
  #made = 0

  constructor(load: Load) {
    this.#load = load
  }

  /** The appends of one sample, a list per caller. */
  next(): StreamAppend[][] {
    const { callers, calls } = this.#load
    const lists: StreamAppend[][] = Array.from({ length: callers }, () => [])
    for (let call = 0; call < calls; call++) {
      const caller = call % callers
      lists[caller]?.push(this.#append(caller))
    }
    return lists
  }

  /** Another event for the place of one that was made: what a caller would append who came too late. */
  again({ events: [first] }: StreamAppend): SealedEvent[] {
    if (first === undefined) return []
    const { aggregateId: id, correlationId } = first.envelope
    return [this.#event({ id, correlationId, version: 0 })]
  }

  #append(caller: number): StreamAppend {
    const stream = this.#stream(caller)
    const expectedVersion = stream.version
    const events: SealedEvent[] = []
    for (let n = 0; n < this.#load.eventsPerCall; n++) events.push(this.#event(stream))
    return { stream: `Shop.Order/${stream.id}`, expectedVersion, events }
  }

  #stream(caller: number): { id: string; correlationId: string; version: number } {
    const known = this.#streams[caller]
    if (known !== undefined && known.version < STREAM_LENGTH) return known
    const now = this.#now()
    const fresh = { id: this.#ids.newId(now), correlationId: this.#ids.newId(now), version: 0 }
    this.#streams[caller] = fresh
    return fresh
  }

  #event(stream: { id: string; correlationId: string; version: number }): SealedEvent {
    const define = orderEvents[stream.version++ % orderEvents.length] ?? orderEvents[0]
    const now = this.#now()
    this.#made++
    return sealDraft(define(orderLine(stream.id, this.#random)), {
      aggregateType: 'Shop.Order',
      aggregateId: stream.id,
      correlationId: stream.correlationId,
      causationId: this.#ids.newId(now),
      metadata: { source: 'shop.web', actor: `user-${this.#made % 97}` },
      clock: { now: () => now, sleep: () => Promise.reject(new Error('this clock stands still')) },
      ids: this.#ids,
    })
  }

  /** Twenty events to the millisecond. */
  #now(): number {
    return START + Math.floor(this.#made / 20)
  }
}

/** Runs every caller through its list, one call after the other, all callers at once. */
export async function drive<Call>(
  lists: readonly (readonly Call[])[],
  append: (call: Call) => Promise<unknown>,
): Promise<void> {
  await Promise.all(
    lists.map(async (list) => {
      for (const call of list) await append(call)
    }),
  )
}
