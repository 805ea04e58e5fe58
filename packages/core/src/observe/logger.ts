export type LogFields = Readonly<Record<string, unknown>>

/** What pino, and most loggers with two lines around them, are. */
export interface Logger {
  debug?(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** The members that a log shows of an error, also where it is none. */
export interface LoggableError {
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly code?: unknown
  readonly cause?: LoggableError
}
