import { decodeEvent } from '../contract/codec.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import type { ParkedEvent } from '../store/parked-store.ts'
import type { AttemptPorts } from './attempt.ts'
import type { EventRunner } from './event-runner.ts'
import { isRunnable, type ParkedIndex } from './parked-index.ts'
import { planEvent, type EventPlan } from './plan-event.ts'
import { RedrivePace } from './redrive-pace.ts'
import type { Selection } from './selection.ts'

export interface ParkedRunnerParts {
  readonly attempts: AttemptPorts
  readonly runner: EventRunner
  readonly index: ParkedIndex
  readonly selection: Selection
  readonly generation: number
  /** The last owner did not let go in good order. */
  readonly isAfterDeath: boolean
  readonly onFinished: (event: StoredEnvelope, parked: ParkedEvent) => void
  /** One has run, whatever came of it: when the next one is due may have changed. */
  readonly onRan: () => void
}

/** Runs parked events again: the first of a key only, and with it gone the next one. */
export class ParkedRunner {
  readonly #parts: ParkedRunnerParts
  /** Keys whose first one may have been what the last owner died of. */
  readonly #suspects: Set<string>
  /** Keys whose first one runs. */
  readonly #running = new Set<string>()
  #pace: RedrivePace | undefined
  #rate: number | undefined

  constructor(parts: ParkedRunnerParts) {
    this.#parts = parts
    this.#suspects = new Set(parts.isAfterDeath ? parts.index.keys() : [])
  }

  /** Whether the first one of a key has to run alone, and its attempt be recorded before it is made. */
  isSuspect(key: string): boolean {
    return this.#suspects.has(key)
  }

  /** The keys whose first one may run now, and when the next one will. */
  due(nowMs: number): { readonly keys: readonly string[]; readonly nextMs: number | undefined } {
    const { index } = this.#parts
    const runnable = index.runnable(nowMs)
    const nextMs = index.nextDueMs(nowMs)
    if (this.#pace === undefined) return { keys: runnable, nextMs }
    return this.#paced(this.#pace, { runnable, nextMs, nowMs })
  }

  /** Begins so many redriven events a second, at the most; undefined: as fast as it goes. */
  paceRedrives(rate: number | undefined): void {
    // The same one asks again at each of its steps.
    if (rate === this.#rate) return
    this.#rate = rate
    this.#pace = rate === undefined ? undefined : new RedrivePace(rate)
  }

  /** Of those that are redriven one at the most, and no sooner than the rate allows. */
  #paced(
    pace: RedrivePace,
    due: {
      readonly runnable: readonly string[]
      readonly nextMs: number | undefined
      readonly nowMs: number
    },
  ): { readonly keys: readonly string[]; readonly nextMs: number | undefined } {
    const { index } = this.#parts
    const isRedriven = (key: string): boolean => index.headOf(key)?.state === 'redriving'
    const waiting = due.runnable.filter((key) => isRedriven(key) && !this.#running.has(key))
    const others = due.runnable.filter((key) => !isRedriven(key))
    if (waiting.length === 0) return { keys: others, nextMs: due.nextMs }
    if (pace.mayBegin(due.nowMs)) return { keys: [waiting[0]!, ...others], nextMs: due.nextMs }
    return { keys: others, nextMs: Math.min(due.nextMs ?? pace.nextMs, pace.nextMs) }
  }

  /**
   * Runs the first parked event of a key, if it may run. The caller holds the key's lane.
   *
   * @returns whether the next one may run now
   * @throws {SessionOver}
   */
  async runHead(key: string): Promise<boolean> {
    if (!this.#takeTurn(key)) return false
    this.#running.add(key)
    try {
      const again = await this.#runHead(key)
      // The next one of the key has a turn of its own.
      return again && this.#pace === undefined
    } finally {
      this.#running.delete(key)
      if (this.#pace !== undefined) this.#parts.onRan()
    }
  }

  /** @returns whether it is not too early, by the rate of a redrive */
  #takeTurn(key: string): boolean {
    if (this.#pace === undefined || this.#parts.index.headOf(key)?.state !== 'redriving')
      return true
    const nowMs = this.#parts.attempts.ports.environment.clock.now()
    const isTurn = this.#pace.mayBegin(nowMs)
    if (isTurn) this.#pace.began(nowMs)
    // When the next one may begin has changed.
    this.#parts.onRan()
    return isTurn
  }

  async #runHead(key: string): Promise<boolean> {
    const { attempts, index, runner } = this.#parts
    const parked = await this.#head(key)
    if (parked === undefined) {
      index.forget(key)
      return false
    }
    index.headIs(key, parked)
    if (!isRunnable(parked, attempts.ports.environment.clock.now())) {
      // It was, when it was chosen: the clock has been set back, and its time comes once more.
      this.#parts.onRan()
      return false
    }
    const { stored, edited, plan } = await this.#planOf(parked)
    const event = plan.kind === 'handle' ? plan.event : edited
    const running = { event, stored, key, parked, isCareful: this.#suspects.has(key) }
    const outcome =
      plan.kind === 'handle'
        ? await runner.run(running)
        : plan.kind === 'pass' || plan.kind === 'undeclared'
          ? await runner.resolve(running, 'the subscription is no longer about it')
          : await runner.failWithout(running, plan)
    // It has run, and its process is there.
    this.#suspects.delete(key)
    this.#parts.onRan()
    if (outcome === 'parked') return false
    const next = await this.#head(key)
    // Held, and done all the same: the answer to its commit was lost.
    if (outcome === 'held' && next?.parkedId === parked.parkedId) return true
    index.finished(key, next)
    this.#parts.onFinished(event, parked)
    return next !== undefined && isRunnable(next, attempts.ports.environment.clock.now())
  }

  #head(key: string): Promise<ParkedEvent | undefined> {
    const { attempts, generation, runner } = this.#parts
    const { parked } = attempts.ports.store
    return runner.insist(() => parked.head(attempts.name, generation, key))
  }

  async #planOf(parked: ParkedEvent): Promise<{
    readonly stored: StoredEnvelope
    readonly edited: StoredEnvelope
    readonly plan: EventPlan
  }> {
    const { attempts, selection, runner } = this.#parts
    const { registry } = attempts.ports
    const stored = await runner.insist(() => this.#load(parked))
    const edited = withEdit(stored, parked, registry.event(stored.eventType)?.version)
    return { stored, edited, plan: planEvent(edited, selection, { plan: attempts.plan, registry }) }
  }

  async #load(parked: ParkedEvent): Promise<StoredEnvelope> {
    const { store } = this.#parts.attempts.ports
    if (parked.position !== undefined) {
      const after = parked.position - 1
      const [event] = await store.readAll({ after, limit: 1 }).toArray()
      if (event?.position === parked.position) return event
    }
    if (parked.bytes === undefined) {
      throw new Error(
        `Parked event ${parked.parkedId} is neither in the log at position ${parked.position} nor kept as bytes.`,
      )
    }
    const { envelope } = decodeEvent(parked.bytes)
    return {
      ...envelope,
      position: parked.position ?? parked.sequence,
      streamVersion: envelope.streamVersion ?? 0,
      recordedAt: envelope.recordedAt ?? parked.parkedAt,
    }
  }
}

/** The event with the payload that a person gave it; that one is of the contract's version today. */
function withEdit(
  stored: StoredEnvelope,
  { edited }: ParkedEvent,
  version: number | undefined,
): StoredEnvelope {
  if (edited === undefined) return stored
  const { schemaHash: _, ...rest } = stored
  return {
    ...rest,
    eventVersion: version ?? stored.eventVersion,
    payload: JSON.parse(edited) as unknown,
  }
}
