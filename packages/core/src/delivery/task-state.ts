import type { StoredEnvelope } from '../contract/envelope.ts'
import type { ThrownRecord } from '../store/parked-store.ts'
import {
  TaskAttemptFailed,
  TaskCancelled,
  TaskCancelRequested,
  TaskProgressReported,
  TaskStarted,
  type Attempted,
  type Cancelled,
  type Failed,
  type Reported,
} from './task-events.ts'

/** queued ⇄ running → done, failed (no attempt is left; a redrive makes it queued again) or cancelled. */
export type TaskStatus = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** What became of a task so far. */
export interface TaskRecord {
  /** The id of the event that asked for the work. */
  readonly taskId: string
  readonly type: string
  readonly stream: string
  readonly payload: unknown
  readonly priority: number
  readonly status: TaskStatus
  /** Attempts that were begun. */
  readonly attempts: number
  /** Who has it, or had it last. */
  readonly worker: string | undefined
  /** From 0 to 1, as far as the work has said. */
  readonly fraction: number | undefined
  readonly note: string | undefined
  /** The fact in which it ended. */
  readonly result: StoredEnvelope | undefined
  /** Why the last attempt failed. */
  readonly error: Pick<ThrownRecord, 'name' | 'code' | 'message'> | undefined
  /** Who asked that it ends early, and why. */
  readonly cancelRequested: { readonly by: string; readonly reason: string } | undefined
  readonly requestedAt: string
  /** When anything was last heard of it. */
  readonly changedAt: string
}

/** What a task was started with. */
export function priorityOf({ metadata: { priority } }: StoredEnvelope): number {
  return typeof priority === 'number' ? priority : 0
}

/** A task of which nothing has been done yet. */
export function newTask(event: StoredEnvelope): TaskRecord {
  return {
    taskId: event.eventId,
    type: event.eventType,
    stream: `${event.aggregateType}/${event.aggregateId}`,
    payload: event.payload,
    priority: priorityOf(event),
    status: 'queued',
    attempts: 0,
    worker: undefined,
    fraction: undefined,
    note: undefined,
    result: undefined,
    error: undefined,
    cancelRequested: undefined,
    requestedAt: event.recordedAt,
    changedAt: event.recordedAt,
  }
}

/** Folds an event of the task's stream into what is known of it. */
export function evolveTask(
  task: TaskRecord,
  event: StoredEnvelope,
  results: ReadonlySet<string>,
): TaskRecord {
  const changedAt = event.recordedAt
  if (event.causationId === task.taskId && results.has(event.eventType)) {
    return { ...task, status: 'done', result: event, fraction: 1, changedAt }
  }
  if ((event.payload as { taskId?: unknown } | null)?.taskId !== task.taskId) return task
  return { ...task, ...changeBy(task, event), changedAt }
}

function changeBy(task: TaskRecord, event: StoredEnvelope): Partial<TaskRecord> {
  switch (event.eventType) {
    case TaskStarted.type: {
      const { attempt, worker } = event.payload as Attempted & { readonly worker: string }
      return { status: 'running', attempts: Math.max(task.attempts, attempt), worker }
    }
    case TaskProgressReported.type: {
      const { fraction, note } = event.payload as Reported
      return { fraction, note }
    }
    case TaskAttemptFailed.type: {
      const { error, isLast } = event.payload as Failed
      return { status: isLast ? 'failed' : 'queued', error }
    }
    case TaskCancelRequested.type: {
      const { by, reason } = event.payload as Cancelled
      return { cancelRequested: { by, reason } }
    }
    case TaskCancelled.type:
      return { status: 'cancelled' }
    default:
      return {}
  }
}

/** Whether nothing more is to be done for it. */
export function isFinished({ status }: TaskRecord): boolean {
  return status === 'done' || status === 'cancelled'
}
