import { freezeEnvelope, type Envelope } from './envelope.ts'
import type { JsonValue } from './json.ts'

/**
 * A JSON value as the text that it is stored as, for whoever passes it on and does not look at it: to
 * parse it and to write it anew took a quarter of a relay's time. Whoever may look into it (observers, what
 * hides sensitive values) gets {@link withParsedPayload}.
 *
 * `JSON.stringify` writes it as the value that it stands for.
 */
export class JsonText {
  readonly text: string

  /** @param text JSON; nobody checks it */
  constructor(text: string) {
    this.text = text
  }

  /** @throws {SyntaxError} where the text is no JSON */
  toJSON(): JsonValue {
    return JSON.parse(this.text) as JsonValue
  }
}

/** The event as everybody else gets it. @throws {SyntaxError} where the text is no JSON */
export function withParsedPayload<E extends Envelope>(event: E): E {
  const { payload } = event
  if (!(payload instanceof JsonText)) return event
  return freezeEnvelope({ ...event, payload: payload.toJSON() })
}
