import type { ParkedEvent } from '../store/parked-store.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import type { Fence } from '../store/subscription-store.ts'
import type { ProgressPlan, ProgressTracker } from './progress-tracker.ts'

/** A position that is done without a transaction of its own, and what is parked for it. */
interface Done {
  readonly position: number | undefined
  readonly parked: ParkedEvent | undefined
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Positions in one transaction, at the most. */
const MOST = 500

/**
 * Writes a subscription's progress: within the transaction of the effects, or, where there is none,
 * for all that was done meanwhile in one of its own.
 */
export class ProgressWriter {
  readonly #store: Store
  readonly #fence: Fence
  readonly #tracker: ProgressTracker
  #waiting: Done[] = []
  #isRunning = false

  constructor(store: Store, fence: Fence, tracker: ProgressTracker) {
    this.#store = store
    this.#fence = fence
    this.#tracker = tracker
  }

  /**
   * Makes positions done within a transaction; none of them: only makes sure that the subscription is
   * still this owner's.
   *
   * @returns the plan: `written` or `abandoned` must be told of it when the transaction has ended
   */
  async within(tx: StoreTransaction, positions: readonly number[]): Promise<ProgressPlan> {
    const plan = positions.length === 0 ? {} : this.#tracker.plan(positions)
    try {
      await tx.progress({ ...this.#fence, ...plan })
      return plan
    } catch (error) {
      this.#tracker.abandoned(plan)
      throw error
    }
  }

  written(plan: ProgressPlan, positions: readonly number[]): void {
    this.#tracker.written(plan, positions)
  }

  abandoned(plan: ProgressPlan): void {
    this.#tracker.abandoned(plan)
  }

  /** Resolves when a position is done for good, together with what is parked for it. */
  done(position: number, parked?: ParkedEvent): Promise<void> {
    return this.#add(position, parked)
  }

  /** Moves the mark over what was read and is none of the subscription's. */
  async catchUp(): Promise<void> {
    if (this.#tracker.open > 0 || this.#tracker.read === this.#tracker.mark) return
    await this.#add(undefined, undefined)
  }

  #add(position: number | undefined, parked: ParkedEvent | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ position, parked, resolve, reject })
      if (!this.#isRunning) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    // What ends in the same turn shares the transaction.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MOST)
      try {
        await this.#write(batch)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isRunning = false
  }

  async #write(batch: readonly Done[]): Promise<void> {
    const positions = batch.flatMap(({ position }) => position ?? [])
    const parked = batch.flatMap((done) => done.parked ?? [])
    let plan: ProgressPlan = {}
    try {
      await this.#store.transaction(async (tx) => {
        if (parked.length > 0) await tx.park(parked)
        plan = this.#tracker.plan(positions)
        await tx.progress({ ...this.#fence, ...plan })
      })
    } catch (error) {
      this.#tracker.abandoned(plan)
      throw error
    }
    this.#tracker.written(plan, positions)
  }
}
