import { ContractError } from '../errors/contract-error.ts'
import type { JsonValue } from './json.ts'

// A byte-order mark stays in the text and is refused as JSON: dropping it is for whoever reads files.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// Node's own, where this runs in Node. Not imported: contracts are read in browsers too.
const NodeBuffer = (globalThis as { Buffer?: abstract new (...args: never[]) => Uint8Array }).Buffer
const REPLACEMENT = '\uFFFD'

/**
 * Bytes as text.
 *
 * @throws {ContractError} `TIDINGS_EVENT_UNREADABLE` when they are no UTF-8: a decoder that puts U+FFFD
 *   in their place would change an event without a word
 */
export function readUtf8(bytes: Uint8Array): string {
  if (NodeBuffer !== undefined && bytes instanceof NodeBuffer) {
    // Puts U+FFFD for whatever is no UTF-8, so a text without one was UTF-8 throughout. The fatal
    // decoder takes 60 ns longer, and is asked only where such a character may have been meant.
    const text = bytes.toString()
    if (!text.includes(REPLACEMENT)) return text
  }
  try {
    return utf8.decode(bytes)
  } catch (error) {
    throw unreadable('bytes in UTF-8', 'bytes that are not', error)
  }
}

/**
 * Text as a JSON value.
 *
 * @throws {ContractError} `TIDINGS_EVENT_UNREADABLE`. The parser's own message quotes the text, which
 *   may be secret, so only the place is told.
 */
export function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch (error) {
    const place = /at position \d+/.exec(String(error))?.[0]
    throw unreadable(
      'JSON',
      place === undefined ? 'a text that is none' : `a text that stops being JSON ${place}`,
    )
  }
}

function unreadable(expected: string, actual: string, cause?: unknown): ContractError {
  return new ContractError('TIDINGS_EVENT_UNREADABLE', 'the message cannot be read.', {
    issues: [{ pointer: '', expected, actual }],
    nextStep: 'Nothing was stored. Mend the sender, or the line.',
    ...(cause === undefined ? undefined : { cause }),
  })
}
