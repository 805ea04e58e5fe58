import { isTidingsError } from '../errors/tidings-error.ts'
import type { Lease } from '../store/lease-store.ts'
import type { ClaimedProgress, Fence, SubscriptionStatus } from '../store/subscription-store.ts'
import { Bell } from '../internal/bell.ts'
import type { AnySubscription } from './define-subscription.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import type { LogTail } from './log-tail.ts'
import { redriveRate } from './move-parked.ts'
import { OperationDesk } from './operation-desk.ts'
import { Owner, type OwnedEnd, type OwnershipOptions } from './owner.ts'
import { ParkedIndex } from './parked-index.ts'
import type { Selection } from './selection.ts'
import { SessionOver, type SessionEnd } from './session-end.ts'
import { Session } from './session.ts'
import { StateTeller } from './session-state.ts'
import { startPosition } from './start-position.ts'

export interface SubscriptionRunnerParts {
  readonly subscription: AnySubscription
  readonly selection: Selection
  readonly ports: DeliveryPorts
  readonly tail: LogTail
  readonly ownership: OwnershipOptions
}

/** After which a state is written again that the store could not take, milliseconds. */
const REWRITE_MS = 1000
const LEASE_LOST = {
  kind: 'lost',
  why: 'The lease ran out before it was renewed. What was under way here is begun again by its next owner. A lease that is lost often is too short for what blocks the process.',
} as const

/**
 * Keeps a subscription running for as long as the process does: waits for its lease, runs a session
 * under it, and after whatever ends that begins again.
 *
 * waiting for the lease ⇄ owning it (a session, or one after the other) → stopped
 */
export class SubscriptionRunner {
  readonly #parts: SubscriptionRunnerParts
  readonly #teller: StateTeller
  readonly #owner: Owner
  readonly #requests = new Bell()
  readonly #newerSince = new Map<number, number>()
  #fence: Fence | undefined
  #session: Session | undefined

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
    this.#owner = new Owner(subscription.name, ports, {
      ownership: parts.ownership,
      work: {
        serve: (lease, lost) => this.#serve(lease, lost),
        onHeld: (by) => this.#teller.is({ state: 'starting', reason: `${by} owns it` }),
        onFailed: (error) => {
          const state = isStoreTrouble(error) ? 'outage' : 'failed'
          this.#teller.is({ state, reason: String(error) })
        },
      },
    })
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
    this.#owner.start()
  }

  /** Somebody has requested an operation in this process. */
  poke(): void {
    this.#requests.ring()
  }

  /** Stops in good order; what has not ended when its time is over is cut off. */
  async stop(): Promise<void> {
    const stopped = this.#owner.stop()
    this.#session?.end({ kind: 'stopped' })
    await stopped
    this.#teller.is({ state: 'stopped', reason: '' })
  }

  async #serve(lease: Lease, lost: AbortSignal): Promise<OwnedEnd> {
    const onLost = (): void => this.#session?.end(LEASE_LOST)
    lost.addEventListener('abort', onLost, { once: true })
    try {
      return await this.#runSessions(lease, lost)
    } finally {
      lost.removeEventListener('abort', onLost)
      this.#session = undefined
      this.#fence = undefined
    }
  }

  /** Sessions under one lease, until one ends otherwise than by a reset. */
  async #runSessions(lease: Lease, lost: AbortSignal): Promise<OwnedEnd> {
    const { subscriptions } = this.#parts.ports.store
    let claimed = await this.#claim(lease)
    for (;;) {
      const session = await this.#begin(claimed)
      // Either may have come while the session was made.
      if (this.#owner.stopping.aborted) session.end({ kind: 'stopped' })
      if (lost.aborted) session.end(LEASE_LOST)
      const desk = this.#open(session)
      const end = await session.run(this.#parts.ownership.graceMs)
      await desk
      await this.#teller.told()
      if (end.kind !== 'reset') return this.#letGo(session, end)
      const record = await subscriptions.reset(session.fence, end.position)
      claimed = { record, wasReleased: true, ahead: [], begun: new Map() }
    }
  }

  async #letGo(
    { fence, holds }: Session,
    end: Exclude<SessionEnd, { readonly kind: 'reset' }>,
  ): Promise<OwnedEnd> {
    const { subscriptions } = this.#parts.ports.store
    if (end.kind === 'lost') {
      // Nobody else would say that what was under way here came to nothing.
      this.#teller.is({ state: 'starting', reason: end.why })
      return 'lost'
    }
    if (end.kind === 'stopped') {
      // Why it is paused is kept for whoever owns it next: nobody else knows.
      await subscriptions.describe(fence, { state: 'stopped', reason: holds.heldBecause ?? '' })
    }
    if (end.kind === 'failed') {
      // Others look here, and would find it live.
      await subscriptions.describe(fence, { state: 'failed', reason: String(end.error) })
    }
    await subscriptions.release(fence)
    if (end.kind === 'failed') throw end.error
    return end.kind === 'offered' ? 'offered' : 'over'
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
    // What an earlier owner began is carried on in a moment: until then it must not go faster.
    const [begun] = await ports.store.operations.list({
      subscription: this.name,
      states: ['running'],
    })
    session.paceRedrives(begun && redriveRate(begun))
    this.#fence = session.fence
    this.#session = session
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
      // Where nothing else is to be done, nobody else would find out.
      session.holds.recovered()
    } catch (error) {
      try {
        await session.holds.recover(error)
      } catch (over) {
        // It ends, and its end is told where it runs.
        if (!(over instanceof SessionOver)) throw over
      }
    }
  }

  /** @returns false after a while in which the store was in trouble: the state is shown late, but shown */
  async #writeStatus(status: SubscriptionStatus): Promise<boolean> {
    const session = this.#session
    if (this.#fence === undefined) return true
    try {
      await this.#parts.ports.store.subscriptions.describe(this.#fence, status)
      return true
    } catch (error) {
      const code = (error as { code?: string }).code
      if (code === 'TIDINGS_FENCED') session?.end({ kind: 'lost', why: String(error) })
      else if (code !== 'TIDINGS_CLOSED') this.#parts.ports.onError(error)
      if (session === undefined || session.isStopping || !isStoreTrouble(error)) return true
      await session.waitFor(new Promise(() => undefined), REWRITE_MS)
      return false
    }
  }
}

function isStoreTrouble(error: unknown): boolean {
  return isTidingsError(error) && error.code.startsWith('TIDINGS_STORE_')
}
