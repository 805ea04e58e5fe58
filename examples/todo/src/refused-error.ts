/** What is refused beside the rules of todos themselves, and what the caller can do about it. */
const refusals = {
  REMINDER_EXISTS: {
    rule: 'this reminder exists already',
    nextStep: 'Leave reminderId out to get a new one, or snooze the one that is there.',
  },
  REMINDER_UNKNOWN: {
    rule: 'this todo has no such reminder',
    nextStep: 'Look at the reminders of the todo for the ids that there are.',
  },
  REMINDER_OVER: {
    rule: 'this reminder is dismissed or cancelled, and nothing happens to it any more',
    nextStep: 'Create a new one.',
  },
  SESSION_UNKNOWN: {
    rule: 'nobody ever logged in under this session',
    nextStep: 'Log in: POST /sessions.',
  },
  SESSION_OVER: {
    rule: 'this session was used, and ends once',
    nextStep: 'Log in again: POST /sessions.',
  },
  PERMISSION_UNCHANGED: {
    rule: 'this user has this permission already',
    nextStep: 'Nothing is left to do.',
  },
  PERMISSION_UNKNOWN: {
    rule: 'this user has no permission to take back',
    nextStep: 'Grant it first.',
  },
} as const

export type RefusalCode = keyof typeof refusals

/** A rule says no. Nothing was recorded, and the same request is refused again. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly code: RefusalCode
  readonly nextStep: string

  constructor(code: RefusalCode, what: string) {
    super(`${what}: ${refusals[code].rule}.`)
    this.code = code
    this.nextStep = refusals[code].nextStep
  }
}
