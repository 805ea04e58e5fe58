import type { Clock } from '../internal/clock.ts'
import { withParsedPayload } from '../contract/envelope.ts'
import { parseNormalTime } from '../internal/time.ts'
import type { AttemptPorts } from './attempt.ts'
import { attemptGroup } from './attempt-group.ts'
import type { SubscriptionPlan } from './define-subscription.ts'
import { BatchRunner } from './batch-runner.ts'
import { toEvent, type Item } from './item.ts'
import { Pace } from './pace.ts'
import type { EventRunner, Outcome } from './event-runner.ts'
import { Groups, markFailed, type Group } from './groups.ts'
import { Lanes } from './lanes.ts'
import type { ParkedIndex } from './parked-index.ts'
import type { ParkedRunner } from './parked-runner.ts'
import { OwnPlace, Places, type HandlerPlace } from './places.ts'
import type { PriorityOrder } from './ready-by-priority.ts'
import { SessionOver } from './session-end.ts'
import { tellHandled } from './tell.ts'

export interface DispatcherParts {
  readonly plan: SubscriptionPlan
  readonly attempts: AttemptPorts
  readonly runner: EventRunner
  readonly parkedRunner: ParkedRunner
  readonly index: ParkedIndex
  /** Whether events of the log may begin; whether parked ones may. */
  readonly mayBegin: () => boolean
  readonly mayBeginParked: () => boolean
  /** Whether an event of the log may be tried although nothing succeeds. */
  readonly mayProbe: () => boolean
  /** What is neither handled nor parked by the runner alone. @throws {SessionOver} */
  readonly handleSpecial: (item: Item) => Promise<Outcome>
  readonly onDone: (item: Item, outcome: Outcome) => void
  /** A group was handled. */
  readonly onHandled: () => void
  readonly onCrash: (error: unknown) => void
  /** A place is free, and there is nothing that may begin at once. */
  readonly onFree: () => void
}

function lanePriorities(
  { priorities }: SubscriptionPlan,
  clock: Clock,
): PriorityOrder<Item> | undefined {
  if (priorities === undefined) return undefined
  return {
    priorityOf: ({ stored }) => priorities.of(stored),
    sinceMs: ({ stored }) => parseNormalTime(stored.recordedAt),
    agingMs: priorities.agingMs,
    now: () => clock.now(),
  }
}

/** Decides what begins when: lanes, places, the rate, groups and batches. */
export class Dispatcher {
  readonly places: Places
  readonly #parts: DispatcherParts
  readonly #lanes: Lanes<Item>
  /** Keys whose first parked event is to run. */
  readonly #heads = new Set<string>()
  /** What is done to parked events, while nobody handles an event of their key. */
  readonly #tasks: { readonly key: string; readonly run: () => Promise<void> }[] = []
  readonly #groups: Groups
  readonly #pace: Pace
  readonly #batches: BatchRunner
  #careful = 0
  /** Waits until no handler runs, so that it can run alone. */
  #wantsAlone = false
  /** Which of the two is tried next while nothing succeeds. */
  #probesHead = false
  /** Keys that were tried since nothing succeeds: after one that fails for ever comes another. */
  readonly #probed = new Set<string>()
  #isPumping = false

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    const { ports, stopping } = parts.attempts
    const { clock } = ports.environment
    this.#lanes = new Lanes(({ stored }) => stored.position, lanePriorities(parts.plan, clock))
    this.#groups = new Groups({ lanes: this.#lanes, index: parts.index, rate: parts.plan.rate })
    this.#pace = new Pace({ clock, stopping, rate: parts.plan.rate, onMay: () => this.pump() })
    this.#batches = new BatchRunner({
      ...parts,
      run: (item) => this.#run(item),
      done: (item) => this.#done(item, 'handled'),
    })
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
    return this.#lanes.size + this.#groups.waiting + this.places.underWay
  }

  get hasReady(): boolean {
    return this.#lanes.hasReady || this.#groups.waiting > 0
  }

  add(item: Item): void {
    if (item.isAlone) this.#careful++
    if (this.#isGrouping) this.#groups.add(item)
    else item.lane = this.#lanes.add(this.#laneOf(item), item)
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
      if (this.#tasks.length > 0) this.#beginTasks()
      this.#beginHeads()
      while (this.#parts.mayBegin() && this.places.hasFree && this.hasReady) {
        if (!this.#pace.mayBegin(this.#isGrouping || this.#isBatching ? 12 : 1)) break
        if (!this.#beginNext()) break
      }
    } finally {
      this.#pace.begun()
      this.#isPumping = false
    }
  }

  /** Begins one event although nothing succeeds: one of the log and a parked one in turn. */
  probe(): void {
    this.#probesHead = !this.#probesHead
    if (this.#probesHead && this.#beginHead()) return
    const key = this.#parts.mayProbe() ? this.#takeUnprobed() : undefined
    if (key !== undefined) this.#beginSingle(key)
    else this.#beginHead()
  }

  #takeUnprobed(): string | undefined {
    this.#groups.lay()
    for (const key of this.#lanes.readyKeys()) {
      if (this.#probed.has(key)) continue
      this.#probed.add(key)
      this.#lanes.takeKey(key)
      return key
    }
    this.#probed.clear()
    return this.#lanes.take()
  }

  get #isBatching(): boolean {
    return this.#parts.plan.handleBatch !== undefined
  }

  get #isGrouping(): boolean {
    return this.#parts.plan.effects === 'database' && !this.#isBatching
  }

  #limit(): number {
    if (this.#wantsAlone) return 0
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
    this.#groups.lay()
    for (const task of this.#tasks.splice(0)) {
      const lane = this.#isBatching ? '' : task.key
      if (this.#lanes.takeKey(lane)) this.#begin(lane, task.run)
      else this.#tasks.push(task)
    }
  }

  #beginHeads(): void {
    this.#wantsAlone = false
    if (this.#heads.size === 0) return
    const hasPlace = (): boolean => this.places.hasFree || this.places.isIdle
    while (this.#parts.mayBeginParked() && hasPlace() && this.#beginHead());
  }

  /** @returns whether there was one whose key is free */
  #beginHead(): boolean {
    this.#wantsAlone = false
    if (this.#heads.size > 0) this.#groups.lay()
    for (const key of this.#heads) {
      const lane = this.#isBatching ? '' : key
      const isCareful = this.#parts.parkedRunner.isSuspect(key)
      if (!this.#lanes.takeKey(lane)) continue
      if (isCareful && !this.places.isIdle) {
        // Nothing begins until those under way have ended; then it does.
        this.#lanes.release(lane)
        this.#wantsAlone = true
        return false
      }
      this.#heads.delete(key)
      if (isCareful) this.#careful++
      this.#begin(lane, async () => {
        const again = await this.#parts.parkedRunner.runHead(key)
        if (isCareful) this.#careful--
        if (again) this.#heads.add(key)
      })
      return true
    }
    return false
  }

  #beginNext(): boolean {
    if (this.#careful === 0) {
      if (this.#isBatching) return this.#beginBatch()
      if (this.#isGrouping) return this.#beginGroup()
    }
    this.#groups.lay()
    this.#beginSingle(this.#lanes.take()!)
    return true
  }

  #beginSingle(key: string): void {
    void this.#runSingle(key, this.#lanes.next(key)!, new OwnPlace(this.places))
  }

  async #runSingle(key: string, item: Item, place: OwnPlace): Promise<void> {
    try {
      if (!(await this.#run(item, place))) this.#putBack(key, [item])
    } catch (error) {
      if (!(error instanceof SessionOver)) this.#parts.onCrash(error)
    }
    this.#lanes.release(key)
    place.end()
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

  /**
   * @param place what its handler gives away before that is noted
   * @returns whether it is done; otherwise it is to be put back
   */
  async #run(item: Item, place?: HandlerPlace): Promise<boolean> {
    const { plan } = item
    const { runner, index } = this.#parts
    // What goes alone may fail, and then others look into it.
    const stored = withParsedPayload(item.stored)
    let outcome: Outcome
    if (index.has(plan.key)) {
      outcome = await runner.park({ event: stored, key: plan.key }, 'behind')
    } else if (plan.kind === 'handle') {
      const { event, key } = plan
      outcome = await runner.run({
        event: event === item.stored ? stored : event,
        stored,
        key,
        parked: undefined,
        isCareful: item.isWatched,
        isOwnFault: item.isOwnFault,
        // One that is watched is alone until it is noted, or the next one's death would be blamed on it.
        place: item.isWatched || this.#isGrouping ? undefined : place,
      })
    } else {
      outcome = await this.#parts.handleSpecial(item)
    }
    if (outcome === 'held') {
      this.#trust(item)
      return false
    }
    this.#done(item, outcome)
    return true
  }

  /** It has run, and its process is there: it need not be watched any more. */
  #trust(item: Item): void {
    if (item.isAlone) this.#careful--
    item.isAlone = false
    item.isWatched = false
  }

  /** To the front of a lane that the caller has taken, in their order. */
  #putBack(lane: string, items: readonly Item[]): void {
    for (const item of items.toReversed()) this.#lanes.putBack(lane, item)
  }

  #done(item: Item, outcome: Outcome): void {
    this.#trust(item)
    item.isDone = true
    this.#parts.onDone(item, outcome)
  }

  // Groups

  #beginGroup(): boolean {
    const group = this.#groups.take()
    if (group.items.length === 0) {
      this.#beginSingle(group.alone ?? this.#lanes.take()!)
      return true
    }
    this.#pace.spend(group.items.length - 1)
    this.places.take()
    void this.#endSafely(() => this.#runGroup(group)).then(() => this.places.free())
    return true
  }

  async #runGroup(group: Group): Promise<void> {
    const { items, firsts } = group
    const positions = items.map(({ stored }) => stored.position)
    const startMs = performance.now()
    try {
      await attemptGroup(this.#parts.attempts, firsts, { positions, parked: [] })
    } catch (error) {
      markFailed(items, error)
      this.#groups.ended(group, false)
      if (error instanceof SessionOver) throw error
      return
    }
    tellHandled(this.#parts.attempts, () => items.map(toEvent), startMs)
    this.#groups.ended(group, true)
    this.#parts.onHandled()
  }

  // Batches

  #beginBatch(): boolean {
    const { plan } = this.#parts
    const ageMs = this.#now() - (this.#lanes.peek('')?.readMs ?? 0)
    // One from the future: the clock was set back, and its age is not known any more.
    const isYoung = ageMs >= 0 && ageMs < plan.batchAgeMs
    if (this.#lanes.size < plan.batchSize && isYoung) {
      this.#pace.wakeIn(plan.batchAgeMs - ageMs)
      return false
    }
    const key = this.#lanes.take()!
    const items: Item[] = []
    while (items.length < plan.batchSize) {
      const item = this.#lanes.next(key)
      if (item === undefined) break
      items.push(item)
    }
    this.#pace.spend(items.length - 1)
    this.#begin(key, async () => this.#putBack(key, await this.#batches.run(items)))
    return true
  }
}
