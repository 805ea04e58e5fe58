import { defineCommand, defineEvent } from 'tidings'
import { z } from 'zod'
import { byTodo, id, time } from '../fields.ts'
import { todos } from '../topics.ts'

const title = z.string().max(500).regex(/\S/, 'a title of 1 to 500 characters that is not blank')
const description = z.string().max(2000)
export const priority = z.enum(['low', 'medium', 'high'])

export type Priority = z.infer<typeof priority>

/** Who did it, to which todo: part of every message here. */
const subject = { todoId: id, userId: id }

/** One key for all events of a todo keeps them in order on the topic. */
const onTodos = { topic: todos, key: byTodo }

export const TodoCreated = defineEvent('Todo.Item.Created', {
  payload: z.object({
    ...subject,
    title,
    description: description.optional(),
    priority: priority.default('medium'),
    dueDate: time.optional(),
  }),
  aliases: ['TodoCreated'],
  sensitive: ['description'],
  ...onTodos,
})

/** `null` takes a field away. */
const changes = {
  title: title.optional(),
  description: description.nullable().optional(),
  dueDate: time.nullable().optional(),
}

export const TodoUpdated = defineEvent('Todo.Item.Updated', {
  payload: z.object({
    ...subject,
    changes: z.object(changes),
    updatedFields: z.array(z.enum(['title', 'description', 'dueDate'])).min(1),
  }),
  aliases: ['TodoUpdated'],
  sensitive: ['/changes/description'],
  ...onTodos,
})

export const TodoCompleted = defineEvent('Todo.Item.Completed', {
  payload: z.object({
    ...subject,
    completedAt: time,
    /** Whole seconds between creation and completion. */
    timeToComplete: z.int().min(0).optional(),
  }),
  aliases: ['TodoCompleted'],
  ...onTodos,
})

export const TodoUncompleted = defineEvent('Todo.Item.Uncompleted', {
  payload: z.object({ ...subject, uncompletedAt: time }),
  aliases: ['TodoUncompleted'],
  ...onTodos,
})

export const TodoDeleted = defineEvent('Todo.Item.Deleted', {
  payload: z.object({ ...subject, deletedAt: time, reason: z.string().max(500).optional() }),
  aliases: ['TodoDeleted'],
  ...onTodos,
})

export const TodoPrioritized = defineEvent('Todo.Item.Prioritized', {
  payload: z.object({ ...subject, priority, previousPriority: priority }),
  aliases: ['TodoPrioritized'],
  ...onTodos,
})

// Commands are strict: a misspelt field is refused rather than ignored.
export const CreateTodo = defineCommand('Todo.Item.Create', {
  payload: z.strictObject({
    ...subject,
    title,
    description: description.optional(),
    priority: priority.default('medium'),
    dueDate: time.optional(),
  }),
  sensitive: ['description'],
})

export const UpdateTodo = defineCommand('Todo.Item.Update', {
  payload: z.strictObject({ ...subject, ...changes }),
  sensitive: ['description'],
})

export const CompleteTodo = defineCommand('Todo.Item.Complete', {
  payload: z.strictObject(subject),
})

export const UncompleteTodo = defineCommand('Todo.Item.Uncomplete', {
  payload: z.strictObject(subject),
})

export const DeleteTodo = defineCommand('Todo.Item.Delete', {
  payload: z.strictObject({ ...subject, reason: z.string().max(500).optional() }),
})

export const PrioritizeTodo = defineCommand('Todo.Item.Prioritize', {
  payload: z.strictObject({ ...subject, priority }),
})
