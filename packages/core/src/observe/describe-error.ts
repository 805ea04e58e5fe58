import type { Envelope } from '../contract/envelope.ts'
import { renderValue, shortenText } from '../errors/contract-error.ts'
import { redactText, redactTextOfAll, type SensitiveOf } from './redact.ts'

/** What is kept or sent of an error: no object of the application's, nothing sensitive. */
export interface ErrorSummary {
  readonly name: string
  /** Shortened. */
  readonly message: string
}

const SHOWN_CHARACTERS = 300

/** What was thrown, for a trace or an alert. */
export function summarizeError(error: unknown, redact: Redact): ErrorSummary {
  const { name, message } = nameError(error)
  return { name: redact(name), message: shortenText(redact(message), SHOWN_CHARACTERS) }
}

const UNREADABLE = 'It cannot be read: looking at it throws.'

/**
 * Anything can be thrown: `undefined`, an object without a prototype, a proxy that throws when it is looked
 * at. The message is as long as it is: shortened before it is redacted, it would show a part of a secret.
 */
export function nameError(error: unknown): ErrorSummary {
  try {
    if (error instanceof Error) return { name: textOf(error.name), message: textOf(error.message) }
    if (typeof error === 'string') return { name: 'string', message: error }
    return { name: error === null ? 'null' : typeof error, message: renderValue(error) }
  } catch {
    return { name: typeof error, message: UNREADABLE }
  }
}

/** A member that its type calls a text; somebody else may have put anything there. */
export function textOf(member: unknown): string {
  return typeof member === 'string' ? member : renderValue(member)
}

/** For people: the stack, where there is one; anything but an error is shortened. Throws only where `redact` does. */
export function describeThrown(error: unknown, redact: Redact): string {
  const stack = stackOf(error)
  if (stack !== undefined) return redact(stack)
  const { name, message } = nameError(error)
  const shown = shortenText(redact(message), SHOWN_CHARACTERS)
  return typeof error === 'string' ? shown : `${redact(name)}: ${shown}`
}

function stackOf(error: unknown): string | undefined {
  try {
    if (error instanceof Error && error.stack !== undefined) return textOf(error.stack)
  } catch {
    // Then its name says what there is to say.
  }
  return undefined
}

/** A text without what it must not show. */
export type Redact = (text: string) => string

/** For texts about an event. */
export function redactorOf(event: Envelope, sensitiveOf: SensitiveOf): Redact {
  return (text) => redactText(text, event, sensitiveOf(event.eventType))
}

/** For texts about several. */
export function redactorOfAll(events: readonly Envelope[], sensitiveOf: SensitiveOf): Redact {
  return (text) => redactTextOfAll(text, events, sensitiveOf)
}
