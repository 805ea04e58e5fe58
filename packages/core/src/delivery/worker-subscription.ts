import type { Draft } from '../contract/definition.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import { shorten } from '../errors/contract-error.ts'
import { ConcurrencyError } from '../errors/store-errors.ts'
import { DefinitionError, UsageError } from '../errors/usage-errors.ts'
import { sensitiveIn } from '../observe/redact.ts'
import type { AppStore } from '../work/app-store.ts'
import { defineSubscription, type AnySubscription } from './define-subscription.ts'
import type { AnyWorker, WorkerOptions } from './define-worker.ts'
import type { DeliveryContext } from './delivery-context.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { EventContext } from './event-context.ts'
import { decideFailure, requireDuration, type RetryPlan } from './retry-policy.ts'
import { TaskAttempt } from './task-attempt.ts'
import { TaskCancelledError, TaskControl, TaskWatch, type TaskLimits } from './task-control.ts'
import type { TaskDesk } from './task-desk.ts'
import {
  TaskAttemptFailed,
  TaskCancelled,
  TaskProgressReported,
  TaskStarted,
} from './task-events.ts'
import { isFinished, priorityOf } from './task-state.ts'
import { toThrown } from './thrown.ts'

export interface WorkerParts {
  readonly ports: DeliveryPorts
  readonly store: AppStore
  readonly desk: TaskDesk
  /** This process, as the tasks' records name it. */
  readonly owner: string
}

/** How often progress is recorded, at the most, milliseconds. */
const REPORT_MS = 1000
const DEFAULT_TIMEOUT_MS = 600_000

/** A worker is a subscription to its task: retries, parking, redrive and ownership are the same. */
export function workerSubscription(worker: AnyWorker, parts: WorkerParts): AnySubscription {
  const { task, options } = worker
  const limits = readLimits(worker)
  const watch = new TaskWatch(limits, parts.ports.environment.clock)
  const subscription: AnySubscription = defineSubscription(task.type, {
    events: task,
    // Each task has a stream, and so an order, of its own.
    order: 'none',
    concurrency: options.concurrency ?? 10,
    // The attempt watches its own time: what it records of that must come before the next one begins.
    timeout: Number.POSITIVE_INFINITY,
    ...(options.retry === undefined ? {} : { retry: options.retry }),
    ...(options.buffer === undefined ? {} : { buffer: options.buffer }),
    handle: (event, ctx) =>
      attempt(
        { ...parts, worker, limits, watch },
        { event: event as StoredEnvelope, ctx, retry: subscription.plan.retry },
      ),
  })
  const priorities = { of: priorityOf, agingMs: readAging(task.type, options.aging) }
  return { ...subscription, plan: { ...subscription.plan, priorities } }
}

function readAging(type: string, aging: WorkerOptions['aging']): number {
  if (aging === undefined) return Number.POSITIVE_INFINITY
  const agingMs = requireDuration(type, 'aging', aging)
  if (agingMs > 0) return agingMs
  throw new DefinitionError(type, `'aging' is a duration above 0; got ${aging}`)
}

/** What every attempt of a worker has in common. */
interface AttemptParts extends WorkerParts {
  readonly worker: AnyWorker
  readonly limits: TaskLimits
  readonly watch: TaskWatch
}

interface Attempt {
  readonly event: StoredEnvelope
  readonly ctx: DeliveryContext
  readonly retry: RetryPlan
}

async function attempt(parts: AttemptParts, of: Attempt): Promise<void> {
  const { event, ctx } = of
  const number = await begin(parts, of)
  if (number === undefined) return
  try {
    const result = await runWatched(parts, { ...of, number })
    await ctx.tx.append({ ...streamOf(event), events: requireResult(parts.worker, result) })
  } catch (error) {
    if (error instanceof TaskCancelledError) return recordCancel(of, error)
    if (!ctx.signal.aborted) await recordFailure(parts, of, { error, number })
    throw error
  }
}

/** Records that an attempt begins. @returns its number; undefined: there is nothing to do any more */
async function begin(parts: AttemptParts, of: Attempt): Promise<number | undefined> {
  if (mayBeFresh(of) && (await beginsFresh(parts, of))) return 1
  const task = await parts.desk.read(of.event)
  if (isFinished(task)) return undefined
  if (task.cancelRequested !== undefined) {
    await recordCancel(of, task.cancelRequested)
    return undefined
  }
  const number = task.attempts + 1
  await EventContext.workOf(of.ctx).record({
    ...streamOf(of.event),
    events: startOf(parts, of, number),
  })
  return number
}

/** Whether it is likely that nothing has become of the task yet: it is its stream's own, and first tried. */
function mayBeFresh({ event, ctx: { attempt: inPlace, laterUsed, redrives } }: Attempt): boolean {
  return event.aggregateId === event.eventId && inPlace === 1 && laterUsed === 0 && redrives === 0
}

/** Begins it if its stream ends with the event that asked for it, without reading the stream. */
async function beginsFresh(parts: AttemptParts, of: Attempt): Promise<boolean> {
  const expectedVersion = of.event.streamVersion
  try {
    await EventContext.workOf(of.ctx).record({
      ...streamOf(of.event),
      expectedVersion,
      events: startOf(parts, of, 1),
    })
    return true
  } catch (error) {
    if (error instanceof ConcurrencyError) return false
    throw error
  }
}

function startOf({ owner }: AttemptParts, { event }: Attempt, number: number): Draft {
  return TaskStarted({ taskId: event.eventId, attempt: number, worker: owner })
}

async function runWatched(
  parts: AttemptParts,
  of: Attempt & { readonly number: number },
): Promise<Draft> {
  const { event, ctx, number } = of
  const { worker, limits, watch, desk, ports } = parts
  const control = new TaskControl({
    ...limits,
    clock: ports.environment.clock,
    what: `The work on ${worker.task.type} ${event.eventId}`,
    findCancel: async () => (await desk.read(event)).cancelRequested,
    outer: ctx.signal,
    onError: ports.onError,
  })
  const reports = makeReports(parts, event, number)
  desk.began(event.eventId, control)
  watch.began(control)
  try {
    const taskContext = new TaskAttempt(event, { ctx, control, number, reports })
    return await control.race(() => worker.run(event, taskContext))
  } finally {
    desk.ended(event.eventId)
    watch.ended(control)
    await reports.written()
  }
}

function readLimits({ task: { type }, options }: AnyWorker): TaskLimits {
  return {
    timeoutMs: limitMs(type, 'timeout', options.timeout ?? DEFAULT_TIMEOUT_MS),
    heartbeatMs: limitMs(type, 'heartbeat', options.heartbeat ?? Number.POSITIVE_INFINITY),
  }
}

function limitMs(
  type: string,
  option: string,
  limit: Parameters<typeof requireDuration>[2],
): number {
  if (limit === Number.POSITIVE_INFINITY) return limit
  const ms = requireDuration(type, option, limit)
  if (ms > 0) return ms
  throw new DefinitionError(type, `'${option}' is longer than 0, or Infinity for none`)
}

/** Records progress in the task's stream: at once, then once a second at the most. */
function makeReports(
  { store, ports }: WorkerParts,
  event: StoredEnvelope,
  attemptNumber: number,
): { add(fraction: number, note: string | undefined): void; written(): Promise<void> } {
  const { clock } = ports.environment
  let lastMs = Number.NEGATIVE_INFINITY
  let newest: Draft | undefined
  let writing: Promise<void> | undefined
  const write = async (): Promise<void> => {
    const events = newest
    newest = undefined
    if (events === undefined) return
    lastMs = clock.now()
    try {
      await store.append({ ...streamOf(event), events })
    } catch (error) {
      // How far it is, is no reason for the work to fail.
      ports.onError(error)
    }
  }
  return {
    add(fraction, note) {
      if (!(fraction >= 0 && fraction <= 1)) {
        throw new UsageError(
          'TIDINGS_ARGUMENT_INVALID',
          `The progress of a task is a number from 0 to 1; got ${fraction}. Nothing was recorded.`,
        )
      }
      const facts = { taskId: event.eventId, attempt: attemptNumber, fraction }
      newest = TaskProgressReported(note === undefined ? facts : { ...facts, note })
      if (clock.now() - lastMs >= REPORT_MS) writing = (writing ?? Promise.resolve()).then(write)
    },
    // `add` comes before it, so without a word there is nothing to wait for.
    written: async () => {
      await writing
      await write()
    },
  }
}

function streamOf({ aggregateType, aggregateId }: StoredEnvelope): {
  readonly aggregateType: string
  readonly aggregateId: string
} {
  return { aggregateType, aggregateId }
}

function requireResult({ task }: AnyWorker, result: unknown): Draft {
  const type = (result as Partial<Draft> | undefined)?.draftOf
  if (task.results.some((fact) => fact.type === type)) return result as Draft
  const wanted = task.results.map((fact) => `'${fact.type}'`).join(' or ')
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `The work on '${task.type}' ends in ${wanted}; the worker answered with ${shorten(type ?? result)}. Nothing was recorded. Is a 'return' missing?`,
  )
}

async function recordCancel(
  { event, ctx }: Attempt,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<void> {
  await ctx.tx.append({
    ...streamOf(event),
    events: TaskCancelled({ taskId: event.eventId, by, reason }),
  })
}

async function recordFailure(
  { store, ports }: WorkerParts,
  { event, ctx, retry }: Attempt,
  { error, number }: { readonly error: unknown; readonly number: number },
): Promise<void> {
  const { name, code, message } = toThrown(error, event, sensitiveIn(ports.registry))
  const decision = decideFailure(
    retry,
    { error, failed: ctx.attempt, laterUsed: ctx.laterUsed },
    ports.random,
  )
  const failed = TaskAttemptFailed({
    taskId: event.eventId,
    attempt: number,
    error: code === undefined ? { name, message } : { name, code, message },
    // What a rule passes over is not tried again either.
    isLast: decision.kind === 'dead' || decision.kind === 'skip',
  })
  await store.append({ ...streamOf(event), events: failed })
}
