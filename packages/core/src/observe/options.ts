import { UsageError } from '../errors/usage-errors.ts'

/** @throws {UsageError} for anything but a whole number from `least` up */
export function requireCount(name: string, value: unknown, least: number): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return
  throw invalid(`'${name}' is a whole number from ${least} up; got ${String(value)}.`)
}

/** @throws {UsageError} for anything but a finite number of milliseconds from 0 up */
export function requireMs(name: string, value: unknown): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return
  throw invalid(`'${name}' is a number of milliseconds from 0 up; got ${String(value)}.`)
}

/** @throws {UsageError} */
export function requireFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw invalid(`'${name}' is a function; got ${String(value)}.`)
}

export function invalid(message: string): UsageError {
  return new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `${message} Nothing was attached; correct the options.`,
  )
}

/** Ends all of them. */
export function disposeAll(attached: readonly Disposable[]): void {
  for (const one of attached) one[Symbol.dispose]()
}
