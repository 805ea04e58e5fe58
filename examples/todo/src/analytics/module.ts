import { defineModule, defineSubscription, type Duration } from 'tidings'
import { AccessLoggedIn, AccessLoggedOut } from '../audit/contracts.ts'
import { TodoCompleted, TodoCreated } from '../todo/contracts.ts'
import { secondsBetween } from '../todo/todo.ts'
import { TaskCompleted, TaskCreated, UserLoggedIn, UserLoggedOut } from './contracts.ts'
import { checkOverdue, dueDates, Task } from './overdue.ts'
import { productivity } from './productivity.ts'

export interface AnalyticsOptions {
  /** A measurement is about so many completions, or those of so long. */
  readonly productivityWindow: { readonly size: number; readonly age: Duration }
}

/** Everything goes through `ctx.tx`: each event here is in the log exactly once. */
const taskAnalytics = defineSubscription('task-analytics', {
  events: [TodoCreated, TodoCompleted],
  effects: 'database',
  handle: async (event, { tx }) => {
    const { todoId, userId } = event.payload
    const events = TodoCreated.is(event)
      ? TaskCreated({
          todoId,
          userId,
          priority: event.payload.priority,
          hasDueDate: event.payload.dueDate !== undefined,
        })
      : TaskCompleted({ ...event.payload })
    await tx.append({ aggregateType: Task.type, aggregateId: todoId, events })
  },
})

const userAnalytics = defineSubscription('user-analytics', {
  events: [AccessLoggedIn, AccessLoggedOut],
  effects: 'database',
  handle: async (event, { tx }) => {
    const { userId, sessionId, loggedInAt } = event.payload
    const events = AccessLoggedIn.is(event)
      ? UserLoggedIn({ userId, sessionId, loggedInAt })
      : UserLoggedOut({
          userId,
          sessionId,
          loggedOutAt: event.payload.loggedOutAt,
          sessionSeconds: secondsBetween(loggedInAt, event.payload.loggedOutAt),
        })
    await tx.append({ aggregateType: 'Analytics.User', aggregateId: userId, events })
  },
})

export function analyticsModule({ productivityWindow }: AnalyticsOptions) {
  return defineModule('analytics', [
    UserLoggedIn,
    UserLoggedOut,
    Task,
    taskAnalytics,
    userAnalytics,
    dueDates,
    checkOverdue,
    ...productivity(productivityWindow),
  ])
}
