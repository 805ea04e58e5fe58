import type { Envelope } from '../contract/envelope.ts'
import { shorten } from '../errors/contract-error.ts'
import { redactText, type SensitiveOf } from './redact.ts'

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
  const shown = redact(message)
  const isLong = shown.length > SHOWN_CHARACTERS
  return {
    name: redact(name),
    message: isLong ? `${shown.slice(0, SHOWN_CHARACTERS)}… (${shown.length} characters)` : shown,
  }
}

/** Anything can be thrown, `undefined` too. */
export function nameError(error: unknown): ErrorSummary {
  if (error instanceof Error) return { name: error.name, message: error.message }
  if (typeof error === 'string') return { name: 'string', message: error }
  return { name: error === null ? 'null' : typeof error, message: shorten(error) }
}

/** A text without what it must not show. */
export type Redact = (text: string) => string

/** For texts about an event. */
export function redactorOf(event: Envelope, sensitiveOf: SensitiveOf): Redact {
  return (text) => redactText(text, event, sensitiveOf(event.eventType))
}
