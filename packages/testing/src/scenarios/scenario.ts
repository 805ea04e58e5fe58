import type { AnyModule, IdSource, Publisher, Store } from 'tidings'
import type { ShiftedClock } from '../fakes/fake-clock.ts'
import type { SeededRandom } from '../fakes/seeded.ts'

/** What is changed of an application before it is started: to break a runtime on purpose. */
export interface Patch {
  readonly module: (module: AnyModule) => AnyModule
  readonly publisher: (publisher: Publisher) => Publisher
}

/** What an adapter lends to one scenario: one log, empty at first, of which nobody else knows. */
export interface StoreHarness {
  /**
   * Opens the log. Where it is shared, a later call opens the same log again: beside a store that is
   * still open, or after it was closed. Where it is not, there is one call only.
   */
  open(): Promise<Store>
  /** Makes a copy of the log, as a backup would while it is in use, and opens it elsewhere. */
  readonly restore: (() => Promise<Store>) | undefined
  /** Whether the log outlives its store object. A log in memory is the only one that may not. */
  readonly shared: boolean
  /** Whether transactions have `sql`. The only difference that an adapter may declare. */
  readonly sql: boolean
  /** The clock of its stores. */
  readonly clock: ShiftedClock
  readonly ids: IdSource
  readonly random: SeededRandom
  readonly patch: Patch
}

/**
 * What a scenario is about: A delivery, B the log, C transactions, D progress, what was seen and what
 * is published, E retries, F what was put aside or asked for, H who may do it, T timers.
 */
export type ScenarioGroup = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'H' | 'T'

/** What a scenario cannot be told without. */
export type Need = 'shared' | 'restore' | 'sql'

/** One promise, and a way to find out whether a store keeps it. */
export interface Scenario {
  /** Stable: `B07`. */
  readonly id: string
  readonly group: ScenarioGroup
  /** The promise in a sentence. */
  readonly title: string
  readonly needs: readonly Need[]
  /** Milliseconds after which it has failed; 30,000 where it does not say. */
  readonly timeoutMs?: number
  /** @throws {AssertionError} where the promise is not kept */
  run(harness: StoreHarness): Promise<void>
}

/** Whether a scenario can be told of an adapter. */
export function isApplicable(scenario: Scenario, harness: StoreHarness): boolean {
  return scenario.needs.every((need) => {
    if (need === 'restore') return harness.restore !== undefined
    return harness[need]
  })
}
