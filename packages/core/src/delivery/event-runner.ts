import type { StoredEnvelope } from '../contract/envelope.ts'
import { isStoreInTrouble } from '../errors/store-errors.ts'
import { isTidingsError } from '../errors/tidings-error.ts'
import { toIsoTime } from '../internal/time.ts'
import type { AttemptRecord, ParkedEvent, ParkReason } from '../store/parked-store.ts'
import type { Fence } from '../store/subscription-store.ts'
import { redactorOf } from '../observe/describe-error.ts'
import { sensitiveIn, type SensitiveOf } from '../observe/redact.ts'
import { attemptEvent, type AttemptPorts, type Completion } from './attempt.ts'
import { failedAgain, killed, makeParked, resolved, suspected, unendedOf } from './make-parked.ts'
import type { AttemptOf } from './event-context.ts'
import type { Outage } from './outage.ts'
import type { ParkedIndex } from './parked-index.ts'
import { decideFailure, type FailureDecision } from './retry-policy.ts'
import { SessionOver } from './session-end.ts'
import { tellHandled, tellParked } from './tell.ts'
import { brokenRule, toThrown } from './thrown.ts'

/** An event on its way through its attempts. */
export interface Running {
  /** As its handler gets it. */
  readonly event: StoredEnvelope
  /** As it is in the log: what is kept of it where it is parked. */
  readonly stored: StoredEnvelope
  readonly key: string
  /** What it was parked as before; undefined for one that comes from the log. */
  readonly parked: ParkedEvent | undefined
  /** Each attempt is recorded before it is made: the last owner died with events in flight. */
  readonly isCareful: boolean
  /** It failed where nearly all others succeeded: that says nothing of an outage. */
  readonly isOwnFault?: boolean
  readonly place?: Completion['place']
}

/** What came of an event; `held`: nothing yet, something holds it up, and then it is taken up again. */
export type Outcome = 'handled' | 'skipped' | 'parked' | 'held'

/** What the runner asks of the session that it runs in. */
export interface RunnerHost {
  readonly fence: Fence
  readonly attempts: AttemptPorts
  readonly outage: Outage
  readonly parked: ParkedIndex
  /** Waits without holding one of the places for handlers. @throws {SessionOver} when it stops meanwhile */
  pause(delayMs: number): Promise<void>
  /** Waits where it is. @throws {SessionOver} */
  sleep(delayMs: number): Promise<void>
  /** Nothing succeeds: begins nothing more but a try from time to time. @throws {SessionOver} */
  beginOutage(failure: string): void
  /** Begins nothing more until a person resumes the subscription. @throws {SessionOver} */
  stopFor(state: 'failed' | 'paused', reason: string): Promise<void>
  /**
   * Something else than the event failed. Waits where the store is in trouble, and says so; with
   * anything else the session is over. @throws {SessionOver}
   */
  recover(error: unknown): Promise<void>
  /** What was in trouble works again. */
  recovered(): void
  readonly isStopping: boolean
  /** Nothing of the log may begin until a person resumes the subscription. */
  readonly isHeld: boolean
  /** An attempt succeeded. */
  succeeded(): void
}

/** How often an event may have been under way when its process died. */
const MOST_KILLS = 2

/**
 * Takes an event through its attempts until it is handled, skipped or parked, whichever way its policy
 * says, or until something holds it up. Never answers without one of the four.
 */
export class EventRunner {
  readonly #host: RunnerHost
  readonly #sensitiveOf: SensitiveOf

  constructor(host: RunnerHost) {
    this.#host = host
    this.#sensitiveOf = sensitiveIn(host.attempts.ports.registry)
  }

  /** @throws {SessionOver} the event is left as it was */
  async run(running: Running): Promise<Outcome> {
    const attempts: AttemptRecord[] = []
    let failed = 0
    const isHeld = (): boolean => running.parked === undefined && this.#host.isHeld
    if (running.isCareful && isHeld()) return 'held'
    if (running.isCareful && (await this.#killsTooOften(running))) {
      return this.#park(running, {
        reason: 'killed',
        attempts: [killed(this.#now())],
        dueAt: undefined,
      })
    }
    // Somebody paused it while that was recorded.
    if (running.isCareful && isHeld()) return 'held'
    for (;;) {
      const startMs = this.#now()
      try {
        await this.#attempt(running, failed + 1)
        this.#host.succeeded()
        return 'handled'
      } catch (thrown) {
        if (await this.#isNotTheEvent(thrown)) {
          // Nobody knows whether it was committed. With an event of the log its progress would tell.
          if (running.parked !== undefined) return 'held'
          // Another one may have begun in its place, which it had given away.
          if (running.place?.cameBack === true) await this.#host.pause(0)
          continue
        }
        failed++
        const { decision, error } = this.#decide(running, failed, thrown)
        attempts.push(this.#record(running.event, startMs, error))
        this.#observe(running, { startMs, attempt: failed, error, decision })
        const outcome = await this.#act(running, { decision, error, attempts })
        if (outcome !== undefined) return outcome
      }
    }
  }

  /** Puts an event aside without an attempt: it cannot be read, or it waits behind another. */
  async park(
    running: Pick<Running, 'event' | 'key'>,
    reason: ParkReason,
    // Not an optional one: a filter can throw `undefined`.
    ...failures: readonly unknown[]
  ): Promise<Outcome> {
    const nowMs = this.#now()
    const attempts = failures.map((error) => this.#record(running.event, nowMs, error))
    return this.#park(
      { ...running, stored: running.event, parked: undefined, isCareful: false },
      { reason, attempts, dueAt: undefined },
    )
  }

  /** A parked event cannot even be handed to its handler. */
  failWithout(
    running: Running,
    { kind, error }: { readonly kind: 'newer' | 'unreadable' | 'broken'; readonly error: unknown },
  ): Promise<Outcome> {
    const attempts = [this.#record(running.event, this.#now(), error)]
    const reasons = {
      newer: 'unknown-version',
      unreadable: 'unreadable',
      broken: 'failed',
    } as const
    return this.#park(running, { reason: reasons[kind], attempts, dueAt: undefined })
  }

  /** Reads or writes what it takes to go on, however long the store is in trouble. @throws {SessionOver} */
  async insist<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let isTroubled = false; ; isTroubled = true) {
      try {
        const result = await work()
        if (isTroubled) this.#host.recovered()
        return result
      } catch (error) {
        await this.#host.recover(error)
      }
    }
  }

  /** An event that is not to be handled is done. */
  async skip(event: StoredEnvelope): Promise<Outcome> {
    await this.insist(() => this.#host.attempts.writer.done(event.position))
    return 'skipped'
  }

  #now(): number {
    return this.#host.attempts.ports.environment.clock.now()
  }

  #attempt({ event, parked, place }: Running, attempt: number): Promise<void> {
    const completion: Completion =
      parked === undefined
        ? { positions: [event.position], parked: [], place }
        : { positions: [], parked: [resolved(parked, this.#now())] }
    const of = {
      event,
      attempt,
      laterUsed: parked?.laterCount ?? 0,
      redrives: parked?.redrives ?? 0,
    }
    const { ports } = this.#host.attempts
    if (ports.observations.handled.active) return this.#attemptObserved(of, completion)
    return attemptEvent(this.#host.attempts, of, completion)
  }

  async #attemptObserved(of: AttemptOf, completion: Completion): Promise<void> {
    const startMs = performance.now()
    await attemptEvent(this.#host.attempts, of, completion)
    tellHandled(this.#host.attempts, () => [of.event], startMs)
  }

  /** Records an attempt before it is made. @returns whether there were too many that never ended */
  async #killsTooOften({ event, parked }: Running): Promise<boolean> {
    const { fence, attempts } = this.#host
    if (parked !== undefined) return this.#suspect(parked)
    const { subscriptions } = attempts.ports.store
    const begun = await this.insist(() => subscriptions.begin(fence, event.position))
    return begun > MOST_KILLS
  }

  /** The mark has passed a parked event: what of it never ended is recorded with itself. */
  async #suspect(parked: ParkedEvent): Promise<boolean> {
    if (unendedOf(parked) >= MOST_KILLS) return true
    const { writer, ports } = this.#host.attempts
    await this.insist(() =>
      ports.store.transaction(async (tx) => {
        await tx.park([suspected(parked, this.#now())])
        await writer.within(tx, [])
      }),
    )
    return false
  }

  /** What is no failure of the event: a lost fence, a stop, a store in trouble. @throws {SessionOver} */
  async #isNotTheEvent(error: unknown): Promise<boolean> {
    if (error instanceof SessionOver) throw error
    if (!isTidingsError(error)) return false
    const isStop = error.code === 'TIDINGS_CLOSED' && this.#host.isStopping
    if (!isStop && error.code !== 'TIDINGS_FENCED' && !isStoreInTrouble(error)) return false
    await this.#host.recover(error)
    return true
  }

  #record(event: StoredEnvelope, startMs: number, error: unknown): AttemptRecord {
    return {
      at: toIsoTime(startMs),
      durationMs: Math.max(0, this.#now() - startMs),
      error: toThrown(error, event, this.#sensitiveOf),
    }
  }

  /** A rule that throws decides nothing: the event is put aside at once, with both errors. */
  #decide(
    { key, parked, isOwnFault = false }: Running,
    failed: number,
    error: unknown,
  ): { readonly decision: FailureDecision; readonly error: unknown } {
    const { outage, attempts } = this.#host
    const { plan, ports } = attempts
    if (!isOwnFault) outage.failed(key)
    const failure = { error, failed, laterUsed: parked?.laterCount ?? 0 }
    try {
      return { decision: decideFailure(plan.retry, failure, ports.random), error }
    } catch (ruleError) {
      return { decision: { kind: 'dead' }, error: brokenRule(attempts.name, error, ruleError) }
    }
  }

  /** @returns the outcome; undefined: once more */
  async #act(
    running: Running,
    {
      decision,
      error,
      attempts,
    }: {
      readonly decision: FailureDecision
      readonly error: unknown
      readonly attempts: readonly AttemptRecord[]
    },
  ): Promise<Outcome | undefined> {
    const host = this.#host
    switch (decision.kind) {
      case 'retry':
        // Nothing else begins meanwhile: it could end the process, and this one would be blamed.
        if (running.isCareful) await host.sleep(decision.delayMs)
        else await host.pause(decision.delayMs)
        return undefined
      case 'skip':
        return this.resolve(running, decision.reason)
      case 'stop':
        return this.#stop(running, { error, attempts })
      default:
        if (host.outage.exhausted()) {
          host.beginOutage(this.#say(running, error))
          return 'held'
        }
        return this.#park(running, {
          reason: 'failed',
          attempts,
          dueAt: decision.kind === 'dead' ? undefined : Math.ceil(this.#now() + decision.delayMs),
        })
    }
  }

  /** What a state says of an error is read by everybody: nothing sensitive is in it. */
  #say({ event }: Running, error: unknown): string {
    return redactorOf(event, this.#sensitiveOf)(String(error))
  }

  /** It waits in front of its lane, and not in it: whoever looks may have to get at its key. */
  async #stop(
    running: Running,
    { error, attempts }: { readonly error: unknown; readonly attempts: readonly AttemptRecord[] },
  ): Promise<Outcome> {
    const said = this.#say(running, error)
    await this.#host.stopFor('failed', `${running.event.eventId}: ${said}`)
    if (running.parked === undefined) return 'held'
    return this.#park(running, { reason: 'failed', attempts, dueAt: undefined })
  }

  /** An event need not be handled any more: a rule passes over it, or somebody did so. */
  async resolve({ event, parked }: Running, reason: string): Promise<Outcome> {
    const { writer, ports } = this.#host.attempts
    if (parked === undefined) await this.insist(() => writer.done(event.position))
    else {
      await this.insist(() =>
        ports.store.transaction(async (tx) => {
          await tx.park([resolved(parked, this.#now(), reason)])
          await writer.within(tx, [])
        }),
      )
    }
    return 'skipped'
  }

  async #park(
    { event, stored, key, parked }: Running,
    facts: {
      readonly reason: ParkReason
      readonly attempts: readonly AttemptRecord[]
      readonly dueAt: number | undefined
    },
  ): Promise<Outcome> {
    const { fence, attempts, parked: index } = this.#host
    const { writer, ports } = attempts
    const nowMs = this.#now()
    if (parked === undefined) {
      const full = this.#fullness(key)
      if (full !== undefined) {
        await this.#host.stopFor('paused', `${full}. Redrive or discard, then resume.`)
        return 'held'
      }
      const { generation } = fence
      const as = { subscription: attempts.name, generation }
      const row = makeParked(stored, { ...facts, as, key, nowMs })
      await this.insist(() => writer.done(event.position, row))
      index.added(key, row)
      tellParked(attempts, { event, key, what: 'parked', reason: row.reason, total: index.total })
      return 'parked'
    }
    const row = failedAgain(parked, stored, { ...facts, nowMs })
    await this.insist(() =>
      ports.store.transaction(async (tx) => {
        await tx.park([row])
        await writer.within(tx, [])
      }),
    )
    index.headIs(key, row)
    return 'parked'
  }

  /** Why no more may be parked; undefined: some may. */
  #fullness(key: string): string | undefined {
    const { parked, attempts } = this.#host
    const { maxParked, maxParkedOfKey } = attempts.plan
    const ofKey = parked.countOf(key)
    if (parked.total >= maxParked) return `${parked.total} events are parked, and no more may be`
    if (ofKey < maxParkedOfKey) return undefined
    return `${ofKey} events of key '${key}' are parked, and no more may be`
  }

  /** What would be parked is kept where nothing succeeds. */
  #isKept({ kind }: FailureDecision): boolean {
    return (kind === 'later' || kind === 'dead') && this.#host.outage.exhausted()
  }

  #observe(
    { event }: Running,
    facts: {
      readonly startMs: number
      readonly attempt: number
      readonly error: unknown
      readonly decision: FailureDecision
    },
  ): void {
    const { name, ports } = this.#host.attempts
    const { handled, attemptFailed } = ports.observations
    if (handled.active) {
      const durationMs = Math.max(0, this.#now() - facts.startMs)
      const { error } = facts
      const who = { subscription: name, handlerId: name, handler: name }
      handled.emit({ event, ...who, durationMs, failed: true, error })
    }
    if (attemptFailed.active) {
      attemptFailed.emit({
        subscription: name,
        event,
        attempt: facts.attempt,
        error: facts.error,
        decision: this.#isKept(facts.decision) ? 'outage' : facts.decision.kind,
      })
    }
  }
}
