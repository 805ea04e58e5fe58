import type { TodoState } from '../todo/todo.ts'

/** A todo as the service shows it. */
export interface TodoView extends Omit<TodoState, 'status'> {
  readonly todoId: string
  readonly status: 'open' | 'done' | 'deleted'
}

export function toView(todoId: string, state: TodoState): TodoView {
  if (state.status === 'none') throw new Error(`Todo ${todoId} has no state to show.`)
  return { todoId, ...state, status: state.status }
}
