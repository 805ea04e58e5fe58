/** Every refusal of the domain: its rule, and what the caller can do about it. */
const refusals = {
  TODO_EXISTS: {
    rule: 'this todo exists already',
    nextStep: 'Leave todoId out to get a new one, or update the one that is there.',
  },
  TODO_UNKNOWN: {
    rule: 'there is no todo with this id',
    nextStep: 'Create it first, or look at the list for the ids that there are.',
  },
  TODO_DELETED: {
    rule: 'this todo is deleted, and nothing happens to it any more',
    nextStep: 'Create a new one; the history of this one can still be read.',
  },
  TODO_ALREADY_COMPLETED: {
    rule: 'this todo is completed already',
    nextStep: 'Nothing is left to do; uncomplete it to open it again.',
  },
  TODO_NOT_COMPLETED: {
    rule: 'this todo is open, so there is no completion to take back',
    nextStep: 'Complete it first.',
  },
  TODO_UNCHANGED: {
    rule: 'this would change nothing',
    nextStep: 'Send at least one field with another value than it has.',
  },
} as const

export type TodoErrorCode = keyof typeof refusals

/** A rule of the domain says no. Nothing was recorded, and the same request is refused again. */
export class TodoError extends Error {
  override readonly name = 'TodoError'
  readonly code: TodoErrorCode
  readonly todoId: string
  readonly nextStep: string

  constructor(code: TodoErrorCode, todoId: string) {
    super(`Todo ${todoId}: ${refusals[code].rule}.`)
    this.code = code
    this.todoId = todoId
    this.nextStep = refusals[code].nextStep
  }
}
