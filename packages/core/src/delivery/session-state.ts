import type { SubscriptionState, SubscriptionStatus } from '../store/subscription-store.ts'

/** What the state of a session follows from. */
export interface StateFacts {
  /** Somebody has to resume it, and why. */
  readonly held: { readonly state: 'paused' | 'failed'; readonly reason: string } | undefined
  /** No key succeeds, or the store is in trouble. */
  readonly outage: string | undefined
  /** It met an event of a newer version. */
  readonly waiting: string | undefined
  readonly isLive: boolean
}

/** The one state that several facts come to: the worst of them. */
export function stateOf({ held, outage, waiting, isLive }: StateFacts): SubscriptionStatus {
  if (held !== undefined) return held
  if (outage !== undefined) return { state: 'outage', reason: outage }
  if (waiting !== undefined) return { state: 'waiting', reason: waiting }
  return { state: isLive ? 'live' : 'catching-up', reason: '' }
}

/**
 * Tells everybody what a subscription is doing: observers at once, the store one after the other, the
 * newest only.
 */
export class StateTeller {
  readonly #write: (status: SubscriptionStatus) => Promise<boolean>
  readonly #observe: (from: SubscriptionState, status: SubscriptionStatus) => void
  #current: SubscriptionStatus
  #written: SubscriptionStatus
  #writing: Promise<void> | undefined

  constructor(
    initial: SubscriptionStatus,
    tell: {
      /** Must own its failures. @returns false when the newest is to be written again */
      readonly write: (status: SubscriptionStatus) => Promise<boolean>
      readonly observe: (from: SubscriptionState, status: SubscriptionStatus) => void
    },
  ) {
    this.#current = initial
    this.#written = initial
    this.#write = tell.write
    this.#observe = tell.observe
  }

  get current(): SubscriptionStatus {
    return this.#current
  }

  is(status: SubscriptionStatus): void {
    const before = this.#current
    if (before.state === status.state && before.reason === status.reason) return
    this.#current = status
    if (before.state !== status.state) this.#observe(before.state, status)
    this.#writing ??= this.#writeNewest()
  }

  /** Resolves when the store has been told. */
  async told(): Promise<void> {
    await this.#writing
  }

  async #writeNewest(): Promise<void> {
    while (this.#written !== this.#current) {
      const status = this.#current
      if (await this.#write(status)) this.#written = status
    }
    this.#writing = undefined
  }
}
