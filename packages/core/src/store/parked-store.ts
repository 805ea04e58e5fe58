/**
 * Why an event was put aside:
 * - `failed`: its handler failed as often as its policy allows in place;
 * - `behind`: an earlier event of its key is parked, and it keeps the order;
 * - `unreadable`: it fits no contract of this application, or its upcaster failed;
 * - `unknown-version`: no process that knows its version came in time;
 * - `killed`: its handler ended the process, twice.
 */
export type ParkReason = 'failed' | 'behind' | 'unreadable' | 'unknown-version' | 'killed'

/** parked ⇄ redriving (somebody asked for it) → resolved (handled after all, or skipped by its policy) or discarded. */
export type ParkedState = 'parked' | 'redriving' | 'resolved' | 'discarded'

/** What was thrown, as it is kept. */
export interface ThrownRecord {
  readonly name: string
  readonly code?: string
  /** Shortened. */
  readonly message: string
  /** Shortened. */
  readonly stack?: string
}

/** One attempt that failed. */
export interface AttemptRecord {
  /** When it began: UTC, ISO 8601, milliseconds. */
  readonly at: string
  readonly durationMs: number
  readonly error: ThrownRecord
}

/** What somebody, or the runtime itself, did to a parked event, and why. */
export interface ParkedChange {
  readonly at: string
  /** A person or program; `runtime` for the subscription itself. */
  readonly by: string
  readonly what: 'parked' | 'redriven' | 'edited' | 'resolved' | 'discarded' | 'failed-again'
  readonly reason?: string
  readonly operationId?: string
}

/**
 * An event that a subscription put aside. One with no `dueAt` whose turn it would be is a **dead
 * letter**: it waits for a person.
 */
export interface ParkedEvent {
  /** UUIDv8 of event, subscription and generation: parked twice is parked once. */
  readonly parkedId: string
  readonly subscription: string
  readonly generation: number
  readonly key: string
  /** Order within the key: the position in the log, or one that its source gives. */
  readonly sequence: number
  /** Where it is in the log; undefined for one that came from elsewhere. */
  readonly position: number | undefined
  readonly eventId: string
  readonly eventType: string
  readonly eventVersion: number
  readonly correlationId: string
  readonly causationId: string | undefined
  readonly reason: ParkReason
  readonly state: ParkedState
  /** When it is tried again by itself, milliseconds since the epoch; undefined: not by itself. */
  readonly dueAt: number | undefined
  /** The last of them, in order. */
  readonly attempts: readonly AttemptRecord[]
  /** All of them, those no longer listed included. */
  readonly attemptCount: number
  /** How many of the policy's later attempts were used up. */
  readonly laterCount: number
  /** The same for the same error at the same place; undefined where nothing was thrown. */
  readonly fingerprint: string | undefined
  /** The event as bytes, for one that failed; undefined for one that waits behind another. */
  readonly bytes: Uint8Array | undefined
  /** The payload as JSON that a person put in its place; the original stays in `bytes` and in the log. */
  readonly edited: string | undefined
  /** How often somebody sent it again. */
  readonly redrives: number
  /** The operation that moved it last. */
  readonly operationId: string | undefined
  readonly history: readonly ParkedChange[]
  readonly parkedAt: string
  readonly changedAt: string
}

/** Which parked events are meant; all conditions hold together. */
export interface ParkedFilter {
  readonly ids?: readonly string[] | undefined
  readonly subscription?: string | undefined
  readonly generation?: number | undefined
  readonly key?: string | undefined
  readonly states?: readonly ParkedState[] | undefined
  readonly reasons?: readonly ParkReason[] | undefined
  /** As it is stored, no glob. */
  readonly eventType?: string | undefined
  readonly fingerprint?: string | undefined
  readonly operationId?: string | undefined
  /** Parked from this time on, and before this one: ISO 8601. */
  readonly since?: string | undefined
  readonly until?: string | undefined
}

/** Unfinished parked events with the same error at the same place. */
export interface ParkedGroup {
  readonly subscription: string
  readonly fingerprint: string
  readonly eventType: string
  readonly count: number
  /** One of them. */
  readonly sampleId: string
  readonly error: ThrownRecord
  readonly firstParkedAt: string
  readonly lastParkedAt: string
}

/** A key with unfinished parked events. */
export interface ParkedKey {
  readonly key: string
  readonly count: number
  /** The first of them: the only one that may run. */
  readonly head: Pick<ParkedEvent, 'parkedId' | 'sequence' | 'state' | 'dueAt' | 'reason'>
}

/** Unfinished is what is `parked` or `redriving`. */
export interface ParkedStore {
  find(parkedId: string): Promise<ParkedEvent | undefined>
  /** In order of subscription, generation, sequence, id; `after` is the last one of the page before. */
  list(
    filter: ParkedFilter,
    page?: { readonly after?: ParkedEvent | undefined; readonly limit?: number | undefined },
  ): Promise<readonly ParkedEvent[]>
  count(filter: ParkedFilter): Promise<number>
  /** The most first. */
  groups(filter: Pick<ParkedFilter, 'subscription'>): Promise<readonly ParkedGroup[]>
  /** The keys of a subscription that hold unfinished ones, in order of their heads. */
  keys(subscription: string, generation: number): Promise<readonly ParkedKey[]>
  /** The first unfinished one of a key. */
  head(subscription: string, generation: number, key: string): Promise<ParkedEvent | undefined>
  /**
   * Forgets what was finished before a time.
   *
   * @param limit at the most so many, all by default: a long delete holds up who appends
   * @returns how many
   */
  sweep(finishedBefore: string, limit?: number): Promise<number>
}
