import type { AnyTaskDefinition } from '../contract/definition.ts'
import { parseStreamName, type StoredEnvelope } from '../contract/envelope.ts'
import { UsageError } from '../errors/usage-errors.ts'
import type { AppStore } from '../work/app-store.ts'
import type { TaskControl } from './task-control.ts'
import { TaskCancelRequested } from './task-events.ts'
import { evolveTask, isFinished, newTask, type TaskRecord, type TaskStatus } from './task-state.ts'

export interface TaskFilter {
  /** Of one kind of task only. */
  readonly task?: AnyTaskDefinition
  readonly statuses?: readonly TaskStatus[]
  /** The newest ones; 100 by default. */
  readonly limit?: number
}

/** The tasks of an application, whoever runs them. */
export interface Tasks {
  /** @returns undefined when there is no task with this id */
  find(taskId: string): Promise<TaskRecord | undefined>
  /** The newest first. Each is folded from its stream, so ask for few. */
  list(filter?: TaskFilter): Promise<readonly TaskRecord[]>
  /**
   * Asks that a task ends early: one that waits never begins, one that runs has its signal aborted.
   *
   * @returns the task as it is now
   * @throws {UsageError} there is none with this id
   */
  cancel(taskId: string, why: { readonly by: string; readonly reason: string }): Promise<TaskRecord>
}

/** Reads tasks, cancels them, and knows those that run in this process. */
export class TaskDesk implements Tasks {
  readonly #store: AppStore
  readonly #tasks: ReadonlyMap<string, AnyTaskDefinition>
  readonly #running = new Map<string, TaskControl>()

  constructor(store: AppStore, tasks: Iterable<AnyTaskDefinition>) {
    this.#store = store
    this.#tasks = new Map([...tasks].map((task) => [task.type, task]))
  }

  began(taskId: string, control: TaskControl): void {
    this.#running.set(taskId, control)
  }

  ended(taskId: string): void {
    this.#running.delete(taskId)
  }

  async find(taskId: string): Promise<TaskRecord | undefined> {
    const event = await this.#store.findEvent(taskId.toLowerCase())
    return event === undefined || !this.#tasks.has(event.eventType) ? undefined : this.read(event)
  }

  async list({ task, statuses, limit = 100 }: TaskFilter = {}): Promise<readonly TaskRecord[]> {
    const types = task === undefined ? [...this.#tasks.keys()] : [task.type]
    const found: TaskRecord[] = []
    for await (const event of this.#store.query({ types }, { reverse: true })) {
      if (found.length === limit) break
      const record = await this.read(event)
      if (statuses === undefined || statuses.includes(record.status)) found.push(record)
    }
    return found
  }

  async cancel(
    taskId: string,
    { by, reason }: { readonly by: string; readonly reason: string },
  ): Promise<TaskRecord> {
    const task = await this.find(taskId)
    if (task === undefined) {
      throw new UsageError(
        'TIDINGS_ARGUMENT_INVALID',
        `There is no task '${taskId}'. Nothing was cancelled. A task's id is that of the event that asked for it.`,
      )
    }
    if (isFinished(task) || task.cancelRequested !== undefined) return task
    const events = TaskCancelRequested({ taskId: task.taskId, by, reason })
    await this.#store.append({ ...parseStreamName(task.stream), events })
    this.#running.get(task.taskId)?.cancel(by, reason)
    return { ...task, cancelRequested: { by, reason } }
  }

  /** A task, from the event that asked for it and what came after. */
  async read(event: StoredEnvelope): Promise<TaskRecord> {
    const results = new Set(this.#tasks.get(event.eventType)?.results.map(({ type }) => type))
    let task = newTask(event)
    const from = event.streamVersion + 1
    for await (const next of this.#store.readStream(task.stream, { from })) {
      task = evolveTask(task, next, results)
    }
    return task
  }
}
