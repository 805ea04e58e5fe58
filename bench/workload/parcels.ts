/** The events that the delivery benches read: parcels with a topic and a key, some 200 bytes each. */
import * as z from 'zod'
import { defineEvent, defineTopic, type AppStore } from 'tidings'
import { createRandom } from './random.ts'

const parcels = defineTopic('parcels', { carries: 'facts' })

export const ParcelScanned = defineEvent('Bench.Parcel.Scanned', {
  payload: z.object({
    parcelId: z.string(),
    depot: z.string(),
    grams: z.number(),
    note: z.string(),
  }),
  topic: parcels,
  key: ({ parcelId }) => parcelId,
})

const PER_APPEND = 500

/** Appends scans of `keys` parcels, in a random order. */
export async function appendScans(
  store: Pick<AppStore, 'append'>,
  { events, keys }: { readonly events: number; readonly keys: number },
): Promise<void> {
  const random = createRandom(7)
  for (let made = 0; made < events; made += PER_APPEND) {
    // A stream may be named once in an append: the scans of one parcel go together.
    const byParcel = new Map<string, ReturnType<typeof ParcelScanned>[]>()
    for (let n = made; n < Math.min(made + PER_APPEND, events); n++) {
      const parcelId = `parcel-${Math.floor(random() * keys)}`
      const scan = ParcelScanned({
        parcelId,
        depot: `depot-${n % 40}`,
        grams: n % 5000,
        note: 'left at the side door, neighbour signed',
      })
      byParcel.set(parcelId, [...(byParcel.get(parcelId) ?? []), scan])
    }
    await store.append(
      ...Array.from(byParcel, ([aggregateId, scans]) => ({
        aggregateType: 'Bench.Parcel',
        aggregateId,
        events: scans,
      })),
    )
  }
}

/** A log of such scans, and the table that handlers write into. */
export async function seedParcels(
  file: string,
  count: { readonly events: number; readonly keys: number },
): Promise<void> {
  const { bootstrap, defineModule } = await import('tidings')
  const { sqlite } = await import('tidings/sqlite')
  const app = await bootstrap({
    store: sqlite({ file, synchronous: 'normal' }),
    modules: [defineModule('bench', [ParcelScanned])],
    delivery: { run: false },
  })
  await appendScans(app.store, count)
  await app.store.transaction((tx) =>
    tx.sql`create table bench_effects (grams integer not null, depot text not null) strict`.then(
      () => undefined,
    ),
  )
  await app.close()
}
