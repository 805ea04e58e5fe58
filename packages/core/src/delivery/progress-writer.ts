import { setImmediate as nextTurn } from 'node:timers/promises'
import { isTidingsError } from '../errors/tidings-error.ts'
import { runOutside } from '../internal/flow.ts'
import type { ParkedEvent } from '../store/parked-store.ts'
import type { AppendResult, Store, StoreTransaction, StreamAppend } from '../store/store.ts'
import type { Fence } from '../store/subscription-store.ts'
import { appendEach, appendTogether } from './append-together.ts'
import type { ProgressPlan, ProgressTracker } from './progress-tracker.ts'

/** Positions that are done without a transaction of their own, and what is written with them. */
interface Done {
  readonly positions: readonly number[]
  readonly parked?: ParkedEvent | undefined
  /** What each unit of work appends. */
  readonly units?: readonly (readonly StreamAppend[])[]
  /** Nothing is done by it. */
  readonly isRecord?: boolean
}

/** Where what each unit appends is now. */
export type Placed = readonly (readonly AppendResult[])[]

interface Waiting extends Done {
  readonly resolve: (placed: Placed) => void
  readonly reject: (error: unknown) => void
}

/** What is done in one transaction, at the most. */
const MOST = 500
const NOTHING: readonly never[] = Object.freeze([])

/**
 * Writes a subscription's progress: within the transaction of the effects, or, where there is none,
 * for all that was done meanwhile in one of its own.
 */
export class ProgressWriter {
  readonly #store: Store
  readonly #fence: Fence
  readonly #tracker: ProgressTracker
  #waiting: Waiting[] = []
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
  async done(position: number, parked?: ParkedEvent): Promise<void> {
    await this.#add({ positions: [position], parked })
  }

  /** Resolves when positions, in rising order, are done for good: all of them in one transaction. */
  async allDone(positions: readonly number[]): Promise<void> {
    if (positions.length > 0) await this.#add({ positions })
  }

  /**
   * Makes positions done together with what units of work append, in a transaction that they share with what
   * else is done meanwhile. Where that fails for one of them the others are written all the same.
   *
   * @throws what the store says to these appends; what else it throws, for all that shared
   */
  doneWith(
    positions: readonly number[],
    units: readonly (readonly StreamAppend[])[],
  ): Promise<Placed> {
    return this.#add({ positions, units })
  }

  /** Appends events in the transaction of what else is done or recorded meanwhile. @throws as {@link doneWith} */
  async record(unit: readonly StreamAppend[]): Promise<readonly AppendResult[]> {
    const [results] = await this.#add({ positions: [], units: [unit], isRecord: true })
    return results!
  }

  /** Moves the mark over what was read and is none of the subscription's. */
  async catchUp(): Promise<void> {
    if (this.#tracker.open > 0 || this.#tracker.read === this.#tracker.mark) return
    await this.#add({ positions: [] })
  }

  #add(done: Done): Promise<Placed> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...done, resolve, reject })
      // Not in the frame of who came first: its handler may go on, and begin a transaction of its own.
      if (!this.#isRunning) void runOutside(() => this.#run())
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      // What ends, or begins, in the same turn shares the transaction.
      await nextTurn()
      await this.#settle(this.#waiting.splice(0, MOST))
    }
    this.#isRunning = false
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const placed = await this.#write(batch)
      for (const [index, { resolve }] of batch.entries()) resolve(placed[index] ?? NOTHING)
    } catch (error) {
      if (batch.length > 1 && batch.some(appends) && isOfOne(error)) await this.#settleApart(batch)
      else for (const { reject } of batch) reject(error)
    }
  }

  /**
   * One of them was refused. What was only to be recorded the store takes together, and answers each by itself:
   * of tasks that are done already, as they are after a reset, all are refused.
   */
  async #settleApart(batch: readonly Waiting[]): Promise<void> {
    const records = batch.filter(({ isRecord }) => isRecord)
    const answers = records.map(async ({ units, resolve, reject }) => {
      try {
        resolve([await this.#store.append(units![0]!)])
      } catch (error) {
        reject(error)
      }
    })
    for (const part of split(batch.filter(({ isRecord }) => isRecord !== true))) {
      await this.#settle(part)
    }
    await Promise.all(answers)
  }

  async #write(batch: readonly Waiting[]): Promise<readonly Placed[]> {
    const positions = batch.flatMap((done) => done.positions)
    const parked = batch.flatMap((done) => done.parked ?? [])
    let plan: ProgressPlan = {}
    let placed: readonly Placed[] = NOTHING
    try {
      await this.#store.transaction(async (tx) => {
        if (parked.length > 0) await tx.park(parked)
        plan = this.#tracker.plan(positions)
        await tx.progress({ ...this.#fence, ...plan })
        // Last: in some stores the first append holds the log until the commit.
        placed = await appendAll(tx, batch)
      })
    } catch (error) {
      this.#tracker.abandoned(plan)
      throw error
    }
    this.#tracker.written(plan, positions)
    return placed
  }
}

/** In few calls where several share: what they append is checked anew, each by itself, if that is refused. */
async function appendAll(
  tx: StoreTransaction,
  batch: readonly Waiting[],
): Promise<readonly Placed[]> {
  if (batch.length === 1) return [await appendEach(tx, batch[0]?.units ?? NOTHING)]
  const placed = await appendTogether(
    tx,
    batch.flatMap(({ units }) => units ?? NOTHING),
  )
  let next = 0
  return batch.map(({ units = NOTHING }) => placed.slice(next, (next += units.length)))
}

function appends({ units }: Waiting): boolean {
  return units !== undefined
}

/** Those that append something each by itself, and all others together. */
function split(batch: readonly Waiting[]): readonly (readonly Waiting[])[] {
  const others = batch.filter((done) => !appends(done))
  const appending = batch.filter(appends).map((done) => [done])
  return others.length === 0 ? appending : [others, ...appending]
}

/** Whether what one of them appends was refused, rather than all by a lost fence or a store in trouble. */
function isOfOne(error: unknown): boolean {
  if (!isTidingsError(error)) return true
  return error.code !== 'TIDINGS_FENCED' && !error.code.startsWith('TIDINGS_STORE_')
}
