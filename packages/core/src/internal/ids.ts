import { sha1 } from './sha1.ts'

/** Where ids come from. Taken as a parameter, so that a test can say which ids will be drawn. */
export interface IdSource {
  /** A new UUIDv7 for the given time, greater than every id this source made before. */
  newId(timeMs: number): string
}

const COUNTER_LIMIT = 1 << 18

/**
 * Each number of 16 bits as four digits, put together when it is first met. All of them at once take
 * 15 ms, half of what Node itself takes to start, and every program that loads this file would pay.
 */
const knownHex: (string | undefined)[] = []
knownHex.length = 65_536

function hex4(n: number): string {
  return (knownHex[n] ??= n.toString(16).padStart(4, '0'))
}

/**
 * UUIDv7 (RFC 9562), monotone within the source: a time that steps back keeps the last one, and more
 * than 2¹⁸ ids in a millisecond borrow from the next.
 *
 * Method 3 of RFC 9562 section 6.2 with an 18-bit counter; the 56-bit random tail is drawn once a
 * millisecond, which is what makes an id cost about 50 ns instead of the 1.9 µs of fresh randomness
 * each time. Unique and sorted, but not a secret: a neighbour's id can be guessed.
 */
export function createIdSource(random: (bytes: Uint8Array) => void = fillRandom): IdSource {
  const bytes = new Uint8Array(9)
  let lastMs = -1
  let counter = 0
  let head = ''
  let tail = ''
  let upper = -1
  let prefix = ''
  const ends = Array.from<string | undefined>({ length: 64 })

  const startMillisecond = (timeMs: number): void => {
    random(bytes)
    lastMs = timeMs
    // The counter starts in the lower half, so that a burst rarely has to borrow.
    counter = ((bytes[0]! << 8) | bytes[1]!) & 0xffff
    const high = Math.floor(timeMs / 0x1_0000_0000)
    const low = timeMs % 0x1_0000_0000
    head = `${hex4(high)}${hex4(low >>> 16)}-${hex4(low & 0xffff)}-`
    upper = -1
    ends.fill(undefined)
    tail = `-${hex4((bytes[3]! << 8) | bytes[4]!)}${hex4((bytes[5]! << 8) | bytes[6]!)}${hex4((bytes[7]! << 8) | bytes[8]!)}`
  }

  return {
    newId(timeMs) {
      if (timeMs > lastMs) startMillisecond(timeMs)
      else if (++counter === COUNTER_LIMIT) startMillisecond(lastMs + 1)
      // 12 counter bits after the version, 6 after the variant, then 8 + 48 random bits.
      // 64 ids share their beginning, and every 64th of a millisecond its end: each string that is put
      // together costs the collector as well.
      if (counter >> 6 !== upper) {
        upper = counter >> 6
        prefix = `${head}${hex4(0x7000 | upper)}-`
      }
      const lower = counter & 0x3f
      return prefix + (ends[lower] ??= `${hex4(0x8000 | (lower << 8) | bytes[2]!)}${tail}`)
    },
  }
}

/** Randomness is drawn for many ids at once: a call for 9 bytes takes as long as one for some hundreds. */
const drawn = new Uint8Array(9 * 64)
let given = drawn.length

function fillRandom(bytes: Uint8Array): void {
  if (given + bytes.length > drawn.length) {
    crypto.getRandomValues(drawn)
    given = 0
  }
  for (let index = 0; index < bytes.length; index++) bytes[index] = drawn[given++]!
}

/** The process's own source. One per process, so that ids sort in the order in which they were made. */
export const systemIds: IdSource = createIdSource()

/** A new UUIDv7, for aggregates and whatever else needs an id that keeps indexes local. */
export function newId(): string {
  return systemIds.newId(Date.now())
}

const UUID = uuidPattern('[0-9a-fA-F]', '[89abAB]')
const LOWER_UUID = uuidPattern('[0-9a-f]', '[89ab]')

/**
 * A pattern with each digit written out: for `{8}` and `{12}` V8 counts the rounds in memory, which
 * takes three times as long (about 100 ns a UUID rather than 35).
 */
function uuidPattern(digit: string, variant: string): RegExp {
  const group = (length: number): string => digit.repeat(length)
  return new RegExp(`^${group(8)}-${group(4)}-[1-8]${group(3)}-${variant}${group(3)}-${group(12)}$`)
}

/** Whether a text is a UUID of a variant and version that RFC 9562 knows. */
export function isUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text)
}

/** Whether it is one in lower case, as we keep it: nearly all are, and need no copy. */
export function isLowerUuid(text: string): boolean {
  return text.length === 36 && LOWER_UUID.test(text)
}

/**
 * An id that a rule derives: the cause's time and a hash of the parts, as UUIDv8. The same parts and
 * time make the same id wherever they are met, so a second delivery is recognised; the time in front
 * keeps an index local (scattered ids cost five times the index work).
 *
 * @param timeMs the time of the cause, milliseconds since the epoch (48 bits are kept)
 * @param parts what makes the id unique: cause, rule name, attempt, …
 */
export function deriveId(timeMs: number, ...parts: readonly (string | number)[]): string {
  const hash = hashParts(parts)
  const high = Math.floor(Math.max(0, timeMs) / 0x1_0000_0000) & 0xffff
  const low = Math.max(0, timeMs) % 0x1_0000_0000
  return `${hex4(high)}${hex4(low >>> 16)}-${hex4(low & 0xffff)}-${hex4(0x8000 | (hash[0]! >>> 20))}-${variantAndTail(hash)}`
}

/** `uuid5(NAMESPACE_URL, 'urn:tidings')`: this project's own, so no other software's ids collide with it. */
const NAMESPACE = '9674f52d-1f2e-5dbc-84d3-0d4157dfeea5'
const namespaceBytes = Uint8Array.from(NAMESPACE.replaceAll('-', '').match(/../g) ?? [], (byte) =>
  Number.parseInt(byte, 16),
)
const utf8 = new TextEncoder()

/**
 * The UUIDv5 (RFC 9562) of a text that is no UUID itself, the same wherever it is met (a foreign
 * correlation id, for example). Any language makes it as `uuid5` of the text in the namespace
 * 9674f52d-1f2e-5dbc-84d3-0d4157dfeea5.
 */
export function nameId(text: string): string {
  const name = utf8.encode(text)
  const bytes = new Uint8Array(16 + name.length)
  bytes.set(namespaceBytes)
  bytes.set(name, 16)
  const hash = sha1(bytes)
  const [first, second] = [hash[0]!, hash[1]!]
  return `${hex4(first >>> 16)}${hex4(first & 0xffff)}-${hex4(second >>> 16)}-${hex4(0x5000 | (second & 0xfff))}-${variantAndTail(hash)}`
}

function hashParts(parts: readonly (string | number)[]): Uint32Array {
  // Each part carries its length: ['ab', 'c'] and ['a', 'bc'] must not be one id.
  return sha1(parts.map((part) => `${String(part).length}:${part}`).join(''))
}

function variantAndTail(hash: Uint32Array): string {
  const [third, fourth] = [hash[2]!, hash[3]!]
  return `${hex4(0x8000 | ((third >>> 16) & 0x3fff))}-${hex4(third & 0xffff)}${hex4(fourth >>> 16)}${hex4(fourth & 0xffff)}`
}

/** The time inside a UUIDv7 or a derived UUIDv8, milliseconds since the epoch. */
export function idTime(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
