import type { OperationRecord, ParkedEvent } from 'tidings'
import type { Doings, EventList, Generation, Known } from './ledger.ts'
import type { HistoryPlan } from './plan-types.ts'
import { Violation } from './violation.ts'

export interface ParkedCircumstances {
  readonly generation: Generation
  readonly doings: Doings
  readonly session: string
  /** Of the same transaction. */
  readonly effects: readonly number[]
  readonly operations: ReadonlyMap<string, OperationRecord>
}

/** What may be written of parked events. */
export class ParkedOracle {
  /** All that were ever written, by id, as they are now. */
  readonly rows = new Map<string, ParkedEvent>()
  /** How many rows an operation has moved. */
  readonly movedBy = new Map<string, number>()
  readonly #plan: HistoryPlan
  readonly #events: EventList
  /** The processes in which an event has begun. */
  readonly #begunIn = new Map<number, Set<string>>()

  constructor(plan: HistoryPlan, events: EventList) {
    this.#plan = plan
    this.#events = events
  }

  began(n: number, process: string): void {
    const processes = this.#begunIn.get(n)
    if (processes === undefined) this.#begunIn.set(n, new Set([process]))
    else processes.add(process)
  }

  /** @throws {Violation} */
  see(row: ParkedEvent, facts: ParkedCircumstances): void {
    const event = this.#events.at(row.position ?? 0)
    if (event === undefined || row.generation !== facts.generation.number) {
      throw new Violation('parked', `a row of no event of this generation: ${row.parkedId}`)
    }
    const before = this.rows.get(row.parkedId)
    if (before === undefined) this.#isNew(row, event, facts)
    else this.#changes(before, row, { event, facts })
    this.rows.set(row.parkedId, row)
    facts.generation.rows.set(event.n, row)
  }

  #isNew(row: ParkedEvent, event: Known, { generation, doings }: ParkedCircumstances): void {
    const { n } = event
    const fate = generation.fates.get(n)
    if (fate !== undefined)
      throw new Violation('parked', `event ${n} is parked, and is ${fate} already`)
    const earlier = this.#events.before(event, generation)
    const open = earlier.find((other) => !generation.fates.has(other.n))
    if (open !== undefined) {
      throw new Violation(
        'order',
        `event ${n} is parked, and event ${open.n} of its key before it is open`,
      )
    }
    const isBehind = earlier.some((other) => generation.fates.get(other.n) === 'parked')
    if (isBehind !== (row.reason === 'behind')) {
      throw new Violation(
        'order',
        `event ${n} is parked as '${row.reason}', and ${isBehind ? 'one' : 'none'} before it is parked`,
      )
    }
    if (row.reason === 'failed')
      this.#requireAttempts(row, n, { given: 0, isAfterTry: false, doings, laterBefore: 0 })
    if (row.reason === 'killed' && (this.#begunIn.get(n)?.size ?? 0) < 2) {
      throw new Violation(
        'parked',
        `event ${n} is parked as 'killed', and was under way in no two processes`,
      )
    }
    generation.fates.set(n, 'parked')
  }

  #changes(
    before: ParkedEvent,
    row: ParkedEvent,
    { event, facts }: { readonly event: Known; readonly facts: ParkedCircumstances },
  ): void {
    const { n } = event
    const what = `${before.state} → ${row.state}`
    const isFinished = before.state === 'resolved' || before.state === 'discarded'
    // Written once more by one that heard of no commit: it is what it was.
    if (isFinished && row.state === before.state && row.attemptCount === before.attemptCount) return
    if (isFinished) {
      throw new Violation('parked', `event ${n} was finished: ${what}`)
    }
    if (isTry(row) && row.attemptCount === before.attemptCount + 1 && row.state === before.state) {
      return this.#requireHead(event, facts.generation, 'is about to')
    }
    if (row.state === 'redriving' || row.state === 'discarded')
      return this.#isMoved(before, row, { event, facts })
    if (row.state === 'resolved') return this.#isResolved(event, facts)
    if (row.attemptCount === before.attemptCount || row.reason !== 'failed') return
    this.#requireHead(event, facts.generation, what)
    this.#requireAttempts(row, n, {
      given: before.attemptCount,
      isAfterTry: isTry(before),
      doings: facts.doings,
      laterBefore: before.laterCount,
    })
  }

  #isMoved(
    before: ParkedEvent,
    row: ParkedEvent,
    { event: { n }, facts }: { readonly event: Known; readonly facts: ParkedCircumstances },
  ): void {
    const operation = facts.operations.get(row.operationId ?? '')
    const kind = row.state === 'redriving' ? 'redrive' : 'discard'
    if (operation?.kind !== kind || operation.state !== 'running') {
      throw new Violation('operation', `event ${n} becomes ${row.state}, and nobody asked for that`)
    }
    if (before.state !== 'parked') {
      throw new Violation('operation', `event ${n} becomes ${row.state} twice`)
    }
    const { operationId } = operation
    this.movedBy.set(operationId, (this.movedBy.get(operationId) ?? 0) + 1)
    if (row.state === 'discarded') facts.generation.fates.set(n, 'discarded')
  }

  #isResolved(event: Known, { generation, doings, session, effects }: ParkedCircumstances): void {
    const { n } = event
    this.#requireHead(event, generation, 'resolved')
    const isPlain = ['plain', 'batch-plain'].includes(this.#plan.subscription.mode)
    const isHandled = isPlain ? doings.hasRight(n, session) : effects.includes(n)
    if (!isHandled && !doings.hasSkipped(n)) {
      throw new Violation('lost', `event ${n} is resolved, and nothing became of it`)
    }
    generation.fates.set(n, isHandled ? 'handled' : 'skipped')
  }

  #requireHead(event: Known, generation: Generation, what: string): void {
    const first = this.#events.before(event, generation).find(({ n }) => !generation.isSettled(n))
    if (first === undefined) return
    throw new Violation(
      'order',
      `parked event ${event.n} ran (${what}), and event ${first.n} of its key before it is not done`,
    )
  }

  #requireAttempts(
    { attempts, attemptCount, laterCount, dueAt }: ParkedEvent,
    n: number,
    of: {
      readonly given: number
      readonly isAfterTry: boolean
      readonly doings: Doings
      readonly laterBefore: number
    },
  ): void {
    const { subscription } = this.#plan
    let made = attemptCount - of.given
    // What was recorded before the attempt makes room for what came of it.
    if (of.isAfterTry && made < subscription.attempts) made++
    const code = attempts.at(-1)?.error.code
    const isAtOnce = code === 'SIM_PARK' || code === 'SIM_STOP'
    if (isAtOnce ? made > subscription.attempts : made !== subscription.attempts) {
      throw new Violation(
        'retry',
        `event ${n} is parked after ${made} attempts (${code}); the policy says ${subscription.attempts}`,
      )
    }
    if (made > of.doings.begunOf(n)) {
      throw new Violation(
        'retry',
        `event ${n} is parked after ${made} attempts, and its handler ran ${of.doings.begunOf(n)} times`,
      )
    }
    const hasLater = !isAtOnce && of.laterBefore < subscription.laterMs.length
    if (hasLater !== (dueAt !== undefined) || laterCount !== of.laterBefore + (hasLater ? 1 : 0)) {
      throw new Violation(
        'retry',
        `event ${n} ${dueAt === undefined ? 'is a dead letter' : 'is tried later'} after ${of.laterBefore} of ${subscription.laterMs.length} later attempts`,
      )
    }
  }
}

/** Whether the last attempt of a row is one that was recorded before it was made. */
function isTry({ attempts }: ParkedEvent): boolean {
  return attempts.at(-1)?.error.name === 'ProcessEnded'
}
