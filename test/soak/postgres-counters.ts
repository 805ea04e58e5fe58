import * as z from 'zod'
import { defineEvent, defineModule, defineSubscription, type SqlTransaction } from 'tidings'

const payload = z.object({ key: z.string(), n: z.number() })

export const Counted = defineEvent('Soak.Counter.Counted', { payload })

/** What a transaction fails with that is to be rolled back. */
export const ROLLED_BACK = 'rolled back, as it should be'

/** At least as many as there are processes. */
const SHARDS = 8

export const kinds = ['shared', 'grouped'] as const

/** What a reader has met: how many positions behind `from`, and which, as a number. */
export interface Reading {
  readonly from: number
  readonly count: number
  readonly hash: number
}

/** What a process says to the one that has started it. */
export type Said =
  | { readonly kind: 'heap'; readonly bytes: number }
  /** By key the number of its last acknowledged event. */
  | { readonly kind: 'stopped'; readonly acknowledged: Readonly<Record<string, number>> }
  | { readonly kind: 'read'; readonly readings: readonly Reading[] }

/** A hash over positions, each of them and their order. */
export function hashOn(hash: number, position: number): number {
  return (Math.imul(hash ^ position, 0x01000193) + 0x9e3779b9) >>> 0
}

/** Both do the same: one row a key, which says if any event came twice, or before its time. */
function counter(kind: (typeof kinds)[number]) {
  return defineSubscription<typeof kind, typeof Counted, SqlTransaction>(kind, {
    events: Counted,
    ...(kind === 'shared' ? { shards: SHARDS } : { effects: 'database' as const }),
    async handle({ payload: { key, n } }, { tx }) {
      await tx.sql`
        insert into soak_counters values (${kind}, ${key}, ${n}, case when ${n} = 1 then 0 else 1 end)
        on conflict (kind, key) do update set last = excluded.last,
          misplaced = soak_counters.misplaced + case when soak_counters.last + 1 = excluded.last then 0 else 1 end`
    },
  })
}

export function makeModule() {
  return defineModule('soak', [Counted, ...kinds.map(counter)])
}
