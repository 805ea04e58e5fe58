import type { ParkedEvent, Store } from 'tidings'
import { encodeEvent, isTidingsError, decodeEvent } from 'tidings/contract'

/** The event of a letter as its envelope says it; its bytes as they are, where they are no envelope. */
export type LetterEvent =
  | { readonly kind: 'event'; readonly wire: Readonly<Record<string, unknown>> }
  | { readonly kind: 'bytes'; readonly base64: string }
  | { readonly kind: 'gone' }

/** Its own bytes; one that waits behind another has none, and is looked up in the log. */
export async function readLetterEvent(store: Store, letter: ParkedEvent): Promise<LetterEvent> {
  const { bytes, eventId } = letter
  if (bytes !== undefined) return decodeBytes(bytes)
  const event = await store.findEvent(eventId)
  return event === undefined ? { kind: 'gone' } : { kind: 'event', wire: parse(encodeEvent(event)) }
}

function decodeBytes(bytes: Uint8Array): LetterEvent {
  try {
    decodeEvent(bytes)
  } catch (error) {
    if (!isTidingsError(error)) throw error
    return { kind: 'bytes', base64: Buffer.from(bytes).toString('base64') }
  }
  return { kind: 'event', wire: parse(new TextDecoder().decode(bytes)) }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}
