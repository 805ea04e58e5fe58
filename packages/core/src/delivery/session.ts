import { withParsedPayload, type StoredEnvelope } from '../contract/envelope.ts'
import { Bell } from '../internal/bell.ts'
import type { Fence } from '../store/subscription-store.ts'
import type { AttemptPorts } from './attempt.ts'
import { Caution } from './caution.ts'
import { Deadlines } from './deadlines.ts'
import { Dispatcher } from './dispatcher.ts'
import { makeItem, type Item } from './item.ts'
import { fenceOf } from './layout.ts'
import { EventRunner, type Outcome, type RunnerHost } from './event-runner.ts'
import { pageSizeFor } from './log-tail.ts'
import { Outage } from './outage.ts'
import { ParkedRunner } from './parked-runner.ts'
import { ownKey, planEvent } from './plan-event.ts'
import { ProgressTracker } from './progress-tracker.ts'
import { ProgressWriter } from './progress-writer.ts'
import { SessionOver, type SessionEnd } from './session-end.ts'
import { SessionHolds } from './session-holds.ts'
import { handleSpecial, type SpecialParts } from './special-events.ts'
import type { SessionParts } from './session-parts.ts'
import { ownsKey } from './shards.ts'
import { tellParked } from './tell.ts'

/** Positions handed out and not behind the mark, at the most: what a restart would have to look through. */
const WINDOW = 10_000
/** How often the mark is moved over events that are none of the subscription's, milliseconds. */
const CATCH_UP_MS = 1000

/**
 * A subscription, for as long as this process owns it: reads, hands out, and ends in good order.
 *
 * running (by `run`) → ending (by `end`: nothing new begins) → over (`run` answers)
 */
export class Session {
  readonly fence: Fence
  readonly holds: SessionHolds
  readonly #parts: SessionParts
  readonly #attempts: AttemptPorts
  readonly #outage: Outage
  readonly #tracker: ProgressTracker
  readonly #runner: EventRunner
  readonly #parkedRunner: ParkedRunner
  readonly #dispatcher: Dispatcher
  readonly #stopping = new AbortController()
  readonly #over = Promise.withResolvers<SessionEnd>()
  readonly #room = new Bell()
  readonly #parkedDue = new Bell()
  readonly #freed = new Bell()
  /** Behind the mark, and done before this session. */
  readonly #ahead: Set<number>
  readonly #caution: Caution
  readonly #reading: Parameters<typeof planEvent>[2]

  constructor(parts: SessionParts) {
    const { name, plan, ports, claimed } = parts
    const { record } = claimed
    this.#parts = parts
    this.fence = fenceOf(record)
    this.#tracker = new ProgressTracker(record.position)
    this.#reading = { plan, registry: ports.registry }
    this.#ahead = new Set(claimed.ahead)
    this.#caution = new Caution(claimed, plan, parts.headAtStart)
    this.#outage = new Outage(plan.outageAfter)
    this.#attempts = {
      name,
      plan,
      ports,
      writer: new ProgressWriter(ports.store, this.fence, this.#tracker),
      deadlines: new Deadlines(ports.environment.clock, plan.timeoutMs),
      insist: (work) => this.#runner.insist(work),
      running: new Set(),
      stopping: this.#stopping.signal,
    }
    this.holds = this.#makeHolds(record.paused ? record.reason : undefined)
    this.#runner = new EventRunner(this.#makeHost())
    this.#parkedRunner = this.#makeParkedRunner()
    this.#dispatcher = this.#makeDispatcher()
  }

  /** What is parked is kept under this name. */
  get name(): string {
    return this.#parts.name
  }

  /** Whether what has this key is handled here. */
  ownsKey(key: string): boolean {
    return ownsKey(this.#parts.shard, key)
  }

  /** Everything of the subscription's up to here is handled, skipped or parked. */
  get handledUpTo(): number {
    return this.#tracker.handledUpTo
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Unfinished parked events. */
  get parkedCount(): number {
    return this.#parts.parked.total
  }

  /**
   * Runs until something ends it; then lets what is under way end, and cuts off what has not by then.
   *
   * @param graceMs how long that may take
   */
  async run(graceMs: number): Promise<SessionEnd> {
    this.holds.refresh()
    for (const loop of [this.#fill(), this.#tendParked(), this.#moveMark()]) {
      loop.catch((error: unknown) => this.#crash(error))
    }
    this.#dispatcher.pump()
    const end = await this.#over.promise
    await this.#settle(end.kind === 'lost' ? 0 : graceMs)
    return end
  }

  /** Begins the end. The first reason counts. */
  end(end: SessionEnd): void {
    if (this.isStopping) return
    this.#stopping.abort(new SessionOver(end))
    this.#room.ring()
    this.#parkedDue.ring()
    this.#over.resolve(end)
  }

  /** Moves the mark over all that is done: a restart has nothing left to look through. */
  catchUp(): Promise<void> {
    return this.#attempts.writer.catchUp()
  }

  resume(): void {
    this.holds.resume()
    this.#room.ring()
  }

  /** Runs `work` while nobody handles an event of a key. @throws {SessionOver} what `work` throws */
  onKey(key: string, work: () => Promise<void>): Promise<void> {
    this.holds.requireRunning()
    return this.#dispatcher.onKey(key, work)
  }

  /** Somebody has changed parked events of a key: look at it again. */
  async parkedChanged(key: string): Promise<void> {
    const { generation } = this.fence
    const subscription = this.name
    const { parked } = this.#attempts.ports.store
    const states = ['parked', 'redriving'] as const
    // However long it takes: what is believed to be parked, and is not, holds up its key for ever.
    const [head, count] = await this.#runner.insist(async () => [
      await parked.head(subscription, generation, key),
      await parked.count({ subscription, generation, key, states }),
    ])
    this.#parts.parked.set(key, head && { key, count, head })
    this.#parkedDue.ring()
  }

  /** Begins so many redriven events a second, at the most; undefined: as fast as it goes. */
  paceRedrives(rate: number | undefined): void {
    this.#parkedRunner.paceRedrives(rate)
    this.#parkedDue.ring()
  }

  /** Waits for a ring, or for a time, or for the end of the session; says nothing of which. */
  waitFor(bell: Bell, mostMs: number): Promise<void> {
    const { clock } = this.#attempts.ports.environment
    return bell.waitAtMost(mostMs, { clock, signal: this.#stopping.signal })
  }

  /** What a session's own work failed of. @throws {SessionOver} where it is over by that */
  async #crash(error: unknown): Promise<void> {
    if (error instanceof SessionOver) return
    this.end({ kind: 'failed', error })
  }

  // Reading

  async #fill(): Promise<void> {
    const { tail, selection, plan } = this.#parts
    const atOnce = pageSizeFor(plan)
    let after = this.#tracker.mark
    for (;;) {
      // An event is on its way: whatever need not be waited for is not.
      if (!this.#mayRead()) await this.#untilRoom()
      const known = tail.known(after)
      const page = known ?? (await this.#runner.insist(() => tail.read(after, selection, atOnce)))
      if (page.upTo <= after) {
        this.holds.setLive(true)
        try {
          await tail.wait(after, this.#stopping.signal)
        } catch (error) {
          await this.holds.recover(error)
          await this.#runner.insist(() => tail.wait(after, this.#stopping.signal))
          this.holds.recovered()
        }
        continue
      }
      const readMs = this.#now()
      for (const event of page.events) this.#take(event, readMs)
      this.#tracker.readUpTo(page.upTo)
      after = page.upTo
      this.#dispatcher.pump()
    }
  }

  /** @throws {SessionOver} */
  #mayRead(): boolean {
    this.holds.requireRunning()
    if (this.holds.isHeld || this.#tracker.window >= WINDOW) return false
    return this.#dispatcher.size < this.#parts.plan.buffer
  }

  async #untilRoom(): Promise<void> {
    while (!this.#mayRead()) await this.#room.wait()
  }

  #take(stored: StoredEnvelope, readMs: number): void {
    if (this.#ahead.size > 0 && this.#ahead.delete(stored.position)) return
    const { plan, selection } = this.#parts
    const what = planEvent(stored, selection, this.#reading)
    if (what.kind === 'pass') return
    if (!this.ownsKey(what.kind === 'undeclared' ? ownKey(plan, stored) : what.key)) return
    if (what.kind === 'undeclared') return this.#passedOver(stored, 'undeclared')
    this.#tracker.handOut(stored.position)
    const { isWatched, isAlone } = this.#caution.of(stored.position)
    this.#dispatcher.add(makeItem(stored, what, { isWatched, isAlone, readMs }))
  }

  #passedOver(event: StoredEnvelope, why: 'undeclared' | 'unreadable' | 'skipped'): void {
    const { passedOver } = this.#attempts.ports.observations
    if (!passedOver.active) return
    passedOver.emit({ subscription: this.#parts.name, event: withParsedPayload(event), why })
  }

  /** Moves the mark over what is none of the subscription's, now and then: nothing else would. */
  async #moveMark(): Promise<void> {
    for (;;) {
      await this.holds.sleep(CATCH_UP_MS)
      await this.#runner.insist(() => this.catchUp())
    }
  }

  #now(): number {
    return this.#attempts.ports.environment.clock.now()
  }

  // Parked events

  async #tendParked(): Promise<void> {
    while (!this.isStopping) {
      const { keys, nextMs } = this.#parkedRunner.due(this.#now())
      for (const key of keys) this.#dispatcher.wantHead(key)
      this.#dispatcher.pump()
      if (nextMs === undefined) await this.#parkedDue.wait()
      else await this.waitFor(this.#parkedDue, nextMs - this.#now())
    }
  }

  /** Nothing of the log begins any more, until a person resumes it. */
  async #stopFor(state: 'paused' | 'failed', reason: string): Promise<void> {
    const { subscriptions } = this.#attempts.ports.store
    await this.#runner.insist(() => subscriptions.setPaused(this.fence, true))
    this.holds.hold(state, reason)
  }

  // The end

  async #settle(graceMs: number): Promise<void> {
    const { places } = this.#dispatcher
    const { clock } = this.#attempts.ports.environment
    const inTime = new AbortController()
    const cutting = clock.sleep(graceMs, { signal: inTime.signal }).then(
      () => this.#interruptAll(),
      // Everything has ended in time.
      () => undefined,
    )
    while (places.underWay > 0) await this.#freed.wait()
    inTime.abort()
    await cutting
    this.#attempts.deadlines.stop()
  }

  #interruptAll(): void {
    const error = this.#stopping.signal.reason as SessionOver
    for (const interruption of this.#attempts.running) interruption.interrupt(error)
  }

  // The parts

  #makeHolds(pausedBecause: string | undefined): SessionHolds {
    const { ports, teller } = this.#parts
    return new SessionHolds(
      {
        clock: ports.environment.clock,
        outage: this.#outage,
        places: () => this.#dispatcher.places,
        stopping: this.#stopping.signal,
        end: (end) => this.end(end),
        tell: (status) => teller.is(status),
        probe: () => this.#dispatcher.probe(),
        onFree: () => {
          this.#room.ring()
          this.#dispatcher.pump()
        },
        onCrash: (error) => void this.#crash(error),
      },
      pausedBecause,
    )
  }

  #makeHost(): RunnerHost {
    const { holds, isStopping } = { holds: this.holds, isStopping: () => this.isStopping }
    return {
      fence: this.fence,
      attempts: this.#attempts,
      outage: this.#outage,
      parked: this.#parts.parked,
      pause: (delayMs) => holds.pause(delayMs),
      sleep: (delayMs) => holds.sleep(delayMs),
      beginOutage: (failure) => holds.beginOutage(failure),
      stopFor: (state, reason) => this.#stopFor(state, reason),
      recover: (error) => holds.recover(error),
      recovered: () => holds.recovered(),
      succeeded: () => holds.succeeded(),
      get isStopping() {
        return isStopping()
      },
      get isHeld() {
        return holds.isHeld
      },
    }
  }

  #makeParkedRunner(): ParkedRunner {
    return new ParkedRunner({
      attempts: this.#attempts,
      runner: this.#runner,
      index: this.#parts.parked,
      selection: this.#parts.selection,
      generation: this.fence.generation,
      isAfterDeath: !this.#parts.claimed.wasReleased,
      onFinished: (event, { key, reason }) =>
        tellParked(this.#attempts, {
          event,
          key,
          what: 'resolved',
          reason,
          total: this.parkedCount,
        }),
      onRan: () => this.#parkedDue.ring(),
    })
  }

  #makeDispatcher(): Dispatcher {
    const special: SpecialParts = {
      unreadable: this.#parts.plan.unreadable,
      runner: this.#runner,
      holds: this.holds,
      newerSince: this.#parts.newerSince,
      now: () => this.#now(),
      offer: () => this.end({ kind: 'offered' }),
      holdForPerson: async (reason) => {
        await this.#stopFor('failed', reason)
        await this.holds.untilResumed()
      },
      passedOver: (event) => this.#passedOver(event, 'unreadable'),
    }
    return new Dispatcher({
      plan: this.#parts.plan,
      attempts: this.#attempts,
      runner: this.#runner,
      parkedRunner: this.#parkedRunner,
      index: this.#parts.parked,
      mayBegin: () => !this.isStopping && !this.holds.isHeld && !this.#outage.isActive,
      mayBeginParked: () => !this.isStopping && !this.#outage.isActive,
      mayProbe: () => !this.isStopping && !this.holds.isHeld,
      handleSpecial: (item) => handleSpecial(special, item),
      onDone: (item, outcome) => this.#onDone(item, outcome),
      onHandled: () => this.holds.succeeded(),
      onCrash: (error) => void this.#crash(error),
      onFree: () => {
        this.#room.ring()
        this.#freed.ring()
      },
    })
  }

  #onDone({ stored, plan }: Item, outcome: Outcome): void {
    if (outcome === 'skipped' && plan.kind === 'handle') this.#passedOver(stored, 'skipped')
    if (outcome === 'parked') this.#parkedDue.ring()
    // Batches are no single attempts, and yet their keys succeed.
    if (outcome === 'handled') this.holds.succeeded()
  }
}
