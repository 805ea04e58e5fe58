import { expect, test } from 'vitest'
import { memoryApp } from './support/memory-app.ts'

/** Each event with its topic and, where it had one, its old name, which is still read. */
const families = `
  Todo.Item.Created               todos          TodoCreated
  Todo.Item.Updated               todos          TodoUpdated
  Todo.Item.Completed             todos          TodoCompleted
  Todo.Item.Uncompleted           todos          TodoUncompleted
  Todo.Item.Deleted               todos          TodoDeleted
  Todo.Item.Prioritized           todos          TodoPrioritized
  Todo.Reminder.Created           reminders      ReminderCreated
  Todo.Reminder.Triggered         reminders      ReminderTriggered
  Todo.Reminder.Snoozed           reminders      ReminderSnoozed
  Todo.Reminder.Dismissed         reminders      ReminderDismissed
  Todo.Reminder.Cancelled         reminders      ReminderCancelled
  Analytics.User.LoggedIn         analytics      UserLogin
  Analytics.User.LoggedOut        analytics      UserLogout
  Analytics.Task.Created          analytics      TaskCreated
  Analytics.Task.Completed        analytics      TaskCompleted
  Analytics.Task.BecameOverdue    analytics      TaskOverdue
  Analytics.Productivity.Measured analytics      ProductivityMetric
  Notification.Email.Sent         notifications  EmailNotificationSent
  Notification.Push.Sent          notifications  PushNotificationSent
  Notification.InApp.Created      notifications  InAppNotificationCreated
  Audit.Access.LoggedIn           audit
  Audit.Access.LoggedOut          audit
  Audit.Permission.Granted        audit
  Audit.Permission.Revoked        audit
`

test('five families of events, each on its topic, with the old names as aliases', async () => {
  const { registry } = await memoryApp()
  const events = [...registry.definitions.values()].filter(({ kind }) => kind === 'event')
  const seen = events.map(({ type }) => {
    const event = registry.event(type)
    return [type, event?.topic?.name, ...(event?.aliases ?? [])].join(' ')
  })
  const expected = families
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ +/).join(' '))
  expect(seen.toSorted()).toEqual(expected.toSorted())
  expect(expected).toHaveLength(24)
})
