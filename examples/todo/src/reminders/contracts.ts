import { defineCommand, defineEvent } from 'tidings'
import { z } from 'zod'
import { byTodo, id, time } from '../fields.ts'
import { reminders } from '../topics.ts'

const reminderType = z.enum(['email', 'push', 'in-app'])

export type ReminderType = z.infer<typeof reminderType>

/** Which reminder, of which todo, whose: part of every event here. */
const subject = { reminderId: id, todoId: id, userId: id }
const onReminders = { topic: reminders, key: byTodo }

const because = z.enum(['asked', 'todo-completed', 'todo-deleted'])

export type CancelReason = z.infer<typeof because>

export const ReminderCreated = defineEvent('Todo.Reminder.Created', {
  payload: z.object({ ...subject, reminderType, dueDate: time }),
  aliases: ['ReminderCreated'],
  ...onReminders,
})

export const ReminderTriggered = defineEvent('Todo.Reminder.Triggered', {
  payload: z.object({
    ...subject,
    reminderType,
    triggeredAt: time,
    dueDate: time,
    /** Of the todo: what a notification says. */
    title: z.string(),
  }),
  aliases: ['ReminderTriggered'],
  ...onReminders,
})

export const ReminderSnoozed = defineEvent('Todo.Reminder.Snoozed', {
  payload: z.object({
    ...subject,
    newDueDate: time,
    /** Minutes. */
    snoozeDuration: z.int().min(1),
  }),
  aliases: ['ReminderSnoozed'],
  ...onReminders,
})

export const ReminderDismissed = defineEvent('Todo.Reminder.Dismissed', {
  payload: z.object({ ...subject, dismissedAt: time }),
  aliases: ['ReminderDismissed'],
  ...onReminders,
})

export const ReminderCancelled = defineEvent('Todo.Reminder.Cancelled', {
  payload: z.object({ ...subject, cancelledAt: time, because }),
  aliases: ['ReminderCancelled'],
  ...onReminders,
})

export const CreateReminder = defineCommand('Todo.Reminder.Create', {
  payload: z.strictObject({
    ...subject,
    reminderType,
    /** A time, or how long from now: `30s`, `10m`, `2h`, `1d`. */
    due: z.union([time, z.string().regex(/^\d{1,6}(ms|s|m|h|d)$/)]),
  }),
})

/** Sent by the timer of a reminder; never by a person. */
export const TriggerReminder = defineCommand('Todo.Reminder.Trigger', {
  payload: z.strictObject({ reminderId: id, todoId: id, dueDate: time }),
})

export const SnoozeReminder = defineCommand('Todo.Reminder.Snooze', {
  payload: z.strictObject({ ...subject, minutes: z.int().min(1).max(10_080) }),
})

export const DismissReminder = defineCommand('Todo.Reminder.Dismiss', {
  payload: z.strictObject(subject),
})

export const CancelReminder = defineCommand('Todo.Reminder.Cancel', {
  /** Without an id: all reminders of the todo that still wait. */
  payload: z.strictObject({ reminderId: id.optional(), todoId: id, userId: id, because }),
})
