import { defineAggregate, defineCommandHandler } from 'tidings'
import { RefusedError } from '../refused-error.ts'
import { requireAlive, Todo } from '../todo/todo.ts'
import {
  GrantPermission,
  PermissionGranted,
  PermissionRevoked,
  RevokePermission,
  type Permission,
} from './contracts.ts'

/** What others may do with a todo, by their ids. */
export type PermissionsState = Readonly<Record<string, Permission>>

const nothing: PermissionsState = {}

export const Permissions = defineAggregate('Audit.Permission', {
  events: [PermissionGranted, PermissionRevoked],
  commands: [RevokePermission],
  id: ({ todoId }) => todoId,
  initialState: nothing,
  evolve: {
    'Audit.Permission.Granted': (state, { payload: { granteeId, permission } }) => ({
      ...state,
      [granteeId]: permission,
    }),
    'Audit.Permission.Revoked': (state, { payload: { granteeId } }) =>
      Object.fromEntries(Object.entries(state).filter(([id]) => id !== granteeId)),
  },
  decide: {
    'Audit.Permission.Revoke': (command, state) => {
      const permission = state[command.granteeId]
      if (permission === undefined) throw new RefusedError('PERMISSION_UNKNOWN', command.granteeId)
      return PermissionRevoked({ ...command, permission })
    },
  },
})

/** A handler of its own, because it looks at the todo as well. */
export const grantPermission = defineCommandHandler(GrantPermission, async (command, { tx }) => {
  const { todoId, granteeId, permission } = command
  requireAlive(todoId, (await tx.load(Todo, todoId)).state)
  const permissions = await tx.load(Permissions, todoId)
  if (permissions.state[granteeId] === permission)
    throw new RefusedError('PERMISSION_UNCHANGED', granteeId)
  permissions.record(PermissionGranted(command))
})
