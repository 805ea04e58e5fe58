import { defineCommand, defineEvent } from 'tidings'
import { z } from 'zod'
import { byTodo, byUser, id, time } from '../fields.ts'
import { audit } from '../topics.ts'

const session = { sessionId: id, userId: id }
/** Who gets or loses it, and who says so. */
const grant = { todoId: id, granteeId: id, userId: id }
const permission = z.enum(['view', 'edit'])

export type Permission = z.infer<typeof permission>

export const AccessLoggedIn = defineEvent('Audit.Access.LoggedIn', {
  payload: z.object({ ...session, loggedInAt: time }),
  topic: audit,
  key: byUser,
})

export const AccessLoggedOut = defineEvent('Audit.Access.LoggedOut', {
  payload: z.object({ ...session, loggedInAt: time, loggedOutAt: time }),
  topic: audit,
  key: byUser,
})

export const PermissionGranted = defineEvent('Audit.Permission.Granted', {
  payload: z.object({ ...grant, permission }),
  topic: audit,
  key: byTodo,
})

export const PermissionRevoked = defineEvent('Audit.Permission.Revoked', {
  payload: z.object({ ...grant, permission }),
  topic: audit,
  key: byTodo,
})

export const LogIn = defineCommand('Audit.Access.LogIn', { payload: z.strictObject(session) })

export const LogOut = defineCommand('Audit.Access.LogOut', {
  payload: z.strictObject({ sessionId: id }),
})

export const GrantPermission = defineCommand('Audit.Permission.Grant', {
  payload: z.strictObject({ ...grant, permission }),
})

export const RevokePermission = defineCommand('Audit.Permission.Revoke', {
  payload: z.strictObject(grant),
})
