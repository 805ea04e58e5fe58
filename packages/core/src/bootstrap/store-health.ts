import { isStoreInTrouble } from '../errors/store-errors.ts'
import type { Clock } from '../internal/clock.ts'

/**
 * What is asked of a store: to read, to change rows that it keeps beside the log (leases, states), to commit
 * what was delivered, to record what somebody says. Where the disk is full, reads go on, and a row that is
 * changed in place may still find the room that an event does not.
 */
export type Asked = 'read' | 'change' | 'delivery' | 'append'

/** Who asks: somebody who is told of the failure, or the runtime, which asks again by itself. */
export type Asker = 'caller' | 'runtime'

/**
 * For so long a failure speaks against sending more commands. Callers stay away meanwhile, so somebody has to
 * try again. The runtime does so after 30 s at the latest, and a try can take seconds: with less, health would
 * be good between two tries.
 */
const HOLDS_MS: Readonly<Record<Asker, number>> = { caller: 10_000, runtime: 45_000 }

/** What is known to be over once something succeeds: the same, and what takes less. */
const SHOWN_BY: Readonly<Record<Asked, readonly Asked[]>> = {
  read: ['read'],
  change: ['change'],
  delivery: ['delivery', 'change'],
  append: ['append', 'delivery', 'change'],
}

interface Failure {
  readonly message: string
  readonly atMs: number
  readonly untilMs: number
}

/** How it went of late with what was asked of the store. */
export interface StoreHealth {
  succeeded(asked: Asked): void
  /** Takes any error: one that is not the store's fault is passed over. */
  failed(asked: Asked, error: unknown, asker: Asker): void
  /** Why the store should be left alone for now; undefined where nothing is known against it. */
  reason(): string | undefined
}

export function createStoreHealth(clock: Clock): StoreHealth {
  const failures = new Map<Asked, Failure>()
  return {
    succeeded(asked) {
      // Nearly always there is none, and this is asked with each call.
      if (failures.size === 0) return
      for (const shown of SHOWN_BY[asked]) failures.delete(shown)
    },
    failed(asked, error, asker) {
      // A statement of the user's own that it refuses says nothing of the store.
      if (!isStoreInTrouble(error) || error.statement !== undefined) return
      const atMs = clock.now()
      const known = failures.get(asked)
      // After a step back of the clock nobody knows for how long the last one held.
      const knownUntilMs = known !== undefined && known.atMs <= atMs ? known.untilMs : 0
      const untilMs = Math.max(atMs + HOLDS_MS[asker], knownUntilMs)
      failures.set(asked, { message: error.message, atMs, untilMs })
    },
    reason: () => describeLast([...failures.values()], clock.now()),
  }
}

function describeLast(failures: readonly Failure[], nowMs: number): string | undefined {
  const [last] = failures
    // Also where the clock stepped back: nobody knows for how long.
    .filter(({ atMs, untilMs }) => atMs <= nowMs && nowMs < untilMs)
    .toSorted((a, b) => b.atMs - a.atMs)
  return last && `the store failed ${nowMs - last.atMs} ms ago: ${last.message}`
}
