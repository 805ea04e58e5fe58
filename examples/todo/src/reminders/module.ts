import { defineModule, defineSubscription } from 'tidings'
import { TodoCompleted, TodoDeleted } from '../todo/contracts.ts'
import { CancelReminder } from './contracts.ts'
import {
  cancelReminder,
  createReminder,
  dismissReminder,
  snoozeReminder,
  triggerReminder,
} from './handlers.ts'
import { Reminders } from './reminders.ts'

/** Nobody is reminded of what is done, or gone. */
const reminderEnding = defineSubscription('reminder-ending', {
  events: [TodoCompleted, TodoDeleted],
  handle: async (event, { send }) => {
    const { todoId, userId } = event.payload
    const because = TodoCompleted.is(event) ? 'todo-completed' : 'todo-deleted'
    await send(CancelReminder, { todoId, userId, because })
  },
})

export const remindersModule = defineModule('reminders', [
  Reminders,
  createReminder,
  triggerReminder,
  snoozeReminder,
  dismissReminder,
  cancelReminder,
  reminderEnding,
])
