import { parseNormalTime } from '../internal/time.ts'
import type { Lease } from '../store/lease-store.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import type { OwnershipOptions } from './owner.ts'
import { placeName } from './shards.ts'

/** How many shards each of so many processes owns: they differ by one at the most, the first have more. */
export function shareOf(
  shards: number,
  { rank, processes }: { readonly rank: number; readonly processes: number },
): number {
  return Math.floor(shards / processes) + (rank < shards % processes ? 1 : 0)
}

/**
 * How many shards of a subscription this process may own. Each process that wants some has a place, a
 * lease that it renews; who looks at the places knows how many there are. There are as many places as
 * shards: further processes stand by.
 *
 * running (by `start`) → stopped
 */
export class ShardShare {
  readonly #name: string
  readonly #shards: number
  readonly #ports: DeliveryPorts
  readonly #ownership: OwnershipOptions
  readonly #onChange: () => void
  readonly #stopping = new AbortController()
  readonly #held = new Set<number>()
  #place: Lease | undefined
  #share = 0
  #processes = 0
  #backAtMs = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined

  constructor(
    { name, shards }: { readonly name: string; readonly shards: number },
    ports: DeliveryPorts,
    {
      ownership,
      onChange,
    }: {
      readonly ownership: OwnershipOptions
      /** The share has changed, or what of it is held. */
      readonly onChange: () => void
    },
  ) {
    this.#name = name
    this.#shards = shards
    this.#ports = ports
    this.#ownership = ownership
    this.#onChange = onChange
  }

  /** How many shards it may own now. */
  get share(): number {
    return this.#share
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`'${this.#name}' stops`))
    await this.#running
  }

  /** Before a shard is owned. @returns false where it has its share already */
  enter(index: number): boolean {
    if (this.#held.size >= this.#share) return false
    this.#held.add(index)
    return true
  }

  leave(index: number): void {
    this.#held.delete(index)
  }

  /** Those to let go of. */
  get excess(): readonly number[] {
    return [...this.#held].toSorted((a, b) => a - b).slice(this.#share)
  }

  /** Others can do it better: they have time to take all of it. Where there are none, nothing changes. */
  stepBack(): void {
    if (this.#processes < 2) return
    this.#backAtMs = this.#ports.environment.clock.now() + this.#ownership.leaseMs
    this.#share = 0
    this.#onChange()
  }

  async #run(): Promise<void> {
    const { leaseMs } = this.#ownership
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#look()
      } catch (error) {
        // What it owns it owns by other leases.
        this.#ports.onError(error)
      }
      await this.#rest(leaseMs / 3)
    }
    await this.#letGo()
  }

  async #look(): Promise<void> {
    const { leases } = this.#ports.store
    const { leaseMs } = this.#ownership
    const nowMs = this.#ports.environment.clock.now()
    // A clock that was set back makes nobody wait for longer.
    this.#backAtMs = Math.min(this.#backAtMs, nowMs + leaseMs)
    if (nowMs < this.#backAtMs) return this.#letGo()
    const place = (this.#place &&= await leases.renew(this.#place, leaseMs)) ?? (await this.#take())
    this.#place = place
    const live = place === undefined ? [] : await this.#live(place)
    const rank = live.findIndex(({ name }) => name === place?.name)
    this.#processes = live.length
    this.#share = rank < 0 ? 0 : shareOf(this.#shards, { rank, processes: live.length })
    this.#onChange()
  }

  /** The places that are taken, by the store's time: clocks differ. */
  async #live({ expiresAt }: Lease): Promise<readonly Lease[]> {
    const { leaseMs, isDead } = this.#ownership
    const nowMs = parseNormalTime(expiresAt) - leaseMs
    const prefix = placeName(this.#name, 0).slice(0, -1)
    const all = await this.#ports.store.leases.list()
    return all.filter(
      ({ name, owner, expiresAt: until }) =>
        name.startsWith(prefix) && parseNormalTime(until) > nowMs && !isDead(owner),
    )
  }

  async #take(): Promise<Lease | undefined> {
    const { owner, leaseMs, isDead } = this.#ownership
    const { leases } = this.#ports.store
    for (let place = 0; place < this.#shards; place++) {
      const name = placeName(this.#name, place)
      const holder = await leases.find(name)
      if (holder !== undefined && isDead(holder.owner)) await leases.release(holder)
      const lease = await leases.acquire(name, owner, leaseMs)
      if (lease !== undefined) return lease
    }
    return undefined
  }

  async #letGo(): Promise<void> {
    const place = this.#place
    this.#place = undefined
    try {
      if (place !== undefined) await this.#ports.store.leases.release(place)
    } catch (error) {
      // It runs out.
      this.#ports.onError(error)
    }
  }

  async #rest(delayMs: number): Promise<void> {
    const { signal } = this.#stopping
    try {
      await this.#ports.environment.clock.sleep(delayMs, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}
