import type { Envelope } from '../contract/envelope.ts'
import { ObservationPoint } from './point.ts'

/** A handler has come to its end with an event. */
export interface HandledFact {
  readonly event: Envelope
  readonly handlerId: string
  readonly handler: string
  /** Milliseconds, with fractions. */
  readonly durationMs: number
  readonly failed: boolean
  /** What it threw, where it failed; may be anything, `undefined` too. */
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

/** Everything that can be seen of an application. */
export interface Observations {
  readonly published: ObservationPoint<PublishedFact>
  readonly handled: ObservationPoint<HandledFact>
  readonly unhandled: ObservationPoint<UnhandledFact>
  readonly dropped: ObservationPoint<DroppedFact>
  readonly command: ObservationPoint<CommandFact>
}

/** @param onObserverError owns what an observer throws */
export function createObservations(onObserverError: (error: unknown) => void): Observations {
  return {
    published: new ObservationPoint(onObserverError),
    handled: new ObservationPoint(onObserverError),
    unhandled: new ObservationPoint(onObserverError),
    dropped: new ObservationPoint(onObserverError),
    command: new ObservationPoint(onObserverError),
  }
}
