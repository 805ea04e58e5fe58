import { shortenText } from '../errors/contract-error.ts'
import { nameError, textOf, type Redact } from './describe-error.ts'
import type { LoggableError } from './logger.ts'

const SHOWN_CHARACTERS = 300

/** Causes go in circles where somebody ties them so. */
const MAX_CAUSES = 5

/**
 * Under `err`, where pino and its like look; as plain members, because the text in it is redacted.
 * Without a prototype: pino takes an error's kind from its constructor, else from `name`.
 */
export function loggableError(error: unknown, redact: Redact, depth = 0): LoggableError {
  const { name, message } = nameError(error)
  const loggable: Writable<LoggableError> = {
    name: redact(name),
    message: redact(message),
  }
  Object.setPrototypeOf(loggable, null)
  try {
    if (error instanceof Error) addMembers(loggable, error, { redact, depth })
    else loggable.message = shortenText(loggable.message, SHOWN_CHARACTERS)
  } catch {
    // A member that throws when it is looked at: the others say what there is to say.
  }
  return loggable
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] }

function addMembers(
  loggable: Writable<LoggableError>,
  error: Error & { readonly code?: unknown },
  { redact, depth }: { readonly redact: Redact; readonly depth: number },
): void {
  const { stack, cause, code } = error
  if (stack !== undefined) loggable.stack = redact(textOf(stack))
  if (code !== undefined) loggable.code = loggableCode(code, redact)
  if (cause !== undefined && depth < MAX_CAUSES)
    loggable.cause = loggableError(cause, redact, depth + 1)
}

/** A number stays one, unless it is to be hidden; an object is shown as text, since no logger redacts it. */
function loggableCode(code: unknown, redact: Redact): unknown {
  const text = textOf(code)
  const shown = shortenText(redact(text), SHOWN_CHARACTERS)
  return typeof code === 'number' && shown === text ? code : shown
}
