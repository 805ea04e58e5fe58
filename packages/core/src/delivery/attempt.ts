import { isThenable } from '../bus/handler.ts'
import type { Envelope, StoredEnvelope } from '../contract/envelope.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { runInFrame } from '../internal/flow.ts'
import type { ParkedEvent } from '../store/parked-store.ts'
import type { StoreTransaction, StreamAppend } from '../store/store.ts'
import { keepSnapshots } from '../work/app-store.ts'
import { appendEach, appendTogether } from './append-together.ts'
import type { Deadlines, Watched } from './deadlines.ts'
import type { SubscriptionPlan } from './define-subscription.ts'
import type { BatchContext, Effects } from './delivery-context.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { EventContext, type AttemptOf } from './event-context.ts'
import { HandlerTransaction } from './handler-transaction.ts'
import { deriveFor, HandlerWork, type WorkParts } from './handler-work.ts'
import { Interruption } from './interruption.ts'
import { PartialFailure } from './partial-failure.ts'
import type { HandlerPlace } from './places.ts'
import type { ProgressPlan } from './progress-tracker.ts'
import type { Placed, ProgressWriter } from './progress-writer.ts'

/** What attempts are made with. */
export interface AttemptPorts {
  readonly name: string
  readonly plan: SubscriptionPlan
  readonly ports: DeliveryPorts
  readonly writer: ProgressWriter
  /** Goes on trying while the store is in trouble. @throws {SessionOver} */
  readonly insist: <Result>(work: () => Promise<Result>) => Promise<Result>
  readonly deadlines: Deadlines
  /** Those under way, so that a stop can end them. */
  readonly running: Set<Interruption>
  /** Aborted when the session ends: whatever only waits ends with it. */
  readonly stopping: AbortSignal
}

/** What an attempt makes done when it succeeds. */
export interface Completion {
  /** Positions of the log; none for what was parked before. */
  readonly positions: readonly number[]
  /** Parked events as they are then. */
  readonly parked: readonly ParkedEvent[]
  /** Undefined: it is kept until all is noted. */
  readonly place?: HandlerPlace | undefined
}

const NOTHING: readonly StoredEnvelope[] = Object.freeze([])

/** Handles one event, and commits what it did with the progress. @throws what the handler throws */
export async function attemptEvent(
  parts: AttemptPorts,
  of: AttemptOf,
  completion: Completion,
): Promise<void> {
  if (parts.plan.handle === undefined) return attemptBatch(parts, [of], completion)
  const shared = begin(parts, isShared(parts))
  const { transaction, interruption } = shared
  try {
    const work = new HandlerWork(of.event, shared)
    const answer = handOver(parts, of, work)
    // Nothing of the rest comes before those that begin in the same turn: the last of them waits for all of it.
    await (isThenable(answer) ? guard(parts, { work, interruption }, answer) : undefined)
    await commit(parts, [work], { transaction, completion })
  } catch (error) {
    await transaction.abandon(error)
    throw error
  } finally {
    parts.running.delete(interruption)
  }
}

/** Hands a batch to its handler, in one transaction. @throws what the handler throws */
export async function attemptBatch(
  parts: AttemptPorts,
  batch: readonly AttemptOf[],
  completion: Completion,
): Promise<void> {
  const handleBatch = parts.plan.handleBatch!
  await interruptible(parts, isShared(parts), async (shared) => {
    const { transaction, interruption } = shared
    const works = new Map<string, HandlerWork>()
    const workOf = (event: Envelope): HandlerWork => {
      const known = works.get(event.eventId)
      if (known !== undefined) return known
      const of = batch.find((one) => one.event.eventId === event.eventId)
      if (of === undefined) throw notInBatch(parts.name, event)
      const work = new HandlerWork(of.event, shared)
      works.set(event.eventId, work)
      return work
    }
    const [first] = batch
    const own = new HandlerWork(first!.event, shared)
    const ctx: BatchContext = {
      ...circumstances(first!, own),
      causedBy: (event) => workOf(event).effects,
      sql: ((...args: never) => sqlOf(workOf(first!.event).effects)(...args)) as never,
      idempotencyKeyOf: (event) => deriveFor(event, parts.name),
    }
    // In no frame of one event: what is set off without causedBy belongs to none of them.
    const events = batch.map(({ event }) => event)
    try {
      const answer = handleBatch(events, ctx)
      if (isThenable(answer)) await guard(parts, { work: own, interruption }, answer)
    } catch (error) {
      throw wholeFailure(error, batch, transaction)
    }
    await commit(parts, [...works.values()], { transaction, completion })
  })
}

/** A part can be done only where nothing of it is in a transaction that is rolled back with the rest. */
function wholeFailure(
  error: unknown,
  batch: readonly AttemptOf[],
  transaction: HandlerTransaction,
): unknown {
  if (!(error instanceof PartialFailure)) return error
  const [first] = error.failures
  const isOfBatch = ({ event: { eventId } }: (typeof error.failures)[number]): boolean =>
    batch.some(({ event }) => event.eventId === eventId)
  // What it does not name would count as handled.
  if (first === undefined || !error.failures.every(isOfBatch)) return namesNone(error)
  if (batch.length === 1 && first !== undefined) return first.error
  return transaction.isOpen ? new Error(error.message, { cause: error }) : error
}

function namesNone(error: PartialFailure): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `A PartialFailure names the events of the batch that failed, one at least; this one names ${error.failures.length === 0 ? 'none' : 'another'}. Nothing of the batch counts as handled. Its message: ${error.message}`,
  )
}

function isShared({ plan }: AttemptPorts): boolean {
  return plan.effects === 'database'
}

function sqlOf(effects: Effects): (...args: never) => unknown {
  return (effects.tx as unknown as { sql: (...args: never) => unknown }).sql
}

function notInBatch(name: string, event: Envelope): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `causedBy takes an event of the batch; ${event.eventId} is none of the batch of '${name}'. Nothing was done.`,
  )
}

/** Runs an attempt that can be ended from outside, and lets go of its transaction when it fails. */
export async function interruptible(
  parts: AttemptPorts,
  shares: boolean,
  attempt: (shared: WorkParts) => Promise<void>,
): Promise<void> {
  const shared = begin(parts, shares)
  try {
    await attempt(shared)
  } catch (error) {
    await shared.transaction.abandon(error)
    throw error
  } finally {
    parts.running.delete(shared.interruption)
  }
}

/** The caller makes it end: among those that run, and its transaction where it fails. */
function begin({ running, ports, name, plan, writer }: AttemptPorts, isShared: boolean): WorkParts {
  const interruption = new Interruption()
  running.add(interruption)
  return {
    subscription: name,
    timeoutMs: plan.timeoutMs,
    transaction: new HandlerTransaction(ports.store),
    ports,
    writer,
    isShared,
    interruption,
  }
}

/** Calls the handler of an event, in the frame of its work. */
function handOver({ plan }: AttemptPorts, of: AttemptOf, work: HandlerWork): unknown {
  return runInFrame(work, () => plan.handle!(of.event, new EventContext(of, work)))
}

/** Waits for a handler, but not beyond its time, nor beyond the stop of the subscription. */
function guard(
  { deadlines }: AttemptPorts,
  { work, interruption }: { readonly work: Watched; readonly interruption: Interruption },
  answer: PromiseLike<unknown>,
): Promise<unknown> {
  deadlines.watch(work)
  return interruption.race(answer, () => deadlines.unwatch(work))
}

function circumstances(
  { attempt, laterUsed, redrives }: AttemptOf,
  work: HandlerWork,
): Pick<
  BatchContext,
  'subscription' | 'signal' | 'attempt' | 'laterUsed' | 'redrives' | 'now' | 'newId'
> {
  const { subscription, now, newId } = work
  return {
    subscription,
    get signal() {
      return work.signal
    },
    attempt,
    laterUsed,
    redrives,
    now,
    newId,
  }
}

/**
 * Notes what is done. Nothing that the handlers did would be rolled back with it, so it is noted
 * however long the store is in trouble: handling the events again would do everything twice.
 */
async function note(
  { ports, writer, insist }: AttemptPorts,
  { positions, parked }: Completion,
): Promise<void> {
  await insist(() => writer.allDone(positions))
  if (parked.length === 0) return
  await insist(() =>
    ports.store.transaction(async (tx) => {
      await tx.park(parked)
      await writer.within(tx, [])
    }),
  )
}

/**
 * Where the handlers began nothing, and have only events to record, these share the transaction of
 * what else ends in the same turn: a wait for the disk for all rather than one each.
 */
function mayShare(
  transaction: HandlerTransaction,
  works: readonly HandlerWork[],
  { parked }: Completion,
): boolean {
  return (
    !transaction.isOpen && parked.length === 0 && works.every(({ isAppendsOnly }) => isAppendsOnly)
  )
}

/** @returns the events that are new in the log */
function appendedBy(
  works: readonly HandlerWork[],
  units: readonly (readonly StreamAppend[])[],
  placed: Placed,
): readonly StoredEnvelope[] {
  return works.flatMap((work, index) => work.appended(units[index]!, placed[index]!))
}

async function writeAll(
  works: readonly HandlerWork[],
  tx: StoreTransaction,
  { handleBatch }: SubscriptionPlan,
): Promise<readonly StoredEnvelope[]> {
  if (works.length === 0) return NOTHING
  for (const work of works) await work.writeTimers(tx)
  const units = works.map((work) => work.takeAppends())
  // Of a group that fails each event is handled by itself; of a batch nothing else would be tried.
  const append = handleBatch === undefined ? appendTogether : appendEach
  return appendedBy(works, units, await append(tx, units))
}

/**
 * Records what works appended together with what else ends in the same turn, and with what begins in its place.
 * Of one at a time that place is kept: each is to see what those before it have recorded.
 */
async function recordTogether(
  { writer, ports, plan }: AttemptPorts,
  works: readonly HandlerWork[],
  { positions, place }: Completion,
): Promise<void> {
  const units = works.map((work) => work.takeAppends())
  const recorded = writer.doneWith(positions, units)
  if (plan.concurrency > 1) place?.leave()
  let placed: Placed
  try {
    placed = await recorded
  } catch (error) {
    place?.comeBack()
    throw error
  }
  const events = appendedBy(works, units, placed)
  if (events.length > 0) ports.publish(events)
}

/** Commits what the handlers did, with the progress; without a transaction where they did nothing. */
export async function commit(
  parts: AttemptPorts,
  works: readonly HandlerWork[],
  {
    transaction,
    completion,
  }: { readonly transaction: HandlerTransaction; readonly completion: Completion },
): Promise<void> {
  const { ports, writer } = parts
  const { positions, parked } = completion
  // Mostly none: what a handler writes by its own statements is written already.
  const writing = works.filter(({ hasEffects }) => hasEffects)
  if (!transaction.isOpen && writing.length === 0) {
    for (const work of works) work.end()
    completion.place?.leave()
    return note(parts, completion)
  }
  if (mayShare(transaction, writing, completion)) {
    return recordTogether(parts, writing, completion)
  }
  let plan: ProgressPlan = {}
  try {
    const events = await transaction.commit(async (tx) => {
      if (parked.length > 0) await tx.park(parked)
      plan = await writer.within(tx, positions)
      return writeAll(writing, tx, parts.plan)
    })
    writer.written(plan, positions)
    if (events.length > 0) ports.publish(events)
    if (writing.some(({ hasTimers }) => hasTimers)) ports.onTimersSet()
  } catch (error) {
    writer.abandoned(plan)
    throw error
  }
  if (writing.length === 0) return
  await keepSnapshots(ports.store, ports, () => writing.flatMap((work) => work.dueSnapshots()))
}
