import { defineAggregate } from 'tidings'
import { RefusedError } from '../refused-error.ts'
import { AccessLoggedIn, AccessLoggedOut, LogIn, LogOut } from './contracts.ts'

/** `none` until somebody logs in. */
export interface SessionState {
  readonly status: 'none' | 'open' | 'over'
  readonly userId: string
  readonly loggedInAt: string
}

const nothing: SessionState = { status: 'none', userId: '', loggedInAt: '' }

/** A session: from a login to a logout. */
export const Access = defineAggregate('Audit.Access', {
  events: [AccessLoggedIn, AccessLoggedOut],
  commands: [LogIn, LogOut],
  id: ({ sessionId }) => sessionId,
  initialState: nothing,
  evolve: {
    'Audit.Access.LoggedIn': (_state, { payload: { userId, loggedInAt } }): SessionState => ({
      status: 'open',
      userId,
      loggedInAt,
    }),
    'Audit.Access.LoggedOut': (state): SessionState => ({ ...state, status: 'over' }),
  },
  decide: {
    'Audit.Access.LogIn': (command, { status }, { now }) => {
      if (status !== 'none') throw new RefusedError('SESSION_OVER', command.sessionId)
      return AccessLoggedIn({ ...command, loggedInAt: now })
    },
    'Audit.Access.LogOut': ({ sessionId }, { status, userId, loggedInAt }, { now }) => {
      if (status === 'none') throw new RefusedError('SESSION_UNKNOWN', sessionId)
      if (status === 'over') throw new RefusedError('SESSION_OVER', sessionId)
      return AccessLoggedOut({ sessionId, userId, loggedInAt, loggedOutAt: now })
    },
  },
})
