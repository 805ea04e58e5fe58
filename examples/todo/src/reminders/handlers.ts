import { defineCommandHandler, nameId, type CommandContext } from 'tidings'
import { RefusedError } from '../refused-error.ts'
import { TodoError } from '../todo/todo-error.ts'
import { requireAlive, Todo } from '../todo/todo.ts'
import {
  CancelReminder,
  CreateReminder,
  DismissReminder,
  ReminderCancelled,
  ReminderCreated,
  ReminderDismissed,
  ReminderSnoozed,
  ReminderTriggered,
  SnoozeReminder,
  TriggerReminder,
  type CancelReason,
} from './contracts.ts'
import { Reminders, type Reminder, type RemindersState } from './reminders.ts'

const MINUTE_MS = 60_000

/** The timer is committed with the event: there is no reminder without one, and no timer without the other. */
export const createReminder = defineCommandHandler(CreateReminder, async (command, ctx) => {
  const { reminderId, todoId, userId, reminderType, due } = command
  const todo = await ctx.tx.load(Todo, todoId)
  requireAlive(todoId, todo.state)
  if (todo.state.status === 'done') throw new TodoError('TODO_ALREADY_COMPLETED', todoId)
  const reminders = await ctx.tx.load(Reminders, todoId)
  if (reminders.state[reminderId] !== undefined)
    throw new RefusedError('REMINDER_EXISTS', reminderId)
  const dueDate = dueTime(due, ctx.now)
  reminders.record(ReminderCreated({ reminderId, todoId, userId, reminderType, dueDate }))
  setTimer(ctx, todoId, { reminderId, dueDate, snoozes: 0 })
})

/** What the timer brings may be overtaken: by a snooze, a dismissal, or the end of the todo. */
export const triggerReminder = defineCommandHandler(
  TriggerReminder,
  async ({ reminderId, todoId, dueDate }, { tx, now }) => {
    const reminders = await tx.load(Reminders, todoId)
    const reminder = reminders.state[reminderId]
    if (reminder?.status !== 'waiting' || reminder.dueDate !== dueDate) return
    const { status, title } = (await tx.load(Todo, todoId)).state
    // Its subscription cancels reminders a moment after the todo's end; within it nobody is reminded.
    if (status !== 'open') return
    const { userId, reminderType } = reminder
    const subject = { reminderId, todoId, userId }
    reminders.record(
      ReminderTriggered({ ...subject, reminderType, triggeredAt: now, dueDate, title }),
    )
  },
)

export const snoozeReminder = defineCommandHandler(
  SnoozeReminder,
  async ({ reminderId, todoId, userId, minutes }, ctx) => {
    const reminders = await ctx.tx.load(Reminders, todoId)
    const reminder = requireGoing(reminders.state, reminderId)
    const newDueDate = inMs(ctx.now, minutes * MINUTE_MS)
    reminders.record(
      ReminderSnoozed({ reminderId, todoId, userId, newDueDate, snoozeDuration: minutes }),
    )
    ctx.cancelTimer(timerOf(reminder))
    const snoozes = reminder.snoozes + 1
    setTimer(ctx, todoId, { reminderId, dueDate: newDueDate, snoozes })
  },
)

export const dismissReminder = defineCommandHandler(DismissReminder, async (command, ctx) => {
  const reminders = await ctx.tx.load(Reminders, command.todoId)
  const reminder = requireGoing(reminders.state, command.reminderId)
  reminders.record(ReminderDismissed({ ...command, dismissedAt: ctx.now }))
  ctx.cancelTimer(timerOf(reminder))
})

export const cancelReminder = defineCommandHandler(
  CancelReminder,
  async ({ reminderId, todoId, because }, ctx) => {
    const reminders = await ctx.tx.load(Reminders, todoId)
    const chosen =
      reminderId === undefined
        ? Object.values(reminders.state).filter(({ status }) => status === 'waiting')
        : [requireGoing(reminders.state, reminderId)]
    for (const reminder of chosen) {
      reminders.record(cancellation(reminder, todoId, { because, cancelledAt: ctx.now }))
      ctx.cancelTimer(timerOf(reminder))
    }
  },
)

function cancellation(
  { reminderId, userId }: Reminder,
  todoId: string,
  how: { readonly because: CancelReason; readonly cancelledAt: string },
): ReturnType<typeof ReminderCancelled> {
  return ReminderCancelled({ reminderId, todoId, userId, ...how })
}

/** A reminder that is not over. */
function requireGoing(state: RemindersState, reminderId: string): Reminder {
  const reminder = state[reminderId]
  if (reminder === undefined) throw new RefusedError('REMINDER_UNKNOWN', reminderId)
  if (reminder.status === 'waiting' || reminder.status === 'triggered') return reminder
  throw new RefusedError('REMINDER_OVER', reminderId)
}

function setTimer(
  { at }: CommandContext,
  todoId: string,
  reminder: Pick<Reminder, 'reminderId' | 'dueDate' | 'snoozes'>,
): void {
  const { reminderId, dueDate } = reminder
  const timerId = timerOf(reminder)
  at(dueDate, TriggerReminder, { reminderId, todoId, dueDate }, { timerId })
}

/** Found again by what is known of a reminder: nothing else has to be kept to cancel it. */
function timerOf({ reminderId, snoozes }: Pick<Reminder, 'reminderId' | 'snoozes'>): string {
  return nameId(`reminder ${reminderId} ${snoozes}`)
}

const UNIT_MS = { ms: 1, s: 1000, m: MINUTE_MS, h: 60 * MINUTE_MS, d: 24 * 60 * MINUTE_MS }

/** The contract lets nothing else through than a time, or a number with a unit. */
function dueTime(due: string, now: string): string {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(due) ?? []
  if (amount === undefined) return new Date(due).toISOString()
  return inMs(now, Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS])
}

function inMs(now: string, ms: number): string {
  return new Date(Date.parse(now) + ms).toISOString()
}
