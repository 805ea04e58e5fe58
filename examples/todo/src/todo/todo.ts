import { defineAggregate } from 'tidings'
import {
  CompleteTodo,
  CreateTodo,
  DeleteTodo,
  PrioritizeTodo,
  TodoCompleted,
  TodoCreated,
  TodoDeleted,
  TodoPrioritized,
  TodoUncompleted,
  TodoUpdated,
  UncompleteTodo,
  UpdateTodo,
  type Priority,
} from './contracts.ts'
import { TodoError } from './todo-error.ts'

/** `none` until it is created. */
export interface TodoState {
  readonly status: 'none' | 'open' | 'done' | 'deleted'
  readonly title: string
  readonly description: string | null
  readonly priority: Priority
  readonly dueDate: string | null
  /** ISO 8601; empty until it is created. */
  readonly createdAt: string
  readonly completedAt: string | null
}

const nothing: TodoState = {
  status: 'none',
  title: '',
  description: null,
  priority: 'medium',
  dueDate: null,
  createdAt: '',
  completedAt: null,
}

export const Todo = defineAggregate('Todo.Item', {
  events: [TodoCreated, TodoUpdated, TodoCompleted, TodoUncompleted, TodoDeleted, TodoPrioritized],
  commands: [CreateTodo, UpdateTodo, CompleteTodo, UncompleteTodo, DeleteTodo, PrioritizeTodo],
  id: (command) => command.todoId,
  initialState: nothing,
  // Few todos live to see fifty changes; those that do are still loaded from fifty events at the most.
  snapshot: { every: 50, version: 1 },

  evolve: {
    'Todo.Item.Created': (state, { payload, timestamp }): TodoState => ({
      ...state,
      status: 'open',
      title: payload.title,
      description: payload.description ?? null,
      priority: payload.priority,
      dueDate: payload.dueDate ?? null,
      createdAt: timestamp,
    }),
    'Todo.Item.Updated': (state, { payload: { changes } }): TodoState => ({
      ...state,
      title: changes.title ?? state.title,
      description: changes.description === undefined ? state.description : changes.description,
      dueDate: changes.dueDate === undefined ? state.dueDate : changes.dueDate,
    }),
    'Todo.Item.Completed': (state, { payload }): TodoState => ({
      ...state,
      status: 'done',
      completedAt: payload.completedAt,
    }),
    'Todo.Item.Uncompleted': (state): TodoState => ({
      ...state,
      status: 'open',
      completedAt: null,
    }),
    'Todo.Item.Deleted': (state): TodoState => ({ ...state, status: 'deleted' }),
    'Todo.Item.Prioritized': (state, { payload }): TodoState => ({
      ...state,
      priority: payload.priority,
    }),
  },

  decide: {
    'Todo.Item.Create': (command, state) => {
      if (state.status !== 'none') throw new TodoError('TODO_EXISTS', command.todoId)
      return TodoCreated(command)
    },
    'Todo.Item.Update': ({ todoId, userId, ...wanted }, state) => {
      requireAlive(todoId, state)
      const updatedFields = (['title', 'description', 'dueDate'] as const).filter(
        (field) => wanted[field] !== undefined && wanted[field] !== state[field],
      )
      if (updatedFields.length === 0) throw new TodoError('TODO_UNCHANGED', todoId)
      const changes = Object.fromEntries(updatedFields.map((field) => [field, wanted[field]]))
      return TodoUpdated({ todoId, userId, changes, updatedFields })
    },
    'Todo.Item.Complete': ({ todoId, userId }, state, { now }) => {
      requireAlive(todoId, state)
      if (state.status === 'done') throw new TodoError('TODO_ALREADY_COMPLETED', todoId)
      const timeToComplete = secondsBetween(state.createdAt, now)
      return TodoCompleted({ todoId, userId, completedAt: now, timeToComplete })
    },
    'Todo.Item.Uncomplete': ({ todoId, userId }, state, { now }) => {
      requireAlive(todoId, state)
      if (state.status === 'open') throw new TodoError('TODO_NOT_COMPLETED', todoId)
      return TodoUncompleted({ todoId, userId, uncompletedAt: now })
    },
    'Todo.Item.Delete': (command, state, { now }) => {
      requireAlive(command.todoId, state)
      return TodoDeleted({ ...command, deletedAt: now })
    },
    'Todo.Item.Prioritize': (command, state) => {
      requireAlive(command.todoId, state)
      if (command.priority === state.priority) throw new TodoError('TODO_UNCHANGED', command.todoId)
      return TodoPrioritized({ ...command, previousPriority: state.priority })
    },
  },
})

/** @throws {TodoError} there is none, or none any more */
export function requireAlive(todoId: string, { status }: TodoState): void {
  if (status === 'none') throw new TodoError('TODO_UNKNOWN', todoId)
  if (status === 'deleted') throw new TodoError('TODO_DELETED', todoId)
}

/** Whole seconds; 0 where the clock was set back in between. */
export function secondsBetween(from: string, to: string): number {
  return Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / 1000))
}
