import { defineModule, defineSubscription, type DeliveryContext, type Draft } from 'tidings'
import { TaskBecameOverdue } from '../analytics/contracts.ts'
import { PermissionGranted } from '../audit/contracts.ts'
import { ReminderTriggered } from '../reminders/contracts.ts'
import { EmailSent, InAppCreated, PushSent } from './contracts.ts'
import type { NotificationPorts, SendNote } from './ports.ts'

/**
 * Each of them hands a note over, and then records that it did, with its own progress. Killed in between
 * it does both again under the same key: the log says it once, and so does the user's screen.
 */
export function notificationsModule({ mail, push, inApp }: NotificationPorts) {
  const email = defineSubscription('email', {
    events: [ReminderTriggered],
    filter: ({ payload }) => payload.reminderType === 'email',
    // Where a mail cannot be sent, later ones to the same person wait behind it; others get theirs.
    key: ({ payload }) => payload.userId,
    retry: { attempts: 3, delay: '50ms' },
    handle: ({ payload }, ctx) =>
      notify(ctx, mail, { ...toNote(payload), made: EmailSent, type: 'Notification.Email' }),
  })
  const pushed = defineSubscription('push', {
    events: [ReminderTriggered],
    filter: ({ payload }) => payload.reminderType === 'push',
    handle: ({ payload }, ctx) =>
      notify(ctx, push, { ...toNote(payload), made: PushSent, type: 'Notification.Push' }),
  })
  const shown = defineSubscription('in-app', {
    events: [ReminderTriggered, TaskBecameOverdue, PermissionGranted],
    filter: (event) => !ReminderTriggered.is(event) || event.payload.reminderType === 'in-app',
    handle: (event, ctx) =>
      notify(ctx, inApp, { ...whatToShow(event), made: InAppCreated, type: 'Notification.InApp' }),
  })
  return defineModule('notifications', [EmailSent, PushSent, InAppCreated, email, pushed, shown])
}

interface Message {
  readonly userId: string
  readonly text: string
}

interface Notification extends Message {
  /** The stream's aggregate type, and the event that says that it was sent. */
  readonly type: string
  readonly made: (payload: Message & { readonly notificationId: string }) => Draft
}

async function notify(
  { tx, idempotencyKey }: DeliveryContext,
  send: SendNote,
  { type, made, userId, text }: Notification,
): Promise<void> {
  await send({ userId, text, idempotencyKey })
  const events = made({ notificationId: idempotencyKey, userId, text })
  await tx.append({ aggregateType: type, aggregateId: idempotencyKey, events })
}

function toNote({ userId, title, dueDate }: (typeof ReminderTriggered)['~payload']): Message {
  return { userId, text: `Reminder of ${dueDate}: ${title}` }
}

function whatToShow(
  event:
    | (typeof ReminderTriggered)['~event']
    | (typeof TaskBecameOverdue)['~event']
    | (typeof PermissionGranted)['~event'],
): Message {
  if (ReminderTriggered.is(event)) return toNote(event.payload)
  if (TaskBecameOverdue.is(event))
    return { userId: event.payload.userId, text: `Overdue since ${event.payload.dueDate}` }
  const { granteeId, permission, todoId } = event.payload
  return { userId: granteeId, text: `You may ${permission} todo ${todoId}` }
}
