import { isTidingsError } from '../errors/tidings-error.ts'
import type { Lease } from '../store/lease-store.ts'
import type {
  ClaimedProgress,
  Fence,
  SubscriptionRecord,
  SubscriptionStatus,
} from '../store/subscription-store.ts'
import { Bell } from '../internal/bell.ts'
import type { AnySubscription } from './define-subscription.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { claimLayout, fenceOf, raiseGeneration, requireLayout } from './layout.ts'
import type { LogTail } from './log-tail.ts'
import { redriveRate } from './move-parked.ts'
import { OperationDesk } from './operation-desk.ts'
import { Owner, type OwnedEnd, type OwnershipOptions } from './owner.ts'
import { ParkedIndex } from './parked-index.ts'
import type { Selection } from './selection.ts'
import { SessionOver, type SessionEnd } from './session-end.ts'
import { Session } from './session.ts'
import { StateTeller } from './session-state.ts'
import { ownsKey, shardName, type Shard } from './shards.ts'

export interface SubscriptionRunnerParts {
  readonly subscription: AnySubscription
  readonly selection: Selection
  readonly ports: DeliveryPorts
  readonly tail: LogTail
  readonly ownership: OwnershipOptions
  /** Only the keys of this shard; all of them, without. */
  readonly shard?: ShardParts | undefined
}

/** One of several runners that have a share of the keys each. */
export interface ShardParts extends Shard {
  /** Whether this process may own one more. */
  readonly mayOwn: () => boolean
  readonly onLetGo: () => void
  /** It met an event that only a newer process can read. */
  readonly onOffered: () => void
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
  /** What its lease and progress are kept under. */
  readonly #recordName: string

  constructor(parts: SubscriptionRunnerParts) {
    this.#parts = parts
    const { subscription, ports, shard } = parts
    this.#recordName = shard === undefined ? subscription.name : shardName(subscription.name, shard)
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
    this.#owner = new Owner(this.#recordName, ports, {
      ownership: parts.ownership,
      work: {
        serve: (lease, lost) => this.#serve(lease, lost),
        onHeld: (by) => this.#teller.is({ state: 'starting', reason: `${by} owns it` }),
        onFailed: (error) => {
          const state = isStoreTrouble(error) ? 'outage' : 'failed'
          this.#teller.is({ state, reason: String(error) })
        },
        ...(shard && { mayOwn: shard.mayOwn, onLetGo: shard.onLetGo }),
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

  /** Lets another process have it, in good order. */
  handOver(): void {
    this.#session?.end({ kind: 'shared' })
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
      const record = await this.#beginGeneration(session, end.position)
      claimed = { record, wasReleased: true, ahead: [], begun: new Map() }
    }
  }

  async #letGo(
    session: Session,
    end: Exclude<SessionEnd, { readonly kind: 'reset' }>,
  ): Promise<OwnedEnd> {
    const { fence, holds } = session
    const { subscriptions } = this.#parts.ports.store
    if (end.kind === 'lost') {
      // Nobody else would say that what was under way here came to nothing.
      this.#teller.is({ state: 'starting', reason: end.why })
      return 'lost'
    }
    if (end.kind !== 'failed') await session.catchUp()
    if (end.kind === 'offered') this.#parts.shard?.onOffered()
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

  /** A shard follows where all of them begin anew. */
  async #beginGeneration({ fence }: Session, position: number): Promise<SubscriptionRecord> {
    const { ports, shard } = this.#parts
    const record = await ports.store.subscriptions.reset(fence, position)
    if (shard === undefined) return record
    const layout = await requireLayout(ports.store, { name: this.name, shards: shard.of })
    return raiseGeneration(ports.store, record, layout)
  }

  async #claim(lease: Lease): Promise<ClaimedProgress> {
    const { ports, subscription, ownership, shard } = this.#parts
    if (shard !== undefined) return this.#claimShard(lease, shard)
    const { from } = subscription.plan
    return claimLayout({ name: this.name, shards: 1, from, ports, ownership }, lease)
  }

  async #claimShard({ token }: Lease, { of }: Shard): Promise<ClaimedProgress> {
    const { store } = this.#parts.ports
    const { owner } = this.#parts.ownership
    const layout = { name: this.name, shards: of }
    const { position: startAt } = await requireLayout(store, layout)
    const name = this.#recordName
    const claimed = await store.subscriptions.claim({ name, token, owner, startAt })
    // Looked at again: whoever changes it meanwhile claims this shard, or is seen here.
    const begins = await requireLayout(store, layout)
    if (claimed.record.generation >= begins.generation) return claimed
    const { generation, paused } = claimed.record
    // A reset resumes nothing; what was said of it in an earlier number of shards is long past.
    const wasPaused = paused && generation === begins.generation - 1
    await store.subscriptions.setPaused(fenceOf(claimed.record), begins.paused || wasPaused)
    const record = await raiseGeneration(store, claimed.record, begins)
    return { record, wasReleased: true, ahead: [], begun: new Map() }
  }

  async #begin(claimed: ClaimedProgress): Promise<Session> {
    const { subscription, selection, ports, tail, shard } = this.#parts
    const { generation } = claimed.record
    const keys = await ports.store.parked.keys(this.name, generation)
    const session = new Session({
      name: this.name,
      shard,
      plan: subscription.plan,
      selection,
      ports,
      tail,
      claimed,
      parked: new ParkedIndex(keys.filter(({ key }) => ownsKey(shard, key))),
      teller: this.#teller,
      headAtStart: await ports.store.head(),
      newerSince: this.#newerSince,
    })
    // What an earlier owner began is carried on in a moment: until then it must not go faster.
    const [begun] = await ports.store.operations.list({
      subscription: this.#recordName,
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
      await session.waitFor(this.#requests, ownership.pollMs)
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
      await session.waitFor(new Bell(), REWRITE_MS)
      return false
    }
  }
}

function isStoreTrouble(error: unknown): boolean {
  return isTidingsError(error) && error.code.startsWith('TIDINGS_STORE_')
}
