import type { LeaseStore, Lease } from '../store/lease-store.ts'
import type { ClaimedProgress, Fence, SubscriptionStatus } from '../store/subscription-store.ts'
import { parseNormalTime } from '../internal/time.ts'
import { Bell } from '../internal/bell.ts'
import type { AnySubscription } from './define-subscription.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import type { LogTail } from './log-tail.ts'
import { OperationDesk } from './operation-desk.ts'
import { ParkedIndex } from './parked-index.ts'
import type { Selection } from './selection.ts'
import { SessionOver, type SessionEnd } from './session-end.ts'
import { Session } from './session.ts'
import { StateTeller } from './session-state.ts'
import { startPosition } from './start-position.ts'

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

export interface SubscriptionRunnerParts {
  readonly subscription: AnySubscription
  readonly selection: Selection
  readonly ports: DeliveryPorts
  readonly tail: LogTail
  readonly ownership: OwnershipOptions
}

const FIRST_REST_MS = 100
const LONGEST_REST_MS = 30_000

/**
 * Keeps a subscription running for as long as the process does: waits for its lease, runs a session
 * under it, and after whatever ends that begins again.
 *
 * waiting for the lease ⇄ owning it (a session, or one after the other) → stopped
 */
export class SubscriptionRunner {
  readonly #parts: SubscriptionRunnerParts
  readonly #teller: StateTeller
  readonly #stopping = new AbortController()
  readonly #requests = new Bell()
  readonly #newerSince = new Map<number, number>()
  #fence: Fence | undefined
  #session: Session | undefined
  #running: Promise<void> | undefined
  #failures = 0

  constructor(parts: SubscriptionRunnerParts) {
    this.#parts = parts
    const { subscription, ports } = parts
    this.#teller = new StateTeller(
      { state: 'starting', reason: '' },
      {
        write: (status) => this.#writeStatus(status),
        observe: (from, { state, reason }) => {
          const point = ports.observations.subscription
          if (point.active) point.emit({ subscription: subscription.name, from, to: state, reason })
        },
      },
    )
  }

  get name(): string {
    return this.#parts.subscription.name
  }

  get status(): SubscriptionStatus {
    return this.#teller.current
  }

  /** Everything up to here is handled, skipped or parked; undefined while somebody else owns it. */
  get handledUpTo(): number | undefined {
    return this.#session?.handledUpTo
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Somebody has requested an operation in this process. */
  poke(): void {
    this.#requests.ring()
  }

  /** Stops in good order; what has not ended when its time is over is cut off. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The subscription stops'))
    this.#session?.end({ kind: 'stopped' })
    await this.#running
  }

  get #leases(): LeaseStore {
    return this.#parts.ports.store.leases
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        const lease = await this.#acquire()
        if (lease !== undefined) await this.#own(lease)
        this.#failures = 0
      } catch (error) {
        await this.#fail(error)
      }
    }
    this.#teller.is({ state: 'stopped', reason: '' })
  }

  /** What nobody else owns: told, and begun again after a while. */
  async #fail(error: unknown): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#parts.ports.onError(error)
    this.#teller.is({ state: 'failed', reason: String(error) })
    await this.#rest(Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(this.#failures++, 20)))
  }

  /** @returns undefined when it stops */
  async #acquire(): Promise<Lease | undefined> {
    const { owner, leaseMs, isDead } = this.#parts.ownership
    while (!this.#stopping.signal.aborted) {
      const lease = await this.#leases.acquire(this.name, owner, leaseMs)
      if (lease !== undefined) return lease
      const held = await this.#leases.find(this.name)
      if (held !== undefined && isDead(held.owner)) {
        await this.#leases.release(held)
        continue
      }
      this.#teller.is({ state: 'starting', reason: `${held?.owner ?? 'somebody'} owns it` })
      // Not all at the same moment, when it comes free.
      await this.#rest((leaseMs / 4) * (1 + this.#parts.ports.random()))
    }
    return undefined
  }

  async #own(lease: Lease): Promise<void> {
    const keeping = new AbortController()
    const kept = this.#keep(lease, keeping.signal)
    let end: SessionEnd
    try {
      end = await this.#serve(lease)
    } finally {
      keeping.abort()
      await kept
      this.#session = undefined
      this.#fence = undefined
    }
    if (end.kind === 'lost') return
    await this.#leases.release(lease)
    if (end.kind === 'failed') throw end.error
    // Whoever knows the newer version has time to take it.
    if (end.kind === 'offered') await this.#rest(this.#parts.ownership.leaseMs / 2)
  }

  /** Sessions under one lease, until one ends otherwise than by a reset. */
  async #serve(lease: Lease): Promise<SessionEnd> {
    const { store } = this.#parts.ports
    let claimed = await this.#claim(lease)
    for (;;) {
      const session = await this.#begin(claimed)
      const desk = this.#open(session)
      const end = await session.run(this.#parts.ownership.graceMs)
      await desk
      await this.#teller.told()
      if (end.kind === 'lost') return end
      if (end.kind !== 'reset') {
        if (end.kind === 'stopped') await this.#tellStopped(session.fence)
        await store.subscriptions.release(session.fence)
        return end
      }
      const record = await store.subscriptions.reset(session.fence, end.position)
      claimed = { record, wasReleased: true, ahead: [], begun: new Map() }
    }
  }

  async #claim(lease: Lease): Promise<ClaimedProgress> {
    const { ports, subscription, ownership } = this.#parts
    const { store } = ports
    const known = await store.subscriptions.find(this.name)
    const startAt = known?.position ?? (await startPosition(store, subscription.plan.from))
    const { owner } = ownership
    return store.subscriptions.claim({ name: this.name, token: lease.token, owner, startAt })
  }

  async #begin(claimed: ClaimedProgress): Promise<Session> {
    const { subscription, selection, ports, tail } = this.#parts
    const { generation } = claimed.record
    const session = new Session({
      name: this.name,
      plan: subscription.plan,
      selection,
      ports,
      tail,
      claimed,
      parked: new ParkedIndex(await ports.store.parked.keys(this.name, generation)),
      teller: this.#teller,
      headAtStart: await ports.store.head(),
      newerSince: this.#newerSince,
    })
    this.#fence = session.fence
    this.#session = session
    // It may have been told to stop while this was read.
    if (this.#stopping.signal.aborted) session.end({ kind: 'stopped' })
    return session
  }

  /** Looks for operations, at once when this process requests one, and every now and then. */
  async #open(session: Session): Promise<void> {
    const { ports, ownership } = this.#parts
    const desk = new OperationDesk(session, ports)
    while (!session.isStopping) {
      await this.#look(desk, session)
      await session.waitFor(this.#requests.wait(), ownership.pollMs)
    }
  }

  async #look(desk: OperationDesk, session: Session): Promise<void> {
    try {
      await desk.look()
    } catch (error) {
      try {
        await session.holds.recover(error)
      } catch (over) {
        // It ends, and its end is told where it runs.
        if (!(over instanceof SessionOver)) throw over
      }
    }
  }

  /** Renews the lease until it is lost or let go. */
  async #keep(lease: Lease, signal: AbortSignal): Promise<void> {
    const { ports, ownership } = this.#parts
    const { clock } = ports.environment
    let current = lease
    for (;;) {
      try {
        await clock.sleep(ownership.leaseMs / 3, { signal })
      } catch (error) {
        if (signal.aborted) return
        throw error
      }
      const renewed = await this.#renew(current)
      if (renewed === undefined) return this.#session?.end({ kind: 'lost' })
      current = renewed
    }
  }

  /** @returns the lease as it is now; as it was, where the store could not be asked in time */
  async #renew(lease: Lease): Promise<Lease | undefined> {
    const { ports, ownership } = this.#parts
    try {
      return await this.#leases.renew(lease, ownership.leaseMs)
    } catch (error) {
      ports.onError(error)
      const isOver = ports.environment.clock.now() >= parseNormalTime(lease.expiresAt)
      return isOver ? undefined : lease
    }
  }

  async #writeStatus(status: SubscriptionStatus): Promise<void> {
    if (this.#fence === undefined) return
    try {
      await this.#parts.ports.store.subscriptions.describe(this.#fence, status)
    } catch (error) {
      // A state that could not be written is shown late; who has lost the subscription hears it elsewhere.
      const code = (error as { code?: string }).code
      if (code === 'TIDINGS_FENCED') this.#session?.end({ kind: 'lost' })
      else if (code !== 'TIDINGS_CLOSED') this.#parts.ports.onError(error)
    }
  }

  async #tellStopped(fence: Fence): Promise<void> {
    await this.#parts.ports.store.subscriptions.describe(fence, { state: 'stopped', reason: '' })
  }

  /** Waits, unless it stops. */
  async #rest(delayMs: number): Promise<void> {
    const { clock } = this.#parts.ports.environment
    const { signal } = this.#stopping
    try {
      await clock.sleep(delayMs, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}
