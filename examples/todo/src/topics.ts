import { defineTopic, type Topic } from 'tidings'

const DAY_MS = 24 * 60 * 60 * 1000

/** Facts for whoever listens outside: three copies of three partitions, kept a week. */
function factsTopic<const Name extends string>(name: Name): Topic<Name, 'facts'> {
  return defineTopic(name, {
    carries: 'facts',
    partitions: 3,
    replicas: 3,
    retentionMs: 7 * DAY_MS,
    segmentMs: DAY_MS,
    cleanup: 'delete',
  })
}

/** One for each family of events. */
export const todos = factsTopic('todos')
export const reminders = factsTopic('reminders')
export const analytics = factsTopic('analytics')
export const notifications = factsTopic('notifications')
export const audit = factsTopic('audit')
