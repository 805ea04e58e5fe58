import type { Envelope } from '../contract/envelope.ts'
import { ObservationPoint } from './point.ts'

/** A handler has come to its end with an event. */
export interface HandledFact {
  readonly event: Envelope
  readonly handlerId: string
  readonly handler: string
  /** Of a durable subscription, which is the handler then; undefined for a listener of a bus. */
  readonly subscription?: string
  /**
   * Milliseconds, with fractions. Of a subscription the commit is included; events that were handled in one
   * batch or one transaction each took as long as all of them.
   */
  readonly durationMs: number
  readonly failed: boolean
  /** What it threw, where it failed; may be anything, `undefined` too. */
  readonly error: unknown
}

/**
 * A handler failed when no outcome could carry that any more: a window that ended by time, what went on
 * behind a timeout, a handler's `close`.
 */
export interface FailedLateFact {
  readonly handlerId: string
  readonly handler: string
  /** Those that it is about; none where it failed while closing. */
  readonly events: readonly Envelope[]
  readonly error: unknown
}

/** An event was delivered to nobody. */
export interface UnhandledFact {
  readonly event: Envelope
}

/** An event was refused or thrown out by a full queue. */
export interface DroppedFact {
  readonly event: Envelope
  readonly policy: string
  readonly queueSize: number
}

/** An event was handed to a bus. */
export interface PublishedFact {
  readonly event: Envelope
  /** How many handlers it goes to. */
  readonly handlers: number
}

/** A command has come to its end. */
export interface CommandFact {
  readonly type: string
  readonly commandId: string
  readonly correlationId: string
  /** Milliseconds, with fractions. */
  readonly durationMs: number
  readonly failed: boolean
  readonly error: unknown
  /**
   * A text about the command (its error's message, its stack) without the values of the fields that its
   * contract marks as sensitive. The payload itself is in no fact.
   */
  readonly redact: (text: string) => string
}

/** A subscription does something else now, and why. */
export interface SubscriptionFact {
  readonly subscription: string
  readonly from: string
  readonly to: string
  /** Empty where the state says it all. */
  readonly reason: string
}

/** An attempt of a subscription to handle an event has failed. */
export interface AttemptFailedFact {
  readonly subscription: string
  readonly event: Envelope
  /** From 1. */
  readonly attempt: number
  readonly error: unknown
  /**
   * What is done about it: tried again in place or later; put aside for a person; counted as handled; the
   * subscription fails; or, in an outage, it is kept until something succeeds.
   */
  readonly decision: 'retry' | 'later' | 'dead' | 'skip' | 'stop' | 'outage'
}

/** What a subscription passed over: an event of a type that nobody here declared, or that a policy skips. */
export interface PassedOverFact {
  readonly subscription: string
  readonly event: Envelope
  readonly why: 'undeclared' | 'unreadable' | 'skipped'
}

/** An event was parked, or one that was has been finished. */
export interface ParkedFact {
  readonly subscription: string
  readonly event: Envelope
  readonly key: string
  readonly what: 'parked' | 'resolved'
  /** Why it was put aside: a `ParkReason`. */
  readonly reason: string
  /** Unfinished parked events of the subscription, after it. */
  readonly total: number
}

/** What was finished long ago has been forgotten. */
export interface SweptFact {
  readonly what: 'parked' | 'operations' | 'timers' | 'inbox' | 'work' | 'commands'
  /** Whose messages; undefined where it is not about the inbox. */
  readonly source: string | undefined
  readonly count: number
  /** Everything that had ended before this time: UTC, ISO 8601, milliseconds. */
  readonly before: string
}

/** Everything that can be seen of an application. */
export interface Observations {
  readonly published: ObservationPoint<PublishedFact>
  readonly handled: ObservationPoint<HandledFact>
  readonly failedLate: ObservationPoint<FailedLateFact>
  readonly unhandled: ObservationPoint<UnhandledFact>
  readonly dropped: ObservationPoint<DroppedFact>
  readonly command: ObservationPoint<CommandFact>
  readonly subscription: ObservationPoint<SubscriptionFact>
  readonly attemptFailed: ObservationPoint<AttemptFailedFact>
  readonly passedOver: ObservationPoint<PassedOverFact>
  readonly parked: ObservationPoint<ParkedFact>
  readonly swept: ObservationPoint<SweptFact>
}

/** @param onObserverError owns what an observer throws */
export function createObservations(onObserverError: (error: unknown) => void): Observations {
  return {
    published: new ObservationPoint(onObserverError),
    handled: new ObservationPoint(onObserverError),
    failedLate: new ObservationPoint(onObserverError),
    unhandled: new ObservationPoint(onObserverError),
    dropped: new ObservationPoint(onObserverError),
    command: new ObservationPoint(onObserverError),
    subscription: new ObservationPoint(onObserverError),
    attemptFailed: new ObservationPoint(onObserverError),
    passedOver: new ObservationPoint(onObserverError),
    parked: new ObservationPoint(onObserverError),
    swept: new ObservationPoint(onObserverError),
  }
}
