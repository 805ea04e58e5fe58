import { shorten } from '../errors/contract-error.ts'
import { UsageError } from '../errors/usage-errors.ts'
import { isThenable } from './handler.ts'

/** @throws {UsageError} */
export function requireWhole(option: string, value: unknown, least = 1): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return
  throw invalid(option, `a whole number from ${least} up`, value)
}

/** The longest that a timer of Node waits; a longer one fires at once. */
const LONGEST_MS = 2 ** 31 - 1

/** @throws {UsageError} */
export function requireMs(option: string, value: unknown, least = 1): void {
  if (Number.isFinite(value) && (value as number) >= least && (value as number) <= LONGEST_MS)
    return
  throw invalid(option, `a number of milliseconds from ${least} to ${LONGEST_MS}`, value)
}

/** @throws {UsageError} */
export function requireOneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if ((allowed as readonly unknown[]).includes(value)) return
  throw invalid(option, allowed.map((one) => `'${one}'`).join(' or '), value)
}

/** @throws {UsageError} */
export function requireFunction(option: string, value: unknown): void {
  if (typeof value === 'function') return
  throw invalid(option, 'a function', value)
}

/** As {@link requireFunction}, where it may be left out. @throws {UsageError} */
export function optionalFunction(option: string, value: unknown): void {
  if (value !== undefined) requireFunction(option, value)
}

/** An object of the caller's own that stands for one of ours. @throws {UsageError} */
export function optionalMethods(option: string, value: unknown, names: readonly string[]): void {
  if (value === undefined) return
  requireObject(option, value)
  for (const name of names)
    requireFunction(`${option}.${name}`, (value as Readonly<Record<string, unknown>>)[name])
}

/** @throws {UsageError} */
export function optionalBoolean(option: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  throw invalid(option, 'true or false', value)
}

/** @throws {UsageError} */
export function optionalText(option: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value !== '')) return
  throw invalid(option, 'a text that is not empty', value)
}

/** @throws {UsageError} */
export function optionalSignal(option: string, value: unknown): void {
  if (value === undefined || value instanceof AbortSignal) return
  throw invalid(option, 'an AbortSignal', value)
}

/** A function or a text in the place of options is most often an argument that was forgotten. @throws {UsageError} */
export function requireOptions(of: string, value: unknown): void {
  requireObject(`What ${of} takes as options`, value)
}

/** @throws {UsageError} */
export function requireObject(what: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
  throw invalid(what, 'an object', value)
}

/**
 * What a `key` option answers for an event. Unchecked, an `undefined` for each would make all events one
 * and the same.
 *
 * @throws {UsageError}
 */
export function requireKey(of: string, key: unknown): string {
  if (typeof key === 'string') return key
  throw invalid(`What ${of}'s key answers`, 'a text', key)
}

/** A promise would be taken for true, whatever it holds. @throws {UsageError} */
export function requireAnswer(of: string, answer: unknown): boolean {
  if (!isThenable(answer)) return Boolean(answer)
  throw invalid(`What ${of} answers`, 'true or false, at once', answer)
}

export function invalid(what: string, expected: string, actual: unknown): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `${what} is ${expected}; got ${describeValue(actual)}. Correct the call.`,
  )
}

/** A value as an error names it: short, and what kind of thing it is. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  if (value === undefined || value === null) return String(value)
  if (typeof value === 'object' || typeof value === 'function') {
    const kind = (value as { readonly constructor?: { readonly name?: unknown } }).constructor?.name
    if (typeof kind === 'string' && kind !== 'Object') return `a value of ${kind}`
  }
  return shorten(value)
}
