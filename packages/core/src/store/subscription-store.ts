/**
 * What a subscription is doing:
 * - `starting`: it waits for its lease, or reads its progress;
 * - `catching-up`: there are events to handle that others had time for; `live`: it is at the end of the log;
 * - `waiting`: it met an event of a newer version than this process knows, and offers its lease;
 * - `outage`: no key succeeds, so it tries one event from time to time and parks nothing;
 * - `paused`: somebody said so, or too much is parked;
 * - `failed`: it cannot go on by itself; `stopped`: its process let go of it.
 */
export type SubscriptionState =
  | 'starting'
  | 'catching-up'
  | 'live'
  | 'waiting'
  | 'outage'
  | 'paused'
  | 'failed'
  | 'stopped'

/** One consumer's place in the log. */
export interface SubscriptionRecord {
  readonly name: string
  /** From 1. A reset begins the next one, with rows of its own; those of earlier ones are history. */
  readonly generation: number
  /** The low-water mark: every event up to this position is handled, skipped or parked. */
  readonly position: number
  /** The fencing token of the last owner. */
  readonly token: number
  /** Who holds it, or held it last. */
  readonly owner: string
  /** The last owner let go of it in good order: nothing was in flight. */
  readonly released: boolean
  /** Somebody paused it: whoever owns it handles nothing until it is resumed. */
  readonly paused: boolean
  readonly state: SubscriptionState
  /** Why it is in that state; empty where the state says it all. */
  readonly reason: string
  /** Since when: UTC, ISO 8601, milliseconds. */
  readonly stateSince: string
}

/** Whoever writes for a subscription says as what; a successor has made it void when it does not fit. */
export interface Fence {
  readonly subscription: string
  readonly generation: number
  readonly token: number
}

/** A step of a subscription, committed together with what it did. */
export interface ProgressChange extends Fence {
  /**
   * Moves the low-water mark. What ran ahead, and what was begun, up to `to` is forgotten with it.
   */
  readonly mark?: { readonly from: number; readonly to: number } | undefined
  /**
   * Positions that are done although the mark is still before them. One that is done already is refused
   * like a void token, whether it ran ahead or the mark has passed it: its effects are there, from a commit
   * that nobody heard the answer of.
   */
  readonly ahead?: readonly number[] | undefined
}

export interface Claim {
  readonly name: string
  /** Higher than any before it: that of the lease. */
  readonly token: number
  readonly owner: string
  /** The mark of a subscription that was never there. */
  readonly startAt: number
}

/** Where a new owner goes on. */
export interface ClaimedProgress {
  /** As it is now, under the new token. */
  readonly record: SubscriptionRecord
  /** Whether the last owner let go in good order, or there was none. Otherwise events may have been in flight. */
  readonly wasReleased: boolean
  /** Positions behind the mark that are done, rising. */
  readonly ahead: readonly number[]
  /** Attempts that were recorded before they were made and never ended, by position. */
  readonly begun: ReadonlyMap<number, number>
}

/** What a subscription says of itself. */
export interface SubscriptionStatus {
  readonly state: SubscriptionState
  readonly reason: string
}

/** Every method that takes a fence throws {@link FencedError} when it is no longer the owner's. */
export interface SubscriptionStore {
  find(name: string): Promise<SubscriptionRecord | undefined>
  /** In order of name. */
  list(): Promise<readonly SubscriptionRecord[]>
  /** How many positions behind its mark are done; 0 for one that is not there. */
  countAhead(name: string): Promise<number>
  /** Takes over: from here on nobody with a lower token writes. @throws {FencedError} the token is not higher */
  claim(claim: Claim): Promise<ClaimedProgress>
  /** Says what it is doing. */
  describe(fence: Fence, status: SubscriptionStatus): Promise<void>
  /** Pauses or resumes it for whoever owns it, now or later. */
  setPaused(fence: Fence, paused: boolean): Promise<void>
  /** Begins the next generation behind a position. */
  reset(fence: Fence, position: number): Promise<SubscriptionRecord>
  /** Records an attempt before it is made. @returns how many were recorded of this event, this one included */
  begin(fence: Fence, position: number): Promise<number>
  /** Lets go in good order: nothing is in flight, and attempts that were begun are forgotten. */
  release(fence: Fence): Promise<void>
}
