/** What JSON can say. Properties that are `undefined` are absent; an array holds none. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }

/** A JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined }

/**
 * A sentence for each place of a type that JSON cannot say, `never` where there is none. The paths are
 * built only once the cheap check has failed, and five levels deep, so recursive types stay cheap.
 */
export type JsonProblems<T> = unknown extends T
  ? never
  : [T] extends [JsonValue]
    ? never
    : ProblemsAt<T, 'payload', []>

type ProblemsAt<T, Path extends string, Depth extends readonly 0[]> = unknown extends T
  ? never
  : T extends JsonValue
    ? never
    : Depth['length'] extends 5
      ? never
      : T extends Date
        ? `✗ ${Path} is a Date: keep an ISO string, for example z.iso.datetime()`
        : T extends bigint
          ? `✗ ${Path} is a bigint: keep a string of digits`
          : T extends undefined
            ? `✗ ${Path} can be undefined, which JSON cannot say: use null, or leave it out`
            : T extends symbol | ((...args: never[]) => unknown)
              ? `✗ ${Path} is a function or symbol, which JSON cannot say`
              : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
                ? `✗ ${Path} is a Map or Set: keep an array or a record`
                : T extends ArrayBufferView | ArrayBuffer
                  ? `✗ ${Path} is binary: keep a base64 string`
                  : T extends readonly (infer Item)[]
                    ? ProblemsAt<Item, `${Path}[]`, [...Depth, 0]>
                    : T extends object
                      ? {
                          [K in keyof T & string]-?: ProblemsAt<
                            Exclude<T[K], undefined>,
                            `${Path}.${K}`,
                            [...Depth, 0]
                          >
                        }[keyof T & string]
                      : never

/** A place in a value that JSON would lose or change. */
export interface JsonFault {
  /** JSON pointer to the place. */
  readonly pointer: string
  readonly expected: string
  readonly actual: unknown
}

const DEPTH_LIMIT = 200

/**
 * The first place in a value that JSON would lose or change, `undefined` where there is none. Finds
 * what `JSON.stringify` turns into something else without a word: NaN and infinities (null), -0 (0),
 * Date and class instances, Map and Set, functions, undefined in an array; and what not every store
 * keeps: U+0000 and lone surrogates. Cycles are found by their depth.
 */
export function findJsonFault(value: unknown, pointer = '', depth = 0): JsonFault | undefined {
  switch (typeof value) {
    case 'string':
      return findTextFault(value, pointer)
    case 'number':
      if (Number.isFinite(value) && !Object.is(value, -0)) return undefined
      return { pointer, expected: 'a finite number, and no -0', actual: value }
    case 'boolean':
      return undefined
    case 'object':
      if (value === null) return undefined
      if (depth === DEPTH_LIMIT) {
        return {
          pointer,
          expected: `no more than ${DEPTH_LIMIT} levels, and no cycle`,
          actual: undefined,
        }
      }
      return Array.isArray(value)
        ? findArrayFault(value, pointer, depth)
        : findObjectFault(value as Record<string, unknown>, pointer, depth)
    default:
      return { pointer, expected: 'a JSON value', actual: value }
  }
}

function findTextFault(text: string, pointer: string): JsonFault | undefined {
  if (text.isWellFormed() && !text.includes('\0')) return undefined
  return { pointer, expected: 'text without U+0000 and without lone surrogates', actual: text }
}

function findArrayFault(
  items: readonly unknown[],
  pointer: string,
  depth: number,
): JsonFault | undefined {
  for (let index = 0; index < items.length; index++) {
    const fault = findJsonFault(items[index], `${pointer}/${index}`, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

function findObjectFault(
  object: Record<string, unknown>,
  pointer: string,
  depth: number,
): JsonFault | undefined {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null && !isForeignPlainObject(prototype)) {
    return {
      pointer,
      expected: 'a plain object, array, text, number, boolean or null',
      actual: object,
    }
  }
  for (const key in object) {
    const value = object[key]
    if (value === undefined) continue
    const place = pointer + '/' + escapePointer(key)
    const fault = findTextFault(key, place) ?? findJsonFault(value, place, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** An object literal of another realm (a vm context, a test runner's sandbox) has another prototype. */
function isForeignPlainObject(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf')
  )
}

/** A property name as one step of a JSON pointer (RFC 6901). */
export function escapePointer(key: string): string {
  return key.includes('~') || key.includes('/')
    ? key.replaceAll('~', '~0').replaceAll('/', '~1')
    : key
}

/**
 * Freezes a JSON value and everything in it. What is frozen already is taken as frozen throughout.
 * What lies deeper than any store takes is left: bytes from outside may be nested beyond the stack.
 */
export function deepFreeze<T>(value: T, depth = 0): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (depth <= DEPTH_LIMIT) for (const key in value) deepFreeze(value[key], depth + 1)
  return Object.freeze(value)
}

/**
 * A JSON value as the text that it is stored as, for whoever passes it on and does not look at it: to
 * parse it and to write it anew took a quarter of a relay's time. Whoever may look into it (observers, what
 * hides sensitive values) gets `withParsedPayload`.
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
