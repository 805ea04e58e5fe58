import type { ClaimedProgress } from '../store/subscription-store.ts'
import type { SubscriptionPlan } from './define-subscription.ts'
import { GROUP } from './groups.ts'
import { PAGE } from './log-tail.ts'

/** How carefully an event is handled. */
export interface Care {
  /** Its attempt is recorded before it is made: what ends its process shows, and is parked the next time. */
  readonly isWatched: boolean
  /** No other handler runs beside it: what ends the process then is nothing else. */
  readonly isAlone: boolean
}

const NONE: Care = Object.freeze({ isWatched: false, isAlone: false })

/**
 * Care after an owner that did not let go in good order: one of the events that were in flight may have
 * ended its process. As many as ran side by side run alone; so does whatever had begun when a process
 * ended. All others that can have been handed out are watched, which costs a write each: retries give
 * their place to others, so more can be in flight than run at the same time.
 */
export class Caution {
  readonly #begun: ReadonlyMap<number, number>
  readonly #upTo: number
  #watchedLeft: number
  #aloneLeft: number

  /** @param headAtStart the end of the log when the session began: nothing behind it was in flight */
  constructor(claimed: ClaimedProgress, plan: SubscriptionPlan, headAtStart: number) {
    const isNeeded = !claimed.wasReleased
    this.#begun = claimed.begun
    this.#upTo = headAtStart
    this.#aloneLeft = isNeeded ? inFlight(plan) : 0
    this.#watchedLeft = isNeeded ? plan.buffer + PAGE : 0
  }

  /** For each event once, in order. */
  of(position: number): Care {
    if (this.#watchedLeft === 0 || position > this.#upTo) return NONE
    this.#watchedLeft--
    const isAlone = this.#aloneLeft > 0 || this.#begun.has(position)
    if (this.#aloneLeft > 0) this.#aloneLeft--
    return { isWatched: true, isAlone }
  }
}

/** Transactions that have ended and wait for a commit that they share, at the most; with the last of them. */
const COMMITTING = 33

/** How many events can have begun and not been noted: as many may run, and pause between two attempts. */
function inFlight(plan: SubscriptionPlan): number {
  if (plan.handleBatch !== undefined) return 2 * plan.batchSize
  if (plan.effects === 'database') return 2 * GROUP
  // As many again have ended, and are on their way out.
  return 3 * plan.concurrency + COMMITTING
}
