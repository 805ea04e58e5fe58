import type { ClaimedProgress } from '../store/subscription-store.ts'
import type { SubscriptionPlan } from './define-subscription.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import type { LogTail } from './log-tail.ts'
import type { ParkedIndex } from './parked-index.ts'
import type { Selection } from './selection.ts'
import type { StateTeller } from './session-state.ts'
import type { Shard } from './shards.ts'

/** What a session is made of. */
export interface SessionParts {
  /** What handlers know it by, and what is parked is kept under. */
  readonly name: string
  /** Only the keys of this shard; all of them, without. */
  readonly shard?: Shard | undefined
  readonly plan: SubscriptionPlan
  readonly selection: Selection
  readonly ports: DeliveryPorts
  readonly tail: LogTail
  readonly claimed: ClaimedProgress
  readonly parked: ParkedIndex
  readonly teller: StateTeller
  /** The end of the log when the session began. */
  readonly headAtStart: number
  /** Since when an event of a newer version was in the way, in earlier sessions too, by position. */
  readonly newerSince: Map<number, number>
}
