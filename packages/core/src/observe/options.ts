import { shorten } from '../errors/contract-error.ts'
import { UsageError } from '../errors/usage-errors.ts'
import type { Observations } from './observations.ts'
import { ObservationPoint } from './point.ts'

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

/** The longest that a timer of the process can wait, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** @throws {UsageError} for anything but whole milliseconds that a timer can wait, from 1 up */
export function requireTimerMs(name: string, value: unknown): void {
  const isOne = typeof value === 'number' && Number.isInteger(value) && value >= 1
  if (isOne && value <= LONGEST_TIMER_MS) return
  throw invalid(
    `'${name}' is a whole number of milliseconds from 1 to ${LONGEST_TIMER_MS}; got ${String(value)}.`,
  )
}

/** What was read where a number is expected. NaN is broken by no bound, and would seem well. @throws {UsageError} */
export function requireNumber(value: unknown): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return value
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `What is read for a rule is a number; got ${shorten(value)}. The rule was not judged.`,
  )
}

/** @throws {UsageError} naming the first that is there and no function */
export function requireFunctions(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'function') continue
    throw invalid(`'${name}' is a function; got ${shorten(value)}.`)
  }
}

/** The application itself in their place is the likely mistake. @throws {UsageError} */
export function requireObservations(value: unknown): void {
  const { published, handled, command } = (value ?? {}) as Partial<Observations>
  const points: readonly unknown[] = [published, handled, command]
  if (points.every((point) => point instanceof ObservationPoint)) return
  throw invalid(
    `What is observed are the observations of an application or a bus (app.observations); got ${shorten(value)}.`,
  )
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
