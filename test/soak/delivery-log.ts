import * as z from 'zod'
import { defineEvent, type AppStore } from 'tidings'

const payload = z.object({ parcel: z.number(), n: z.number(), note: z.string() })

/** What a subscription handles in groups; four of five events. */
export const ParcelScanned = defineEvent('Soak.Parcel.Scanned', { payload })
/** What another handles in a transaction each. */
export const ScaleCompleted = defineEvent('Soak.Scale.Completed', { payload })

export const FIFTH = 5
const PER_APPEND = 500

/** A number from 0 to 2³² - 1 that looks drawn, and is the same in each run. */
export function scatter(n: number): number {
  let x = (n + 1) * 0x9e3779b1
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** How many events of each kind a parcel has. */
export interface Counts {
  readonly scanned: Uint32Array
  readonly completed: Uint32Array
}

/** Fills the log: events of all parcels in a scattered order; `n` counts those of a parcel and kind from 1. */
export async function fillLog(
  store: Pick<AppStore, 'append'>,
  { events, keys }: { readonly events: number; readonly keys: number },
): Promise<Counts> {
  const counts = { scanned: new Uint32Array(keys), completed: new Uint32Array(keys) }
  for (let made = 0; made < events; made += PER_APPEND) {
    const scanned = new Map<number, ReturnType<typeof ParcelScanned>[]>()
    const completed = new Map<number, ReturnType<typeof ScaleCompleted>[]>()
    for (let index = made; index < Math.min(made + PER_APPEND, events); index++) {
      const parcel = scatter(index) % keys
      const note = 'left at the side door, neighbour signed'
      if (index % FIFTH === 0) {
        const n = ++counts.completed[parcel]!
        add(completed, parcel, ScaleCompleted({ parcel, n, note }))
      } else {
        const n = ++counts.scanned[parcel]!
        add(scanned, parcel, ParcelScanned({ parcel, n, note }))
      }
    }
    await store.append(...streams('Soak.Parcel', scanned), ...streams('Soak.Scale', completed))
  }
  return counts
}

function add<Draft>(to: Map<number, Draft[]>, parcel: number, draft: Draft): void {
  const known = to.get(parcel)
  if (known === undefined) to.set(parcel, [draft])
  else known.push(draft)
}

/** A stream may be named once in an append: the events of one parcel go together. */
function streams<Draft>(aggregateType: string, drafts: ReadonlyMap<number, Draft[]>) {
  return Array.from(drafts, ([parcel, events]) => ({
    aggregateType,
    aggregateId: `parcel-${parcel}`,
    events,
  }))
}
