import { defineCommand, defineEvent } from 'tidings'
import { z } from 'zod'
import { byTodo, byUser, id, time } from '../fields.ts'
import { priority } from '../todo/contracts.ts'
import { analytics } from '../topics.ts'

const seconds = z.int().min(0)
const task = { todoId: id, userId: id }
const ofTask = { topic: analytics, key: byTodo }
const ofUser = { topic: analytics, key: byUser }

export const UserLoggedIn = defineEvent('Analytics.User.LoggedIn', {
  payload: z.object({ userId: id, sessionId: id, loggedInAt: time }),
  aliases: ['UserLogin'],
  ...ofUser,
})

export const UserLoggedOut = defineEvent('Analytics.User.LoggedOut', {
  payload: z.object({ userId: id, sessionId: id, loggedOutAt: time, sessionSeconds: seconds }),
  aliases: ['UserLogout'],
  ...ofUser,
})

export const TaskCreated = defineEvent('Analytics.Task.Created', {
  payload: z.object({ ...task, priority, hasDueDate: z.boolean() }),
  aliases: ['TaskCreated'],
  ...ofTask,
})

export const TaskCompleted = defineEvent('Analytics.Task.Completed', {
  payload: z.object({ ...task, completedAt: time, timeToComplete: seconds.optional() }),
  aliases: ['TaskCompleted'],
  ...ofTask,
})

export const TaskBecameOverdue = defineEvent('Analytics.Task.BecameOverdue', {
  payload: z.object({ ...task, dueDate: time }),
  aliases: ['TaskOverdue'],
  ...ofTask,
})

export const ProductivityMeasured = defineEvent('Analytics.Productivity.Measured', {
  payload: z.object({
    userId: id,
    /** Todos that were completed in the window, the first and the last of them. */
    completed: z.int().min(1),
    from: time,
    to: time,
    averageTimeToComplete: seconds,
  }),
  aliases: ['ProductivityMetric'],
  ...ofUser,
})

/** Sent by a timer at the due date of a todo; never by a person. */
export const CheckOverdue = defineCommand('Analytics.Task.CheckOverdue', {
  payload: z.strictObject({ ...task, dueDate: time }),
})
