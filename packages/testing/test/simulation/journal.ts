import type { Fence, OperationRecord, ParkedEvent, ProgressChange } from 'tidings'

/** What one transaction of a process left in the log when it was committed. */
export interface Committed {
  readonly kind: 'committed'
  readonly process: string
  readonly progress: readonly ProgressChange[]
  /** Numbers of the events whose effects it holds, in order. */
  readonly effects: readonly number[]
  readonly parked: readonly ParkedEvent[]
  readonly operations: readonly OperationRecord[]
}

/** Everything that happens in a history and that its oracle has to know, in the order of the log. */
export type Entry =
  | Committed
  | {
      readonly kind: 'appended'
      readonly n: number
      readonly eventId: string
      readonly key: string
      readonly position: number
    }
  | {
      readonly kind: 'claimed'
      readonly process: string
      /** The subscription, a shard of it, or what is kept for all shards together. */
      readonly subscription: string
      readonly token: number
      readonly generation: number
      readonly position: number
    }
  | { readonly kind: 'reset'; readonly process: string; readonly fence: Fence; readonly to: number }
  | {
      readonly kind: 'paused' | 'resumed' | 'released'
      readonly process: string
      readonly fence: Fence
    }
  /** What a process committed last, it does not know whether it did. */
  | { readonly kind: 'unanswered'; readonly process: string }
  /** An attempt is recorded before it is made. */
  | {
      readonly kind: 'watched'
      readonly process: string
      readonly subscription: string
      readonly position: number
    }
  | { readonly kind: 'requested'; readonly operation: OperationRecord }
  | {
      readonly kind: 'began'
      readonly process: string
      /** The subscription, or the shard that the event belongs to. */
      readonly subscription: string
      readonly n: number
      readonly run: number
      readonly attempt: number
      /** Whether nobody waits for it any more. */
      readonly isCut: () => boolean
    }
  | {
      readonly kind: 'ended'
      readonly process: string
      readonly n: number
      readonly run: number
      readonly how: RunEnd
    }
  | {
      readonly kind: 'state'
      readonly process: string
      readonly from: string
      readonly to: string
      readonly reason: string
    }
  | { readonly kind: 'process'; readonly process: string; readonly what: string }
  | { readonly kind: 'world'; readonly what: string }

/** How a run of a handler ended: well; by a throw with this code; or when nobody waited for it any more. */
export type RunEnd =
  | 'right'
  | 'late'
  | 'SIM_FAILED'
  | 'SIM_SKIP'
  | 'SIM_PARK'
  | 'SIM_STOP'
  | 'other'

export interface JournalLine {
  readonly atMs: number
  readonly entry: Entry
}

/** What happened so far, and who looks at it. */
export class Journal {
  readonly lines: JournalLine[] = []
  readonly #now: () => number
  readonly #watch: (entry: Entry) => void

  constructor(now: () => number, watch: (entry: Entry) => void) {
    this.#now = now
    this.#watch = watch
  }

  write(entry: Entry): void {
    this.lines.push({ atMs: this.#now(), entry })
    this.#watch(entry)
  }
}
