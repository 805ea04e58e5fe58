import { newId } from 'tidings'
import { describe, expect, test } from 'vitest'
import {
  CancelReminder,
  CreateReminder,
  DismissReminder,
  SnoozeReminder,
} from '../src/reminders/contracts.ts'
import { CompleteTodo, DeleteTodo } from '../src/todo/contracts.ts'
import { livingApp } from './support/living-app.ts'
import { NOON, subject, USER } from './support/memory-app.ts'

const reminderId = '0199e2c4-3333-7333-8333-333333333333'
const reminder = { ...subject, reminderId }
const email = { ...reminder, reminderType: 'email', due: '1m' } as const
const MINUTE = 60_000
const REMINDERS = 'Todo.Reminder.*'

const iso = (ms: number): string => new Date(NOON + ms).toISOString()

describe('a reminder', () => {
  test('triggers at its time, not earlier, and once; then the mail goes', async () => {
    const { app, ports, after, events, verbs } = await livingApp()
    await app.send(CreateReminder, email)
    await after(MINUTE / 2)
    expect(await verbs(REMINDERS)).toEqual(['Created'])
    await after(MINUTE / 2)
    const [, triggered, ...more] = await events(REMINDERS)
    expect(triggered).toMatchObject({
      eventType: 'Todo.Reminder.Triggered',
      payload: { dueDate: iso(MINUTE), title: 'Water the plants', reminderType: 'email' },
    })
    expect(triggered!.payload).toHaveProperty(
      'triggeredAt',
      expect.toSatisfy((time: string) => time >= iso(MINUTE)),
    )
    expect(more).toEqual([])
    expect(ports.sent('mail')).toMatchObject([
      { userId: USER, text: `Reminder of ${iso(MINUTE)}: Water the plants` },
    ])
    await after(MINUTE)
    expect(await verbs(REMINDERS)).toHaveLength(2)
  })

  test('that is snoozed triggers at the new time only, and can be snoozed again', async () => {
    const { app, after, verbs } = await livingApp()
    await app.send(CreateReminder, { ...email, due: iso(MINUTE) })
    await app.send(SnoozeReminder, { ...reminder, minutes: 3 })
    await after(2 * MINUTE)
    expect(await verbs(REMINDERS)).toEqual(['Created', 'Snoozed'])
    await after(MINUTE)
    expect(await verbs(REMINDERS)).toEqual(['Created', 'Snoozed', 'Triggered'])
    await app.send(SnoozeReminder, { ...reminder, minutes: 1 })
    await after(MINUTE)
    expect((await verbs(REMINDERS)).slice(3)).toEqual(['Snoozed', 'Triggered'])
  })

  test.each([
    ['done', CompleteTodo, 'todo-completed'],
    ['deleted', DeleteTodo, 'todo-deleted'],
  ] as const)('of a todo that is %s is cancelled, with its timer', async (_what, end, because) => {
    const { app, after, events } = await livingApp()
    await app.send(CreateReminder, email)
    await app.send(end, subject)
    await after(2 * MINUTE)
    const [, cancelled, ...more] = await events(REMINDERS)
    expect(cancelled).toMatchObject({ eventType: 'Todo.Reminder.Cancelled', payload: { because } })
    expect(more).toEqual([])
  })

  test.each([
    ['dismissed', DismissReminder, reminder],
    ['cancelled', CancelReminder, { ...reminder, because: 'asked' }],
  ] as const)('that is %s triggers no more, and is over', async (verb, command, input) => {
    const { app, after, verbs } = await livingApp()
    await app.send(CreateReminder, email)
    // The compiler knows the two commands, but not which goes with which input.
    await app.send(command as typeof DismissReminder, input)
    await after(2 * MINUTE)
    expect((await verbs(REMINDERS)).map((name) => name.toLowerCase())).toEqual(['created', verb])
    await expect(app.send(SnoozeReminder, { ...reminder, minutes: 1 })).rejects.toMatchObject({
      code: 'REMINDER_OVER',
    })
  })

  test.each(['email', 'push', 'in-app'] as const)('goes by %s', async (reminderType) => {
    const { app, ports, after, events } = await livingApp()
    await app.send(CreateReminder, { ...email, reminderType, due: '0s' })
    await after(1000)
    const [sent, ...more] = await events('Notification.**')
    expect(more).toEqual([])
    const [type, channel] = {
      email: ['Notification.Email.Sent', 'mail'] as const,
      push: ['Notification.Push.Sent', 'push'] as const,
      'in-app': ['Notification.InApp.Created', 'inApp'] as const,
    }[reminderType]
    expect(sent!.eventType).toBe(type)
    expect(ports.sent(channel)).toMatchObject([
      { idempotencyKey: (sent!.payload as { notificationId: string }).notificationId },
    ])
  })
})

test('a reminder that cannot be is refused', async () => {
  const { app } = await livingApp()
  const code = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'accepted',
      (error: { code?: unknown }) => error.code,
    )
  const unknown = { ...email, todoId: newId() }
  expect(await code(app.send(CreateReminder, unknown))).toBe('TODO_UNKNOWN')
  expect(await code(app.send(CreateReminder, email))).toBe('accepted')
  expect(await code(app.send(CreateReminder, email))).toBe('REMINDER_EXISTS')
  const other = { ...reminder, reminderId: newId() }
  expect(await code(app.send(DismissReminder, other))).toBe('REMINDER_UNKNOWN')
  const soon = { ...email, reminderId: newId(), due: 'soon' }
  expect(await code(app.send(CreateReminder, soon))).toBe('TIDINGS_PAYLOAD_INVALID')
  await app.send(CompleteTodo, subject)
  expect(await code(app.send(CreateReminder, { ...email, reminderId: newId() }))).toBe(
    'TODO_ALREADY_COMPLETED',
  )
})
