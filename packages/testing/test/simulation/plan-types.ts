/** What a handler does with an event, attempt for attempt, before it does it right. */
export type Behaviour =
  | { readonly kind: 'right' }
  /** Throws so many times; `Infinity`: until it is mended. */
  | { readonly kind: 'throws'; readonly times: number }
  /** Never answers, and does not listen to its signal. */
  | { readonly kind: 'hangs'; readonly times: number }
  /** Writes when its time is long over. */
  | { readonly kind: 'writes-late'; readonly times: number }
  | { readonly kind: 'slow'; readonly ms: number }
  /** Ends its process. */
  | { readonly kind: 'kills'; readonly times: number }
  /** Throws what a rule of the policy is about. */
  | { readonly kind: 'skip' | 'park' | 'stop'; readonly times: number }

export interface PlannedEvent {
  /** From 1: what it is called by, here and in its payload. */
  readonly n: number
  readonly atMs: number
  readonly key: string
  readonly behaviour: Behaviour
  /** 2: processes that know only the first version of its contract cannot read it. */
  readonly version: 1 | 2
}

export type OperationChoice = 'pause' | 'resume' | 'redrive' | 'discard' | 'reset' | 'cancel'

export type PlannedFault =
  /** Dies at a time, or at so many steps from then; begins again after a while. */
  | {
      readonly kind: 'dies'
      readonly process: number
      readonly atMs: number
      readonly steps: number
      readonly backMs: number
    }
  /** Stands still, as under SIGSTOP, and goes on as if nothing had been. */
  | {
      readonly kind: 'freezes'
      readonly process: number
      readonly atMs: number
      readonly forMs: number
    }
  | {
      readonly kind: 'store-busy'
      readonly process: number | 'all'
      readonly atMs: number
      readonly forMs: number
    }
  /** Some commits of a process are done, and it hears of an error. */
  | {
      readonly kind: 'answers-lost'
      readonly process: number
      readonly atMs: number
      readonly forMs: number
    }
  | {
      readonly kind: 'clock-steps'
      readonly process: number
      readonly atMs: number
      readonly byMs: number
    }
  /** Whatever handlers need is away: all of them throw. */
  | { readonly kind: 'nothing-works'; readonly atMs: number; readonly forMs: number }
  | {
      readonly kind: 'restarts'
      readonly process: number
      readonly atMs: number
      readonly backMs: number
    }
  /** Every process is begun again with another number of shards, and a person resets it. */
  | {
      readonly kind: 'shards-change'
      readonly atMs: number
      readonly shards: number
      readonly backMs: number
      /** How far in the log it begins then: 0 up to 1. */
      readonly draw: number
    }
  | {
      readonly kind: 'operation'
      readonly choice: OperationChoice
      readonly atMs: number
      /** Where what is needed beside the choice is taken from: 0 up to 1. */
      readonly draw: number
    }

/** How a handler is written. */
export type HandlerMode =
  /** Effects through `ctx.tx`, each in a transaction of its own. */
  | 'transaction'
  /** `effects: 'database'`: many in a transaction. */
  | 'grouped'
  /** Effects elsewhere. */
  | 'plain'
  | 'batch-transaction'
  | 'batch-plain'

export interface SubscriptionShape {
  readonly mode: HandlerMode
  readonly order: 'key' | 'none' | 'all'
  readonly concurrency: number
  readonly timeoutMs: number
  readonly attempts: number
  readonly delayMs: number
  readonly laterMs: readonly number[]
  readonly maxParked: number
  readonly maxParkedOfKey: number
  readonly outageAfter: number
  readonly buffer: number
  readonly batchSize: number
  readonly batchAgeMs: number
  readonly rate: number | undefined
}

export interface ProcessShape {
  readonly startMs: number
  readonly skewMs: number
  /** The version of the contract that it knows. */
  readonly knows: 1 | 2
}

/** Everything that a seed decides beforehand. */
export interface HistoryPlan {
  readonly seed: number
  readonly subscription: SubscriptionShape
  /** Into how many its keys are divided at first. */
  readonly shards: number
  readonly processes: readonly ProcessShape[]
  readonly leaseMs: number
  readonly graceMs: number
  readonly pollMs: number
  /** A step of the store takes up to this. */
  readonly latencyMs: number
  /** A transaction whose process stands still is rolled back after this. */
  readonly idleMs: number
  readonly events: readonly PlannedEvent[]
  readonly faults: readonly PlannedFault[]
  /** From here on nothing new goes wrong. */
  readonly calmMs: number
  /** Whether handlers are mended in the end, and everything that is parked is redriven. */
  readonly mends: boolean
}
