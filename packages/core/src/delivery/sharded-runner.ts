import { isTidingsError } from '../errors/tidings-error.ts'
import { Bell } from '../internal/bell.ts'
import type { Lease } from '../store/lease-store.ts'
import type { SubscriptionStatus } from '../store/subscription-store.ts'
import { worstOf } from './describe-subscription.ts'
import { claimLayout, fenceOf, requireLayout } from './layout.ts'
import { Owner, type OwnedEnd } from './owner.ts'
import { ShardDesk } from './shard-desk.ts'
import { ShardShare } from './shard-share.ts'
import { SubscriptionRunner, type SubscriptionRunnerParts } from './subscription-runner.ts'

/** How often it is looked how far the shards are with what was asked of all, milliseconds. */
const LOOK_MS = 50

/**
 * A subscription in shards, as far as this process has to do with it: its share of the shards, each run
 * as a subscription of its own, and, in one process at a time, the desk for what concerns all of them.
 *
 * beginning (until somebody has recorded where the shards begin) → running → stopped
 */
export class ShardedRunner {
  readonly #parts: SubscriptionRunnerParts
  readonly #shards: readonly SubscriptionRunner[]
  readonly #share: ShardShare
  readonly #desk: Owner
  readonly #requests = new Bell()
  #trouble: SubscriptionStatus | undefined
  #running: Promise<void> | undefined

  constructor(parts: SubscriptionRunnerParts) {
    this.#parts = parts
    const { ports, ownership } = parts
    const { name, plan } = parts.subscription
    this.#share = new ShardShare({ name, shards: plan.shards }, ports, {
      ownership,
      onChange: () => this.#handOver(),
    })
    this.#shards = Array.from({ length: plan.shards }, (_, index) => this.#makeShard(index))
    this.#desk = new Owner(name, ports, {
      ownership,
      work: {
        serve: (lease, lost) => this.#serve(lease, lost),
        onHeld: () => (this.#trouble = undefined),
        onFailed: (error) => (this.#trouble = { state: 'failed', reason: String(error) }),
      },
    })
  }

  get name(): string {
    return this.#parts.subscription.name
  }

  /** Of the shards that this process owns, the worst. */
  get status(): SubscriptionStatus {
    if (this.#trouble !== undefined) return this.#trouble
    const own = this.#shards.filter(({ handledUpTo }) => handledUpTo !== undefined)
    return worstOf((own.length > 0 ? own : this.#shards).map(({ status }) => status))
  }

  /** By the shards that this process owns; undefined until it has all of its share. */
  get handledUpTo(): number | undefined {
    const marks = this.#shards.flatMap(({ handledUpTo }) => handledUpTo ?? [])
    const { share } = this.#share
    return share > 0 && marks.length >= share ? Math.min(...marks) : undefined
  }

  start(): void {
    this.#desk.start()
    this.#running ??= this.#begin()
  }

  poke(): void {
    this.#requests.ring()
    for (const shard of this.#shards) shard.poke()
  }

  async stop(): Promise<void> {
    const desk = this.#desk.stop()
    this.#requests.ring()
    await Promise.all([desk, this.#running])
    await Promise.all(this.#shards.map((shard) => shard.stop()))
    await this.#share.stop()
  }

  /** Shards have nowhere to begin until that is recorded. */
  async #begin(): Promise<void> {
    while (!(await this.#isRecorded())) {
      if (this.#desk.stopping.aborted) return
    }
    this.#share.start()
    for (const shard of this.#shards) shard.start()
  }

  /** @returns false after a while */
  async #isRecorded(): Promise<boolean> {
    const { ports, ownership } = this.#parts
    try {
      await requireLayout(ports.store, { name: this.name, shards: this.#shards.length })
      return true
    } catch (error) {
      if (!isTidingsError(error) || error.code !== 'TIDINGS_SHARDS_CHANGED') ports.onError(error)
    }
    await this.#rest(Math.min(LOOK_MS, ownership.pollMs))
    return false
  }

  #makeShard(index: number): SubscriptionRunner {
    const { subscription } = this.#parts
    const { plan } = subscription
    const of = plan.shards
    // What is promised of the subscription is promised of all its shards together.
    const rate = plan.rate / of
    const maxParked = Math.ceil(plan.maxParked / of)
    return new SubscriptionRunner({
      ...this.#parts,
      subscription: { ...subscription, plan: { ...plan, rate, maxParked } },
      shard: {
        index,
        of,
        mayOwn: () => this.#share.enter(index),
        onLetGo: () => this.#share.leave(index),
        onOffered: () => this.#share.stepBack(),
      },
    })
  }

  #handOver(): void {
    for (const index of this.#share.excess) this.#shards[index]?.handOver()
  }

  // What concerns all shards

  async #serve(lease: Lease, lost: AbortSignal): Promise<OwnedEnd> {
    const { ports, ownership, subscription } = this.#parts
    const shards = this.#shards.length
    const layout = { name: this.name, shards, from: subscription.plan.from, ports, ownership }
    const { record } = await claimLayout(layout, lease)
    this.#trouble = undefined
    const desk = new ShardDesk(layout, ports, fenceOf(record))
    while (!lost.aborted && !this.#desk.stopping.aborted) {
      const isBusy = await this.#look(desk)
      await this.#rest(isBusy ? Math.min(LOOK_MS, ownership.pollMs) : ownership.pollMs)
    }
    return lost.aborted ? 'lost' : 'over'
  }

  async #look(desk: ShardDesk): Promise<boolean> {
    try {
      return await desk.look()
    } catch (error) {
      if (isTidingsError(error) && error.code === 'TIDINGS_FENCED') throw error
      // What is stored is carried on with.
      this.#parts.ports.onError(error)
      return false
    }
  }

  /** Waits for a while, or until somebody asks, or the end. */
  async #rest(delayMs: number): Promise<void> {
    const { clock } = this.#parts.ports.environment
    await this.#requests.waitAtMost(delayMs, { clock, signal: this.#desk.stopping })
  }
}
