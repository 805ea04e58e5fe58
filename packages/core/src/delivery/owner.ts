import { isTidingsError } from '../errors/tidings-error.ts'
import { parseNormalTime } from '../internal/time.ts'
import type { Lease, LeaseStore } from '../store/lease-store.ts'
import type { DeliveryPorts } from './delivery-ports.ts'

export interface OwnershipOptions {
  /** Who this process is, for people and for the lease. */
  readonly owner: string
  /** Whether a holder is known to be dead: then its lease need not run out first. */
  readonly isDead: (owner: string) => boolean
  /** How long a lease lasts unless it is renewed, milliseconds. */
  readonly leaseMs: number
  /** How long handlers have to end when the subscription stops, milliseconds. */
  readonly graceMs: number
  /** How often it is looked for operations that another process has requested, milliseconds. */
  readonly pollMs: number
}

/** What came of owning something: somebody else has it, it is let go of, or let go of for others to take. */
export type OwnedEnd = 'lost' | 'over' | 'offered'

export interface OwnerWork {
  /**
   * Works under the lease until `lost` is aborted, or the owner is stopped.
   *
   * @throws what failed: it is told, and begun again after a while
   */
  readonly serve: (lease: Lease, lost: AbortSignal) => Promise<OwnedEnd>
  /** Somebody else holds the lease. */
  readonly onHeld: (by: string) => void
  readonly onFailed: (error: unknown) => void
  /** Before the lease is asked for: whether this process may own it now. Always, without. */
  readonly mayOwn?: () => boolean
  /** After `mayOwn` said yes: it does not own it, or no longer. */
  readonly onLetGo?: () => void
}

const FIRST_REST_MS = 100
const LONGEST_REST_MS = 30_000

/**
 * Does something that one process at a time may do, for as long as this process lives: waits for the
 * lease, works under it while it renews it, and after whatever ends that begins again.
 *
 * waiting for the lease ⇄ owning it → stopped
 */
export class Owner {
  readonly #name: string
  readonly #ports: DeliveryPorts
  readonly #ownership: OwnershipOptions
  readonly #work: OwnerWork
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #failures = 0

  constructor(
    name: string,
    ports: DeliveryPorts,
    { ownership, work }: { readonly ownership: OwnershipOptions; readonly work: OwnerWork },
  ) {
    this.#name = name
    this.#ports = ports
    this.#ownership = ownership
    this.#work = work
  }

  /** Aborted when it is told to stop. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Begins no further work, and answers when that under way has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`'${this.#name}' stops`))
    await this.#running
  }

  get #leases(): LeaseStore {
    return this.#ports.store.leases
  }

  async #run(): Promise<void> {
    while (!this.stopping.aborted) {
      try {
        const lease = await this.#acquire()
        if (lease !== undefined) await this.#own(lease)
        this.#failures = 0
      } catch (error) {
        this.#work.onLetGo?.()
        await this.#fail(error)
      }
    }
  }

  /** What nobody else owns: told, and begun again after a while. */
  async #fail(error: unknown): Promise<void> {
    if (this.stopping.aborted) return
    this.#ports.onError(error)
    this.#work.onFailed(error)
    await this.#rest(Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(this.#failures++, 20)))
  }

  /** @returns undefined when it stops */
  async #acquire(): Promise<Lease | undefined> {
    const { owner, leaseMs, isDead } = this.#ownership
    while (!this.stopping.aborted) {
      if (this.#work.mayOwn?.() === false) {
        await this.#rest((leaseMs / 8) * (1 + this.#ports.random()))
        continue
      }
      const lease = await this.#leases.acquire(this.#name, owner, leaseMs)
      if (lease !== undefined) return lease
      const held = await this.#leases.find(this.#name)
      if (held !== undefined && isDead(held.owner)) {
        await this.#leases.release(held)
        this.#work.onLetGo?.()
        continue
      }
      this.#work.onLetGo?.()
      this.#work.onHeld(held?.owner ?? 'somebody')
      // Not all at the same moment, when it comes free.
      await this.#rest((leaseMs / 4) * (1 + this.#ports.random()))
    }
    return undefined
  }

  async #own(lease: Lease): Promise<void> {
    const over = new AbortController()
    const lost = new AbortController()
    const kept = this.#keep(lease, { over: over.signal, onLost: () => lost.abort() })
    let end: OwnedEnd
    try {
      end = await this.#work.serve(lease, lost.signal)
    } catch (error) {
      // Also before it began: a process that stood still may find its lease taken.
      if (!isTidingsError(error) || error.code !== 'TIDINGS_FENCED') {
        await this.#giveUp(lease)
        throw error
      }
      end = 'lost'
    } finally {
      over.abort()
      await kept
    }
    this.#work.onLetGo?.()
    if (end === 'lost') return
    await this.#leases.release(lease)
    // Whoever can do it better has time to take it.
    if (end === 'offered') await this.#rest(this.#ownership.leaseMs / 2)
  }

  /** What failed is begun again in a moment, here or where it does better: not when the lease has run out. */
  async #giveUp(lease: Lease): Promise<void> {
    try {
      await this.#leases.release(lease)
    } catch {
      // It runs out, and what failed is told anyway.
    }
  }

  /** Renews the lease until it is lost or let go. */
  async #keep(
    lease: Lease,
    { over, onLost }: { readonly over: AbortSignal; readonly onLost: () => void },
  ): Promise<void> {
    const { clock } = this.#ports.environment
    let current = lease
    for (;;) {
      try {
        await clock.sleep(this.#ownership.leaseMs / 3, { signal: over })
      } catch (error) {
        if (over.aborted) return
        throw error
      }
      const renewed = await this.#renew(current)
      if (renewed === undefined) return onLost()
      current = renewed
    }
  }

  /** @returns the lease as it is now; as it was, where the store could not be asked in time */
  async #renew(lease: Lease): Promise<Lease | undefined> {
    try {
      return await this.#leases.renew(lease, this.#ownership.leaseMs)
    } catch (error) {
      this.#ports.onError(error)
      const isOver = this.#ports.environment.clock.now() >= parseNormalTime(lease.expiresAt)
      return isOver ? undefined : lease
    }
  }

  /** Waits, unless it stops. */
  async #rest(delayMs: number): Promise<void> {
    try {
      await this.#ports.environment.clock.sleep(delayMs, { signal: this.stopping })
    } catch (error) {
      if (!this.stopping.aborted) throw error
    }
  }
}
