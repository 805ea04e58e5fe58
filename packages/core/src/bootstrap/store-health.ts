import { isStoreInTrouble } from '../errors/store-errors.ts'
import type { ErrorCode } from '../errors/tidings-error.ts'
import type { Clock } from '../internal/clock.ts'

/** For so long a failure of the store speaks against sending more commands. */
const HOLDS_MS = 10_000

/** What a store reports when it is the store that is at fault, not the request. */
const STORE_FAULTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TIDINGS_STORE_BUSY',
  'TIDINGS_STORE_FULL',
  'TIDINGS_STORE_READ_ONLY',
  'TIDINGS_STORE_CORRUPT',
  'TIDINGS_STORE_MISSING',
  'TIDINGS_STORE_FAILED',
])

/** How the writes of an application went of late. */
export interface StoreHealth {
  /** Notes how a write ends; answers with the write itself. */
  watch<Result>(write: Promise<Result>): Promise<Result>
  /** Why the store should be left alone for now; undefined where nothing is known against it. */
  reason(): string | undefined
}

export function watchStore(clock: Clock): StoreHealth {
  let failure: { readonly message: string; readonly atMs: number } | undefined
  const onDone = (): void => {
    failure = undefined
  }
  const onFailed = (error: unknown): void => {
    // A statement of the user's own that it refuses says nothing of the store.
    if (isStoreInTrouble(error) && STORE_FAULTS.has(error.code))
      failure = { message: error.message, atMs: clock.now() }
  }
  return {
    watch(write) {
      write.then(onDone, onFailed)
      return write
    },
    reason() {
      if (failure === undefined) return undefined
      const sinceMs = clock.now() - failure.atMs
      // Also where the clock stepped back: nobody knows for how long.
      if (sinceMs < 0 || sinceMs >= HOLDS_MS) return undefined
      return `the store failed ${sinceMs} ms ago: ${failure.message}`
    },
  }
}
