import { defineEvent } from 'tidings'
import { z } from 'zod'
import { byUser, id } from '../fields.ts'
import { notifications } from '../topics.ts'

const notification = { notificationId: id, userId: id, text: z.string() }
const onNotifications = { topic: notifications, key: byUser }

export const EmailSent = defineEvent('Notification.Email.Sent', {
  payload: z.object(notification),
  aliases: ['EmailNotificationSent'],
  ...onNotifications,
})

export const PushSent = defineEvent('Notification.Push.Sent', {
  payload: z.object(notification),
  aliases: ['PushNotificationSent'],
  ...onNotifications,
})

export const InAppCreated = defineEvent('Notification.InApp.Created', {
  payload: z.object(notification),
  aliases: ['InAppNotificationCreated'],
  ...onNotifications,
})
