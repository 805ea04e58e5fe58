import { expect, test } from 'vitest'
import * as z from 'zod'
import {
  bootstrap,
  defineEvent,
  defineModule,
  defineTopic,
  memoryPublisher,
  memoryStore,
  type Publisher,
} from '../../src/index.ts'
import { withOverrides } from '../support/stores.ts'

const Scanned = defineEvent('Shop.Parcel.Scanned', {
  payload: z.object({ n: z.number() }),
  topic: defineTopic('parcels', { carries: 'facts' }),
})

/** A relay over a log of so many events: the sizes of its batches, and how often it wrote its mark. */
async function relay(count: number): Promise<{
  readonly sizes: readonly number[]
  readonly marks: readonly number[]
}> {
  const store = memoryStore()
  const modules = [defineModule('shop', [Scanned])]
  const before = await bootstrap({ store, modules, delivery: { run: false } })
  const events = Array.from({ length: count }, (_, n) => Scanned({ n }))
  await before.store.append({ aggregateType: 'Shop.Parcel', aggregateId: 'p', events })
  const sizes: number[] = []
  const marks: number[] = []
  const kept = memoryPublisher()
  const publisher: Publisher = {
    publish(records, options) {
      sizes.push(records.length)
      return kept.publish(records, options)
    },
    close: () => kept.close(),
  }
  const watched = withOverrides(store, {
    transaction: (work, options) =>
      store.transaction((tx) => {
        const progress: typeof tx.progress = async (change) => {
          await tx.progress(change)
          if (change.mark !== undefined) marks.push(change.mark.to)
        }
        return work(withOverrides(tx, { progress }))
      }, options),
  })
  const app = await bootstrap({ store: watched, modules, publisher })
  await app.delivery.caughtUp({ names: ['relay'] })
  await app.close()
  expect(kept.records('parcels')).toHaveLength(count)
  return { sizes, marks }
}

test('a backlog goes out in batches of 1,000, each with one step of the mark', async () => {
  const { sizes, marks } = await relay(2500)
  expect(sizes).toEqual([1000, 1000, 500])
  expect(marks).toEqual([1000, 2000, 2500])
})
