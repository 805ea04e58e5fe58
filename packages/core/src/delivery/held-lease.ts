import type { Clock } from '../internal/clock.ts'
import { parseNormalTime } from '../internal/time.ts'
import type { Lease } from '../store/lease-store.ts'
import type { Store } from '../store/store.ts'

/** A lease that is kept for as long as a piece of work takes. held ⇄ renewed → lost, or let go. */
export class HeldLease {
  readonly #store: Store
  readonly #clock: Clock
  readonly #leaseMs: number
  /** By the store's clock, when it was taken. */
  readonly nowMs: number
  #lease: Lease | undefined
  #renewMs: number

  private constructor(
    store: Store,
    lease: Lease,
    { clock, leaseMs }: { readonly clock: Clock; readonly leaseMs: number },
  ) {
    this.#store = store
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#lease = lease
    this.nowMs = parseNormalTime(lease.expiresAt) - leaseMs
    this.#renewMs = clock.now() + leaseMs / 3
  }

  /** @returns undefined where somebody else has it */
  static async take(
    store: Store,
    name: string,
    by: { readonly owner: string; readonly leaseMs: number; readonly clock: Clock },
  ): Promise<HeldLease | undefined> {
    const lease = await store.leases.acquire(name, by.owner, by.leaseMs)
    return lease && new HeldLease(store, lease, by)
  }

  /** Renews it where that is due. @returns whether it is still held */
  async holds(): Promise<boolean> {
    if (this.#lease === undefined) return false
    const nowMs = this.#clock.now()
    if (nowMs < this.#renewMs) return true
    this.#lease = await this.#store.leases.renew(this.#lease, this.#leaseMs)
    this.#renewMs = nowMs + this.#leaseMs / 3
    return this.#lease !== undefined
  }

  async release(): Promise<void> {
    if (this.#lease !== undefined) await this.#store.leases.release(this.#lease)
    this.#lease = undefined
  }
}
