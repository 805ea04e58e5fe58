import { defineAggregate, defineCommandHandler, defineSubscription } from 'tidings'
import { TodoCreated, TodoUncompleted, TodoUpdated } from '../todo/contracts.ts'
import { Todo } from '../todo/todo.ts'
import { CheckOverdue, TaskBecameOverdue, TaskCompleted, TaskCreated } from './contracts.ts'

interface TaskState {
  /** The due date that was reported as passed. */
  readonly overdueSince: string | null
}

const nothing: TaskState = { overdueSince: null }

/** What was measured of a todo. It decides nothing about the todo itself. */
export const Task = defineAggregate('Analytics.Task', {
  events: [TaskCreated, TaskCompleted, TaskBecameOverdue],
  commands: [],
  id: ({ todoId }: { readonly todoId: string }) => todoId,
  initialState: nothing,
  decide: {},
  evolve: {
    'Analytics.Task.Created': (state) => state,
    'Analytics.Task.Completed': (state) => state,
    'Analytics.Task.BecameOverdue': (_state, { payload }): TaskState => ({
      overdueSince: payload.dueDate,
    }),
  },
})

/**
 * A timer for each due date, committed with the progress. None is cancelled: one that is out of date
 * finds a todo that is done, or due at another time, and records nothing.
 */
export const dueDates = defineSubscription('due-dates', {
  events: [TodoCreated, TodoUpdated, TodoUncompleted],
  effects: 'database',
  handle: async (event, { at, tx }) => {
    const { todoId, userId } = event.payload
    const dueDate = TodoCreated.is(event)
      ? event.payload.dueDate
      : (await tx.load(Todo, todoId)).state.dueDate
    if (typeof dueDate === 'string') at(dueDate, CheckOverdue, { todoId, userId, dueDate })
  },
})

export const checkOverdue = defineCommandHandler(
  CheckOverdue,
  async ({ todoId, userId, dueDate }, { tx }) => {
    const { state } = await tx.load(Todo, todoId)
    if (state.status !== 'open' || state.dueDate !== dueDate) return
    const task = await tx.load(Task, todoId)
    // A todo that was done and opened again has two timers for one due date.
    if (task.state.overdueSince === dueDate) return
    task.record(TaskBecameOverdue({ todoId, userId, dueDate }))
  },
)
