import { UsageError } from '../errors/usage-errors.ts'
import type { ListenerOptions, WaitOptions } from './event-bus.ts'
import type { EnqueueOptions } from './event-queue.ts'
import {
  describeValue,
  invalid,
  optionalSignal,
  optionalText,
  requireFunction,
  requireOptions,
} from './options.ts'
import { isEventDefinition } from './selector.ts'

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

/** Says of a value that was to be published what it is instead. */
export function notPublishable(value: unknown): UsageError {
  const rule = 'What is published is a draft or an envelope'
  const problem = isEventDefinition(value)
    ? `${rule}; got the definition of '${value.type}'. Call it with the payload, which makes a draft.`
    : `${rule}; got ${describeUnpublishable(value)}. Make a draft by calling a definition.`
  return new UsageError('TIDINGS_ARGUMENT_INVALID', problem)
}

function describeUnpublishable(value: unknown): string {
  if (typeof value !== 'object' || value === null) return describeValue(value)
  const fields = ['eventType', 'eventId', 'correlationId', 'metadata'] as const
  const missing = fields.filter((field) => !(field in value))
  return missing.length === 0
    ? 'an envelope with a field of the wrong kind'
    : `an object without ${missing.join(', ')}`
}

/** Its priority the queue looks at. @throws {UsageError} */
export function checkEnqueue(options: EnqueueOptions): void {
  requireOptions('enqueue()', options)
  optionalSignal("enqueue()'s signal", options.signal)
}
