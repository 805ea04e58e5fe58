import type { Envelope } from '../contract/envelope.ts'
import type { LogFields } from './logger.ts'
import type { SensitiveOf } from './redact.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'off'

/** What is logged, and how loud. An entry per event costs 2 to 3 µs: those are off by default. */
export interface LogLevels {
  /**
   * A handler failed; of a subscription: for good, so that a person has to look at the event or at the
   * subscription. `error` by default.
   */
  readonly failed?: LogLevel
  /** An attempt of a subscription failed, and the event is tried again; `warn` by default. */
  readonly retried?: LogLevel
  /** A subscription put an event aside; `warn` by default. */
  readonly parked?: LogLevel
  /** It put an event behind an earlier one of its key that is parked; `off` by default. */
  readonly behind?: LogLevel
  /** A parked event was finished; `info` by default. */
  readonly resolved?: LogLevel
  /** A rule or an option had a subscription skip an event; `warn` by default. */
  readonly skipped?: LogLevel
  /** A subscription passed over an event that nobody here declared; `off` by default. */
  readonly undeclared?: LogLevel
  /** What was finished long ago was forgotten; `info` by default. */
  readonly swept?: LogLevel
  /** A subscription goes on, or ends in good order; `info` by default. */
  readonly subscription?: LogLevel
  /** It is paused, or waits for a newer process; `warn` by default. */
  readonly subscriptionHeld?: LogLevel
  /** It failed, or nothing succeeds; `error` by default. */
  readonly subscriptionFailed?: LogLevel
  /** A command failed; its caller is told too: `off` by default. */
  readonly commandFailed?: LogLevel
  /** A full queue refused or threw out an event; `warn` by default. */
  readonly dropped?: LogLevel
  /** An event went to nobody; `off` by default. */
  readonly unhandled?: LogLevel
  /** An event was published; `off` by default. */
  readonly published?: LogLevel
  /** A handler came to a good end; `off` by default. */
  readonly handled?: LogLevel
  /** A command came to a good end; `off` by default. */
  readonly command?: LogLevel
}

export const DEFAULT_LEVELS: Required<LogLevels> = {
  failed: 'error',
  retried: 'warn',
  parked: 'warn',
  behind: 'off',
  resolved: 'info',
  skipped: 'warn',
  undeclared: 'off',
  swept: 'info',
  subscription: 'info',
  subscriptionHeld: 'warn',
  subscriptionFailed: 'error',
  commandFailed: 'off',
  dropped: 'warn',
  unhandled: 'off',
  published: 'off',
  handled: 'off',
  command: 'off',
}

export type Write = (fields: LogFields, message: string) => void

/** What writes what. */
export interface Logging {
  readonly writers: Readonly<Record<keyof LogLevels, Write | undefined>>
  readonly sensitiveOf: SensitiveOf
  readonly eventFields: (event: Envelope) => LogFields
}
