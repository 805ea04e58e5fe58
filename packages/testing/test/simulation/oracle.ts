import type { Fence, OperationRecord, ParkedEvent } from 'tidings'
import type { Committed, Entry } from './journal.ts'
import { Doings, EventList, Generation, type Known } from './ledger.ts'
import { ParkedOracle } from './oracle-parked.ts'
import type { HistoryPlan } from './plan-types.ts'
import { Violation } from './violation.ts'

interface RunFacts {
  readonly process: string
  readonly event: Known
  readonly isCut: () => boolean
  readonly session: string
}

export interface OracleParts {
  /** What is owned: the subscription, or one of its shards. */
  readonly record: string
  /** All that were requested, as they are now. */
  readonly operations: ReadonlyMap<string, OperationRecord>
  /** Where it was found when it was claimed for the first time. */
  readonly entry: { readonly generation: number; readonly position: number }
}

/**
 * Says what may happen to the events of one owner: follows the journal, and throws at the first line
 * that breaks a promise.
 *
 * It knows nothing of how the runtime works, only what of its work is written down, and what its
 * handlers did.
 */
export class Oracle {
  readonly events: EventList
  generation: Generation
  readonly #record: string
  readonly #operations: OracleParts['operations']
  readonly #plan: HistoryPlan
  readonly #parked: ParkedOracle
  readonly #doings = new Map<string, Doings>()
  readonly #runs = new Map<number, RunFacts>()
  readonly #sessions = new Map<string, string>()
  readonly #begunInSession = new Set<string>()
  #token = 0
  #owner = ''
  #isPaused = false
  /** Whoever owns it does not know what it has committed: it finds out before it writes more. */
  #isUnsure = false
  /** Whoever owns it knows that it is paused. */
  #isPauseKnown = false
  /** Something was committed since: what shares a transaction was handed out together before. */
  #isPauseSettled = false

  constructor(plan: HistoryPlan, { record, operations, entry }: OracleParts) {
    this.#plan = plan
    this.#record = record
    this.#operations = operations
    this.generation = new Generation(entry.generation, entry.position)
    this.events = new EventList(plan.subscription.order)
    this.#parked = new ParkedOracle(plan, this.events)
  }

  get owner(): string {
    return this.#owner
  }

  /** What was parked, by id. */
  get rows(): ReadonlyMap<string, ParkedEvent> {
    return this.#parked.rows
  }

  /** How many rows an operation has moved. */
  get movedBy(): ReadonlyMap<string, number> {
    return this.#parked.movedBy
  }

  /** @throws {Violation} */
  see(entry: Entry): void {
    switch (entry.kind) {
      case 'claimed':
        return this.#claimed(entry)
      case 'reset':
        return this.#reset(entry.fence, entry.to)
      case 'paused':
        this.#isPaused = true
        return
      case 'resumed':
        this.#isPaused = false
        this.#isPauseKnown = false
        return
      case 'committed':
        return this.#committed(entry)
      case 'unanswered':
        this.#isUnsure ||= entry.process === this.#owner
        return
      case 'watched':
        return this.#watched(entry)
      case 'began':
        return this.#began(entry)
      case 'ended':
        return this.#ended(entry)
      case 'appended':
      case 'requested':
      case 'released':
      case 'state':
      case 'process':
      case 'world':
    }
  }

  #doingsOf(process: string): Doings {
    let doings = this.#doings.get(process)
    if (doings === undefined) {
      doings = new Doings()
      this.#doings.set(process, doings)
    }
    return doings
  }

  #claimed({ process, token, generation, position }: Extract<Entry, { kind: 'claimed' }>): void {
    if (token <= this.#token) throw new Violation('fence', `token ${token} comes a second time`)
    if (generation !== this.generation.number || position !== this.generation.mark) {
      throw new Violation(
        'mark',
        `generation ${generation} begins at ${position}, and was left at ${this.generation.mark}`,
      )
    }
    this.#token = token
    this.#owner = process
    this.#isUnsure = false
    if (this.#isPaused) this.#pauseIsKnown()
    this.#sessions.set(process, `${generation}/${token}`)
  }

  #pauseIsKnown(): void {
    this.#isPauseKnown = this.#isPaused
    const { mode } = this.#plan.subscription
    this.#isPauseSettled = mode === 'transaction' || mode === 'plain'
  }

  #reset(fence: Fence, to: number): void {
    this.#requireFence(fence)
    this.generation = new Generation(fence.generation + 1, to)
    if (this.#isPaused) this.#pauseIsKnown()
    this.#sessions.set(this.#owner, `${this.generation.number}/${this.#token}`)
  }

  #requireFence({ generation, token }: Fence): void {
    if (generation === this.generation.number && token === this.#token) return
    throw new Violation(
      'fence',
      `written under generation ${generation} and token ${token}, when ${this.generation.number} and ${this.#token} were valid`,
    )
  }

  // What is committed

  #committed(entry: Committed): void {
    const { process, effects, parked, operations } = entry
    const steps = entry.progress.filter(({ subscription }) => subscription === this.#record)
    for (const step of steps) this.#requireFence(step)
    if (steps.length > 0 && process !== this.#owner) {
      throw new Violation('fence', `${process} writes, and ${this.#owner} owns it`)
    }
    const done = new Set(steps.flatMap(({ ahead = [] }) => ahead))
    for (const { mark } of steps) if (mark !== undefined) this.#addPassed(done, mark)
    for (const n of effects)
      this.#effect(
        n,
        done,
        parked.map(({ position }) => position ?? -1),
      )
    const session = this.#sessions.get(process) ?? ''
    const doings = this.#doingsOf(process)
    for (const row of parked) {
      this.#parked.see(row, {
        generation: this.generation,
        doings,
        session,
        effects,
        operations: this.#operations,
      })
    }
    for (const position of done) this.#requireDone(position, doings, session)
    for (const { mark, ahead = [] } of steps) this.#step(mark, ahead)
    if (this.#isPauseKnown && done.size > 0) this.#isPauseSettled = true
    for (const operation of operations) this.#operation(operation)
  }

  #addPassed(
    done: Set<number>,
    { from, to }: { readonly from: number; readonly to: number },
  ): void {
    if (from !== this.generation.mark || to < from) {
      throw new Violation(
        'mark',
        `the mark goes from ${from} to ${to}; it was at ${this.generation.mark}`,
      )
    }
    for (const { position } of this.events.between(from, to)) {
      if (!this.generation.ahead.has(position)) done.add(position)
    }
  }

  #step(mark: { readonly to: number } | undefined, ahead: readonly number[]): void {
    for (const position of ahead) this.generation.ahead.add(position)
    if (mark === undefined) return
    this.generation.mark = mark.to
    for (const position of this.generation.ahead) {
      if (position <= mark.to) this.generation.ahead.delete(position)
    }
  }

  #effect(n: number, done: ReadonlySet<number>, parked: readonly number[]): void {
    const { generation } = this
    const event = this.events.get(n)
    const times = (generation.effects.get(n) ?? 0) + 1
    generation.effects.set(n, times)
    if (times > 1) throw new Violation('once', `event ${n} has its effect ${times} times`)
    const fate = generation.fates.get(n)
    if (fate !== undefined && fate !== 'parked') {
      throw new Violation('once', `event ${n} has its effect, and was ${fate} before`)
    }
    const hasProgress =
      fate === 'parked' ? parked.includes(event.position) : done.has(event.position)
    if (!hasProgress)
      throw new Violation('once', `the effect of event ${n} commits without its progress`)
    this.#requireTurn(event, (other) => generation.isSettled(other.n))
    if (fate === undefined) generation.fates.set(n, 'handled')
  }

  #requireTurn(event: Known, isOver: (other: Known) => boolean): void {
    const first = this.events.before(event, this.generation).find((other) => !isOver(other))
    if (first === undefined) return
    const fate = this.generation.fates.get(first.n) ?? 'not done'
    throw new Violation(
      'order',
      `event ${event.n} is handled, and event ${first.n} of the same key before it is ${fate}`,
    )
  }

  #requireDone(position: number, doings: Doings, session: string): void {
    const event = this.events.at(position)
    if (event === undefined || this.generation.fates.has(event.n)) return
    const { n } = event
    const { mode } = this.#plan.subscription
    const isPlain = mode === 'plain' || mode === 'batch-plain'
    if (isPlain && doings.hasRight(n, session)) this.generation.fates.set(n, 'handled')
    else if (doings.hasSkipped(n)) this.generation.fates.set(n, 'skipped')
    else throw new Violation('lost', `event ${n} counts as done, and nothing became of it`)
  }

  #operation({ kind, state, subscription }: OperationRecord): void {
    const isDone = kind === 'pause' && state === 'done' && subscription === this.#record
    if (isDone) this.#pauseIsKnown()
  }

  // What handlers do

  /** From here on what ends the process may be this event, though its handler has not begun. */
  #watched({ process, position }: Extract<Entry, { kind: 'watched' }>): void {
    const event = this.events.at(position)
    if (event !== undefined) this.#parked.began(event.n, process)
  }

  #began({ process, n, run, attempt, isCut }: Extract<Entry, { kind: 'began' }>): void {
    const event = this.events.get(n)
    const session = this.#sessions.get(process) ?? ''
    const isFirst = !this.#begunInSession.has(`${session}/${n}`)
    this.#begunInSession.add(`${session}/${n}`)
    this.#parked.began(n, process)
    this.#doingsOf(process).began(n)
    // One that has lost it and does not know yet can do what it likes: nothing of it is written.
    if (process === this.#owner && !this.#isUnsure) {
      this.#requireMayBegin(event, { attempt, isFirst, session, doings: this.#doingsOf(process) })
      this.#requireAlone(event, process)
    }
    this.#runs.set(run, { process, event, isCut, session })
  }

  #requireMayBegin(
    event: Known,
    of: {
      readonly attempt: number
      readonly isFirst: boolean
      readonly session: string
      readonly doings: Doings
    },
  ): void {
    const { n } = event
    const { generation } = this
    const fate = generation.fates.get(n)
    if (generation.isSettled(n))
      throw new Violation('once', `event ${n} is handled, and is ${fate} already`)
    if (event.position <= generation.startAt) {
      throw new Violation('once', `event ${n} is handled, and is before the beginning`)
    }
    if (of.attempt > this.#plan.subscription.attempts) {
      throw new Violation(
        'retry',
        `event ${n} has attempt ${of.attempt} of ${this.#plan.subscription.attempts}`,
      )
    }
    if (this.#isPauseKnown && this.#isPauseSettled && of.isFirst && fate === undefined) {
      throw new Violation('paused', `event ${n} is handled while the subscription is paused`)
    }
    this.#requireTurn(
      event,
      (other) =>
        generation.isSettled(other.n) ||
        (!generation.fates.has(other.n) && of.doings.hasRight(other.n, of.session)),
    )
  }

  #requireAlone(event: Known, process: string): void {
    for (const [run, other] of this.#runs) {
      if (other.isCut()) this.#runs.delete(run)
      else if (other.process === process && this.events.isSameOrder(other.event, event)) {
        throw new Violation(
          'order',
          `events ${other.event.n} and ${event.n} of one key are handled at the same time`,
        )
      }
    }
  }

  #ended({ process, n, run, how }: Extract<Entry, { kind: 'ended' }>): void {
    const facts = this.#runs.get(run)
    this.#runs.delete(run)
    const doings = this.#doingsOf(process)
    if (how === 'SIM_SKIP') doings.skipped(n)
    if (how !== 'right' || facts === undefined) return
    const times = doings.right(n, facts.session)
    if (times > 1 && !this.#isUnsure && this.#plan.subscription.mode === 'plain') {
      throw new Violation(
        'once',
        `event ${n} is handled ${times} times by an owner that nothing happened to`,
      )
    }
  }
}
