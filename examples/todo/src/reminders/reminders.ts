import { defineAggregate } from 'tidings'
import {
  ReminderCancelled,
  ReminderCreated,
  ReminderDismissed,
  ReminderSnoozed,
  ReminderTriggered,
  type ReminderType,
} from './contracts.ts'

export interface Reminder {
  readonly reminderId: string
  /** Who is reminded. */
  readonly userId: string
  readonly reminderType: ReminderType
  readonly status: 'waiting' | 'triggered' | 'dismissed' | 'cancelled'
  readonly dueDate: string
  /** How often it was put off: tells its timers apart, also where two are due at the same time. */
  readonly snoozes: number
}

/** The reminders of a todo, by their ids. */
export type RemindersState = Readonly<Record<string, Reminder>>

const nothing: RemindersState = {}

/** What is asked of a reminder sets or cancels a timer as well, so handlers decide: see `handlers.ts`. */
export const Reminders = defineAggregate('Todo.Reminder', {
  events: [
    ReminderCreated,
    ReminderTriggered,
    ReminderSnoozed,
    ReminderDismissed,
    ReminderCancelled,
  ],
  commands: [],
  id: ({ todoId }: { readonly todoId: string }) => todoId,
  initialState: nothing,
  decide: {},
  evolve: {
    'Todo.Reminder.Created': (state, { payload }) => {
      const { reminderId, userId, reminderType, dueDate } = payload
      const reminder = { reminderId, userId, reminderType, dueDate, snoozes: 0 }
      return { ...state, [reminderId]: { ...reminder, status: 'waiting' } }
    },
    'Todo.Reminder.Triggered': (state, { payload: { reminderId } }) =>
      change(state, reminderId, { status: 'triggered' }),
    'Todo.Reminder.Snoozed': (state, { payload: { reminderId, newDueDate } }) =>
      change(state, reminderId, {
        status: 'waiting',
        dueDate: newDueDate,
        snoozes: (state[reminderId]?.snoozes ?? 0) + 1,
      }),
    'Todo.Reminder.Dismissed': (state, { payload: { reminderId } }) =>
      change(state, reminderId, { status: 'dismissed' }),
    'Todo.Reminder.Cancelled': (state, { payload: { reminderId } }) =>
      change(state, reminderId, { status: 'cancelled' }),
  },
})

function change(
  state: RemindersState,
  reminderId: string,
  changes: Partial<Reminder>,
): RemindersState {
  const reminder = state[reminderId]
  return reminder === undefined ? state : { ...state, [reminderId]: { ...reminder, ...changes } }
}
