import type { ListenerOptions, WaitOptions } from './event-bus.ts'
import type { EnqueueOptions } from './event-queue.ts'
import {
  invalid,
  optionalSignal,
  optionalText,
  requireFunction,
  requireOptions,
} from './options.ts'

// What the compiler refuses, said to those without types: each at the call that is wrong, not at the
// first event that meets it.

/** @throws {UsageError} */
export function checkListening(of: string, handler: unknown, options: ListenerOptions): void {
  requireFunction(`${of}'s handler`, handler)
  requireOptions(of, options)
  optionalText(`${of}'s name`, options.name)
  optionalSignal(`${of}'s signal`, options.signal)
  const { priority } = options
  // NaN is neither higher nor lower than another: the order of the handlers would be anything.
  if (priority !== undefined && !Number.isFinite(priority))
    throw invalid(`${of}'s priority`, 'a finite number, higher ones first', priority)
}

/** @throws {UsageError} */
export function checkListenerId(listenerId: unknown): void {
  if (typeof listenerId === 'string') return
  throw invalid("unsubscribe()'s listener id", 'a text: the id of a listener', listenerId)
}

/** @throws {UsageError} */
export function checkWaiting(predicate: unknown, options: WaitOptions): void {
  requireFunction("waitFor()'s predicate, which comes before its options,", predicate)
  requireOptions('waitFor()', options)
  optionalSignal("waitFor()'s signal", options.signal)
  const { timeoutMs } = options
  if (timeoutMs === undefined || (Number.isFinite(timeoutMs) && timeoutMs >= 0)) return
  throw invalid("waitFor()'s timeoutMs", 'a number of milliseconds from 0 up', timeoutMs)
}

/** Its priority the queue looks at. @throws {UsageError} */
export function checkEnqueue(options: EnqueueOptions): void {
  requireOptions('enqueue()', options)
  optionalSignal("enqueue()'s signal", options.signal)
}
