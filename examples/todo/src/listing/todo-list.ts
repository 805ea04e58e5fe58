import type { AppStore, Envelope, StoredEnvelope } from 'tidings'
import {
  TodoCompleted,
  TodoCreated,
  TodoDeleted,
  TodoPrioritized,
  TodoUncompleted,
  TodoUpdated,
  type Priority,
} from '../todo/contracts.ts'

export interface TodoRow {
  readonly todoId: string
  readonly title: string
  readonly status: 'open' | 'done'
  readonly priority: Priority
  readonly dueDate: string | null
  /** Where its creation stands in the log; rising. */
  readonly position: number
}

/**
 * All todos that are not deleted, in the order in which they were created.
 *
 * Kept in memory and read anew from the log at each start. Asked for, it first reads on from where it
 * stands, so an answer holds whatever was acknowledged before, by another process too. That serves
 * some 100,000 todos; a stored projection is the way beyond.
 */
export class TodoList {
  readonly #store: Pick<AppStore, 'query'>
  readonly #rows = new Map<string, TodoRow>()
  #position = 0
  #reading: Promise<void> | undefined

  constructor(store: Pick<AppStore, 'query'>) {
    this.#store = store
  }

  async rows(): Promise<readonly TodoRow[]> {
    // A reading under way may have begun before the caller's own write; it needs one begun after it.
    while (this.#reading !== undefined) await this.#reading
    this.#reading = this.#readOn().finally(() => (this.#reading = undefined))
    await this.#reading
    return [...this.#rows.values()]
  }

  async #readOn(): Promise<void> {
    for await (const event of this.#store.query(
      { types: ['Todo.Item.*'] },
      { after: this.#position },
    )) {
      this.#apply(event)
      this.#position = event.position
    }
  }

  #apply(event: StoredEnvelope): void {
    if (TodoCreated.is(event)) {
      const { todoId, title, priority, dueDate = null } = event.payload
      const { position } = event
      this.#rows.set(todoId, { todoId, title, status: 'open', priority, dueDate, position })
    } else if (TodoUpdated.is(event)) {
      const { title, dueDate } = event.payload.changes
      this.#change(event, {
        ...(title === undefined ? {} : { title }),
        ...(dueDate === undefined ? {} : { dueDate }),
      })
    } else if (TodoCompleted.is(event)) this.#change(event, { status: 'done' })
    else if (TodoUncompleted.is(event)) this.#change(event, { status: 'open' })
    else if (TodoPrioritized.is(event)) this.#change(event, { priority: event.payload.priority })
    else if (TodoDeleted.is(event)) this.#rows.delete(event.aggregateId)
  }

  #change({ aggregateId }: Envelope, change: Partial<TodoRow>): void {
    const row = this.#rows.get(aggregateId)
    if (row !== undefined) this.#rows.set(aggregateId, { ...row, ...change })
  }
}
