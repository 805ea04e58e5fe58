import type { StoredEnvelope } from '../contract/envelope.ts'
import { attemptBatch, attemptGroup, type AttemptOf, type AttemptPorts } from './attempt.ts'
import type { SubscriptionPlan } from './define-subscription.ts'
import type { EventRunner, Outcome } from './event-runner.ts'
import { Lanes } from './lanes.ts'
import type { ParkedIndex } from './parked-index.ts'
import type { ParkedRunner } from './parked-runner.ts'
import { PartialFailure } from './partial-failure.ts'
import { Places } from './places.ts'
import type { EventPlan } from './plan-event.ts'
import { SessionOver } from './session-end.ts'

/** An event that was handed out, and what is to be done about it. */
export interface Item {
  readonly stored: StoredEnvelope
  readonly plan: Exclude<EventPlan, { readonly kind: 'pass' | 'undeclared' }>
  /** One at a time, each attempt recorded before it is made. */
  readonly isCareful: boolean
  /** When it was read, milliseconds since the epoch: the age of a batch counts from its first. */
  readonly readMs: number
  /** In a transaction of its own: the group that it was in failed. */
  isSingle: boolean
}

export interface DispatcherParts {
  readonly plan: SubscriptionPlan
  readonly attempts: AttemptPorts
  readonly runner: EventRunner
  readonly parkedRunner: ParkedRunner
  readonly index: ParkedIndex
  /** Whether events of the log may begin; whether parked ones may. */
  readonly mayBegin: () => boolean
  readonly mayBeginParked: () => boolean
  /** What is neither handled nor parked by the runner alone. @throws {SessionOver} */
  readonly handleSpecial: (item: Item) => Promise<Outcome>
  readonly onDone: (item: Item, outcome: Outcome) => void
  readonly onCrash: (error: unknown) => void
  /** A place is free, and there is nothing that may begin at once. */
  readonly onFree: () => void
}

/** Events that share a transaction, where all that is done about them is in the database. */
export const GROUP = 100

/** Decides what begins when: lanes, places, the rate, groups and batches. */
export class Dispatcher {
  readonly places: Places
  readonly #parts: DispatcherParts
  readonly #lanes = new Lanes<Item>()
  /** Keys whose first parked event is to run. */
  readonly #heads = new Set<string>()
  /** What is done to parked events, while nobody handles an event of their key. */
  readonly #tasks: { readonly key: string; readonly run: () => Promise<void> }[] = []
  #careful = 0
  #isPumping = false
  #mayStartMs = 0
  #alarm: Promise<void> | undefined

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    this.places = new Places(
      () => this.#limit(),
      () => {
        this.pump()
        parts.onFree()
      },
    )
  }

  /** Waiting and under way. */
  get size(): number {
    return this.#lanes.size + this.places.underWay
  }

  get hasReady(): boolean {
    return this.#lanes.hasReady
  }

  add(item: Item): void {
    if (item.isCareful) this.#careful++
    this.#lanes.add(this.#laneOf(item), item)
  }

  wantHead(key: string): void {
    this.#heads.add(key)
  }

  /** Runs `work` while nobody handles an event of the key. */
  onKey(key: string, work: () => Promise<void>): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#tasks.push({ key, run: () => work().then(done.resolve, done.reject) })
    this.pump()
    return done.promise
  }

  /** Begins what may begin. */
  pump(): void {
    // What ends at once frees a place while others are begun: one loop does it all.
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      this.#beginTasks()
      this.#beginHeads()
      while (this.#parts.mayBegin() && this.places.hasFree && this.#lanes.hasReady) {
        if (!this.#mayStart()) break
        if (!this.#beginNext()) break
      }
    } finally {
      this.#isPumping = false
    }
  }

  /** Begins one event, whatever else is held up. @returns whether there was one */
  probe(): boolean {
    const key = this.#lanes.take()
    if (key === undefined) return false
    this.#beginSingle(key)
    return true
  }

  get #isBatching(): boolean {
    return this.#parts.plan.handleBatch !== undefined
  }

  get #isGrouping(): boolean {
    return this.#parts.plan.effects === 'database' && !this.#isBatching
  }

  #limit(): number {
    // Two transactions on the same rows of the user's may wait for each other for ever; careful ones
    // must show which of them it was.
    if (this.#careful > 0 || this.#isBatching || this.#isGrouping) return 1
    return this.#parts.plan.concurrency
  }

  #laneOf({ plan }: Item): string {
    return this.#isBatching ? '' : plan.key
  }

  #now(): number {
    return this.#parts.attempts.ports.environment.clock.now()
  }

  /** They hold no handler's place: a person is waiting for them. */
  #beginTasks(): void {
    for (const task of this.#tasks.splice(0)) {
      const lane = this.#isBatching ? '' : task.key
      if (this.#lanes.takeKey(lane)) this.#begin(lane, task.run)
      else this.#tasks.push(task)
    }
  }

  #beginHeads(): void {
    for (const key of this.#heads) {
      if (!this.#parts.mayBeginParked() || !this.places.hasFree) return
      const lane = this.#isBatching ? '' : key
      if (!this.#lanes.takeKey(lane)) continue
      this.#heads.delete(key)
      this.#begin(lane, async () => {
        if (await this.#parts.parkedRunner.runHead(key)) this.#heads.add(key)
      })
    }
  }

  #beginNext(): boolean {
    if (this.#careful === 0) {
      if (this.#isBatching) return this.#beginBatch()
      if (this.#isGrouping) return this.#beginGroup()
    }
    this.#beginSingle(this.#lanes.take()!)
    return true
  }

  #beginSingle(key: string): void {
    const item = this.#lanes.next(key)!
    this.#begin(key, () => this.#run(item))
  }

  #begin(lane: string, work: () => Promise<void>): void {
    this.places.take()
    void this.#endSafely(work).then(() => {
      this.#lanes.release(lane)
      this.places.free()
    })
  }

  async #endSafely(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof SessionOver)) this.#parts.onCrash(error)
    }
  }

  async #run(item: Item): Promise<void> {
    const { plan, stored } = item
    const { runner, index } = this.#parts
    let outcome: Outcome
    if (index.has(plan.key)) {
      const event = plan.kind === 'handle' ? plan.event : stored
      outcome = await runner.park({ event, key: plan.key }, 'behind')
    } else if (plan.kind === 'handle') {
      const { event, key } = plan
      outcome = await runner.run({ event, key, parked: undefined, isCareful: item.isCareful })
    } else {
      outcome = await this.#parts.handleSpecial(item)
    }
    this.#done(item, outcome)
  }

  #done(item: Item, outcome: Outcome): void {
    if (item.isCareful) this.#careful--
    this.#parts.onDone(item, outcome)
  }

  // Groups

  #beginGroup(): boolean {
    const taken = new Map<string, Item[]>()
    let count = 0
    while (count < GROUP && this.#lanes.hasReady) {
      const key = this.#lanes.take()!
      const items = this.#takeForGroup(key, GROUP - count)
      if (items.length === 0) {
        // Something that cannot be in a group stands first: it goes alone, when this group is over.
        if (count > 0) this.#lanes.release(key)
        else this.#beginSingle(key)
        break
      }
      taken.set(key, items)
      count += items.length
    }
    if (count === 0) return true
    this.places.take()
    void this.#endSafely(() => this.#runGroup(taken)).then(() => {
      for (const key of taken.keys()) this.#lanes.release(key)
      this.places.free()
    })
    return true
  }

  #takeForGroup(key: string, most: number): Item[] {
    const items: Item[] = []
    while (items.length < most) {
      const item = this.#lanes.next(key)
      if (item === undefined) break
      if (item.isSingle || item.plan.kind !== 'handle' || this.#parts.index.has(item.plan.key)) {
        this.#lanes.putBack(key, item)
        break
      }
      items.push(item)
    }
    return items
  }

  async #runGroup(taken: ReadonlyMap<string, Item[]>): Promise<void> {
    const lanes = [...taken.values()]
    const all = lanes.flat()
    const positions = all.map(({ stored }) => stored.position).sort((a, b) => a - b)
    try {
      await attemptGroup(
        this.#parts.attempts,
        lanes.map((items) => items.map(toAttempt)),
        { positions, parked: [] },
      )
    } catch (error) {
      this.#putBack(taken)
      if (error instanceof SessionOver) throw error
      return
    }
    for (const item of all) this.#done(item, 'handled')
  }

  /** Nothing of a group that failed is done: each of its events runs again, alone. */
  #putBack(taken: ReadonlyMap<string, Item[]>): void {
    for (const [key, items] of taken) {
      for (const item of items.toReversed()) {
        item.isSingle = true
        this.#lanes.putBack(key, item)
      }
    }
  }

  // Batches

  #beginBatch(): boolean {
    const { plan } = this.#parts
    const ageMs = this.#now() - (this.#lanes.peek('')?.readMs ?? 0)
    if (this.#lanes.size < plan.batchSize && ageMs < plan.batchAgeMs) {
      this.#wakeIn(plan.batchAgeMs - ageMs)
      return false
    }
    const key = this.#lanes.take()!
    const items: Item[] = []
    while (items.length < plan.batchSize) {
      const item = this.#lanes.next(key)
      if (item === undefined) break
      items.push(item)
    }
    this.#begin(key, () => this.#runBatch(items))
    return true
  }

  async #runBatch(items: readonly Item[]): Promise<void> {
    const batch: Item[] = []
    for (const item of items) {
      if (item.plan.kind === 'handle' && !this.#parts.index.has(item.plan.key)) batch.push(item)
      else await this.#run(item)
    }
    if (batch.length > 0) await this.#handleBatch(batch)
  }

  async #handleBatch(batch: readonly Item[]): Promise<void> {
    const [first] = batch
    if (batch.length === 1) return this.#run(first!)
    const positions = batch.map(({ stored }) => stored.position)
    try {
      await attemptBatch(this.#parts.attempts, batch.map(toAttempt), { positions, parked: [] })
    } catch (error) {
      if (error instanceof SessionOver) throw error
      if (error instanceof PartialFailure) return this.#endPartly(batch, error)
      const half = Math.ceil(batch.length / 2)
      await this.#runBatch(batch.slice(0, half))
      return this.#runBatch(batch.slice(half))
    }
    for (const item of batch) this.#done(item, 'handled')
  }

  /** What its handler did not name is done; what it named goes through its attempts, each alone. */
  async #endPartly(batch: readonly Item[], { failures }: PartialFailure): Promise<void> {
    const failed = new Set(failures.map(({ event }) => event.eventId))
    const [rest, done] = [
      batch.filter(({ stored }) => failed.has(stored.eventId)),
      batch.filter(({ stored }) => !failed.has(stored.eventId)),
    ]
    const { writer } = this.#parts.attempts
    await Promise.all(
      done.map(({ stored }) => this.#parts.runner.insist(() => writer.done(stored.position))),
    )
    for (const item of done) this.#done(item, 'handled')
    for (const item of rest) await this.#run(item)
  }

  // The rate

  #mayStart(): boolean {
    const { rate } = this.#parts.plan
    if (rate === Number.POSITIVE_INFINITY) return true
    const nowMs = this.#now()
    if (nowMs < this.#mayStartMs) {
      this.#wakeIn(this.#mayStartMs - nowMs)
      return false
    }
    this.#mayStartMs = Math.max(nowMs, this.#mayStartMs) + 1000 / rate
    return true
  }

  #wakeIn(delayMs: number): void {
    if (this.#alarm !== undefined) return
    const { clock } = this.#parts.attempts.ports.environment
    const woken = (): void => {
      this.#alarm = undefined
      this.pump()
    }
    this.#alarm = clock.sleep(delayMs, { signal: this.#parts.attempts.stopping }).then(
      woken,
      // The session stops: there is nothing to wake.
      () => undefined,
    )
  }
}

function toAttempt({ plan }: Item): AttemptOf {
  if (plan.kind !== 'handle') throw new TypeError(`An event to be ${plan.kind} came into a group`)
  return { event: plan.event, attempt: 1, laterUsed: 0, redrives: 0 }
}
