import { memoryStore, type Clock, type Store } from 'tidings'
import type { StoreAdapter } from '../scenarios/run-scenario.ts'

/** Puts something broken in front of a store. */
export type Break = (inner: Store, clock: Clock) => Store

export function breakStore(fault: string, make: Break): StoreAdapter {
  return {
    name: `a store that ${fault}`,
    shared: false,
    sql: false,
    createLog: (clock) => ({ open: () => make(memoryStore({ clock }), clock) }),
  }
}

/** Without `sql`, which what is in front of a transaction does not hand through, and without backups. */
export function breakAdapter({ name, shared, createLog }: StoreAdapter, make: Break): StoreAdapter {
  return {
    name: `${name}, broken`,
    shared,
    sql: false,
    async createLog(clock) {
      const log = await createLog(clock)
      return {
        open: async () => make(await log.open(), clock),
        remove: () => log.remove?.(),
      }
    },
  }
}
