import { sealDraft } from '../../packages/core/src/contract/seal.ts'
import { createIdSource } from '../../packages/core/src/internal/ids.ts'
import type { Store, StreamAppend } from '../../packages/core/src/store/store.ts'
import { openOurs } from '../twins/ours.ts'
import { orderEvents, orderLine } from './orders.ts'
import { createRandom, createRandomFill } from './random.ts'

/** What a reading bench finds in its log: streams of equal length, their events taking turns. */
export interface SeedPlan {
  readonly streams: number
  readonly eventsPerStream: number
}

const START = Date.UTC(2026, 10, 21)

/** The ids of the streams, the same for every process that asks. */
export function seededIds({ streams }: SeedPlan): string[] {
  const ids = createIdSource(createRandomFill(3))
  return Array.from({ length: streams }, (_, n) => ids.newId(START + n))
}

/** Fills a new log by our own store, so that its rows are what our store writes. */
export async function seedLog(file: string, plan: SeedPlan): Promise<void> {
  await fillLog(await openOurs(file), plan)
}

/** Fills an empty log, and closes it. */
export async function fillLog(store: Store, plan: SeedPlan): Promise<void> {
  const random = createRandom(4)
  const ids = createIdSource(createRandomFill(5))
  const aggregates = seededIds(plan)
  const correlations = aggregates.map((_, n) => ids.newId(START + n))
  let made = 0
  const event = (stream: number): StreamAppend['events'][number] => {
    const now = START + 1_000_000 + Math.floor(made / 20)
    const define = orderEvents[made++ % orderEvents.length] ?? orderEvents[0]
    const aggregateId = aggregates[stream] ?? ''
    return sealDraft(define(orderLine(aggregateId, random)), {
      aggregateType: 'Shop.Order',
      aggregateId,
      correlationId: correlations[stream] ?? '',
      causationId: ids.newId(now),
      metadata: { source: 'shop.web', actor: `user-${made % 97}` },
      clock: { now: () => now, sleep: () => Promise.reject(new Error('this clock stands still')) },
      ids,
    })
  }
  // A few events of each of a few streams at a time: one stream's rows lie apart, as in real life.
  const perAppend = Math.min(5, plan.eventsPerStream)
  for (let version = 0; version < plan.eventsPerStream; version += perAppend) {
    for (let first = 0; first < plan.streams; first += 100) {
      const last = Math.min(first + 100, plan.streams)
      const appends: StreamAppend[] = []
      for (let stream = first; stream < last; stream++) {
        appends.push({
          stream: `Shop.Order/${aggregates[stream] ?? ''}`,
          expectedVersion: version,
          events: Array.from({ length: perAppend }, () => event(stream)),
        })
      }
      await store.append(appends)
    }
  }
  await store.close()
}
