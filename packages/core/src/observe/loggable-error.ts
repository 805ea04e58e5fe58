import { nameError, type Redact } from './describe-error.ts'
import type { LoggableError } from './logger.ts'

/** Causes go in circles where somebody ties them so. */
const MAX_CAUSES = 5

/**
 * Under `err`, where pino and its like look; as plain members, because the text in it is redacted.
 * Without a prototype: pino takes an error's kind from its constructor, else from `name`.
 */
export function loggableError(error: unknown, redact: Redact, depth = 0): LoggableError {
  const { name, message } = nameError(error)
  const loggable: { -readonly [Key in keyof LoggableError]: LoggableError[Key] } = {
    name: redact(name),
    message: redact(message),
  }
  Object.setPrototypeOf(loggable, null)
  if (!(error instanceof Error)) return loggable
  const { stack, cause, code } = error as Error & { readonly code?: unknown }
  if (stack !== undefined) loggable.stack = redact(stack)
  if (code !== undefined) loggable.code = typeof code === 'string' ? redact(code) : code
  if (cause !== undefined && depth < MAX_CAUSES)
    loggable.cause = loggableError(cause, redact, depth + 1)
  return loggable
}
