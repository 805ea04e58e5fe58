import type { Draft } from '../contract/definition.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import { shorten } from '../errors/contract-error.ts'
import { DefinitionError, UsageError } from '../errors/usage-errors.ts'
import { sensitiveIn } from '../observe/redact.ts'
import type { AppStore } from '../work/app-store.ts'
import { defineSubscription, type AnySubscription } from './define-subscription.ts'
import type { AnyWorker, WorkerOptions } from './define-worker.ts'
import type { DeliveryContext } from './delivery-context.ts'
import type { DeliveryPorts } from './delivery-ports.ts'
import { decideFailure, requireDuration, type RetryPlan } from './retry-policy.ts'
import { TaskCancelledError, TaskControl } from './task-control.ts'
import type { TaskDesk } from './task-desk.ts'
import {
  TaskAttemptFailed,
  TaskCancelled,
  TaskProgressReported,
  TaskStarted,
} from './task-events.ts'
import { isFinished, priorityOf, type TaskRecord } from './task-state.ts'
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
      attempt(worker, parts, {
        event: event as StoredEnvelope,
        ctx,
        retry: subscription.plan.retry,
      }),
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

interface Attempt {
  readonly event: StoredEnvelope
  readonly ctx: DeliveryContext
  readonly retry: RetryPlan
}

async function attempt(worker: AnyWorker, parts: WorkerParts, of: Attempt): Promise<void> {
  const { event, ctx } = of
  const task = await parts.desk.read(event)
  if (isFinished(task)) return
  if (task.cancelRequested !== undefined) return recordCancel(of, task.cancelRequested)
  const number = task.attempts + 1
  const { owner, store } = parts
  const started = TaskStarted({ taskId: event.eventId, attempt: number, worker: owner })
  await store.append({ ...streamOf(event), events: started })
  try {
    const result = await runWatched(worker, parts, { ...of, task, number })
    await ctx.tx.append({ ...streamOf(event), events: requireResult(worker, result) })
  } catch (error) {
    if (error instanceof TaskCancelledError) return recordCancel(of, error)
    if (!ctx.signal.aborted) await recordFailure(parts, of, { error, number })
    throw error
  }
}

interface Watched extends Attempt {
  readonly task: TaskRecord
  readonly number: number
}

async function runWatched(worker: AnyWorker, parts: WorkerParts, of: Watched): Promise<Draft> {
  const { event, ctx, number } = of
  const { task: definition, options } = worker
  const { clock } = parts.ports.environment
  const control = new TaskControl({
    clock,
    what: `The work on ${definition.type} ${event.eventId}`,
    timeoutMs: limitMs(definition.type, 'timeout', options.timeout ?? DEFAULT_TIMEOUT_MS),
    heartbeatMs: limitMs(definition.type, 'heartbeat', options.heartbeat ?? Infinity),
    findCancel: async () => (await parts.desk.read(event)).cancelRequested,
    outer: ctx.signal,
  })
  const reports = makeReports(parts, event, number)
  parts.desk.began(event.eventId, control)
  try {
    const { tx, send, after, at, cancelTimer, now, newId, idempotencyKey } = ctx
    return await control.race(() =>
      worker.run(event, {
        tx,
        send,
        after,
        at,
        cancelTimer,
        now,
        newId,
        idempotencyKey,
        taskId: event.eventId,
        attempt: number,
        signal: control.signal,
        heartbeat: () => control.beat(),
        progress: (fraction, note) => {
          control.beat()
          reports.add(fraction, note)
        },
      }),
    )
  } finally {
    parts.desk.ended(event.eventId)
    await reports.written()
  }
}

function limitMs(
  type: string,
  option: string,
  limit: Parameters<typeof requireDuration>[2],
): number {
  return limit === Number.POSITIVE_INFINITY ? limit : requireDuration(type, option, limit)
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
  let writing = Promise.resolve()
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
      if (clock.now() - lastMs >= REPORT_MS) writing = writing.then(write)
    },
    written: () => (writing = writing.then(write)),
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
    isLast: decision.kind === 'dead',
  })
  await store.append({ ...streamOf(event), events: failed })
}
