import { newId } from 'tidings'
import { expect, test } from 'vitest'
import { CreateReminder } from '../src/reminders/contracts.ts'
import { livingApp, whileMoving, type LivingApp } from './support/living-app.ts'
import { subject, USER } from './support/memory-app.ts'

const OTHER = newId()

async function remind({ app, after }: LivingApp, userId: string): Promise<string> {
  const reminderId = newId()
  const reminder = { ...subject, reminderId, userId, reminderType: 'email', due: '0s' } as const
  await app.send(CreateReminder, reminder)
  await after(2000)
  return reminderId
}

test('mails that are refused wait in order, others go; redriven, they go in order and once', async () => {
  const living = await livingApp()
  const { app, clock, ports, after, events } = living
  ports.refused.add(USER)
  const first = await remind(living, USER)
  const second = await remind(living, USER)
  await remind(living, OTHER)
  expect(ports.sent('mail').map(({ userId }) => userId)).toEqual([OTHER])
  const letters = await app.admin.parked.list({ subscription: 'email', states: ['parked'] })
  expect(letters.map(({ key, reason }) => [key, reason])).toEqual([
    [USER, 'failed'],
    [USER, 'behind'],
  ])
  expect(letters[0]!.attempts.map(({ error }) => error.code)).toEqual(
    Array.from({ length: 3 }, () => 'MAIL_REFUSED'),
  )

  ports.refused.delete(USER)
  const request = { kind: 'redrive', subscription: 'email', by: 'a test' } as const
  const { operationId } = await app.admin.request(request)
  const { operation } = await whileMoving(clock, app.admin.ended(operationId))
  expect(operation.state).toBe('done')
  await after(2000)
  const triggered = await events('Todo.Reminder.Triggered')
  const sent = await events('Notification.Email.Sent')
  const reminderOf = (eventId: string | undefined): unknown =>
    (triggered.find((event) => event.eventId === eventId)?.payload as { reminderId?: string })
      ?.reminderId
  expect(sent.slice(1).map(({ causationId }) => reminderOf(causationId))).toEqual([first, second])
  expect(ports.sent('mail')).toHaveLength(3)
  expect(await app.admin.parked.count({ states: ['parked', 'redriving'] })).toBe(0)
})
