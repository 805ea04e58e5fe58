/** Why the command line itself could not go on; errors of the library keep their own codes. */
export type FailureCode =
  | 'TIDINGS_CLI_USAGE'
  | 'TIDINGS_CLI_NO_STORE'
  | 'TIDINGS_CLI_NO_EVENT'
  | 'TIDINGS_CLI_FILE'
  | 'TIDINGS_CLI_INPUT'
  | 'TIDINGS_CLI_CONTRACTS'
  | 'TIDINGS_CLI_CONFIG'
  | 'TIDINGS_CLI_NO_LETTER'
  | 'TIDINGS_CLI_NOT_CONFIRMED'
  | 'TIDINGS_CLI_BUSY'
  | 'TIDINGS_CLI_UNEXPECTED'

/** What the process answers to the shell. */
export const exitCodes = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
  doneWithRejects: 3,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends a verb with a message for its caller. The message is in the caller's language already. */
export class Failure extends Error {
  readonly code: FailureCode
  readonly exitCode: ExitCode
  /** A further line: what to do. */
  readonly hint: string | undefined
  /** Figures for `--json`. */
  readonly facts: Readonly<Record<string, unknown>>

  constructor(
    code: FailureCode,
    message: string,
    more: {
      hint?: string | undefined
      facts?: Readonly<Record<string, unknown>>
      cause?: unknown
    } = {},
  ) {
    super(message, 'cause' in more ? { cause: more.cause } : undefined)
    this.name = 'Failure'
    this.code = code
    this.exitCode = code === 'TIDINGS_CLI_USAGE' ? exitCodes.wrongUsage : exitCodes.failed
    this.hint = more.hint
    this.facts = more.facts ?? {}
  }
}

/** A call that cannot be understood: exit code 2. */
export function wrongUsage(message: string, hint?: string): Failure {
  return new Failure('TIDINGS_CLI_USAGE', message, { hint })
}

/** A verb that had done a part of its work when an error stopped it: the error, and how far it was. */
export class BrokenOff extends Error {
  override readonly cause: unknown
  readonly facts: Readonly<Record<string, unknown>>

  /** @param message how far it was, in the caller's language */
  constructor(message: string, cause: unknown, facts: Readonly<Record<string, unknown>>) {
    super(message)
    this.name = 'BrokenOff'
    this.cause = cause
    this.facts = facts
  }
}
