import { UsageError } from '../../errors/usage-errors.ts'

/** @throws {UsageError} */
export function requireWhole(option: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw invalid(option, `a whole number from ${least} up`, value)
}

/** The longest that a timer of Node waits; a longer one fires at once. */
const LONGEST_MS = 2 ** 31 - 1

/** @throws {UsageError} */
export function requireMs(option: string, value: number, least = 1): void {
  if (Number.isFinite(value) && value >= least && value <= LONGEST_MS) return
  throw invalid(option, `a number of milliseconds from ${least} to ${LONGEST_MS}`, value)
}

/** @throws {UsageError} */
export function requireOneOf(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw invalid(option, allowed.map((one) => `'${one}'`).join(' or '), value)
}

/** @throws {UsageError} */
export function requireFunction(operator: string, value: unknown): void {
  if (typeof value === 'function') return
  throw invalid(operator, 'a function', value)
}

export function invalid(what: string, expected: string, actual: unknown): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `${what} is ${expected}; got ${String(actual)}. Correct the operator's options.`,
  )
}
