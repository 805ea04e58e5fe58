import type { EventMetadata } from '../contract/envelope.ts'
import { toCorrelationId, type Origin, type SealOptions } from '../contract/seal.ts'
import type { Clock } from '../internal/clock.ts'
import type { Frame } from '../internal/flow.ts'
import type { IdSource } from '../internal/ids.ts'

/** What every event of an application is made with. */
export interface Environment extends SealOptions {
  readonly clock: Clock
  readonly ids: IdSource
  /** `metadata.source` of what this application records; undefined: none. */
  readonly source: string | undefined
}

/** What the events of one call have in common. */
export interface Cause {
  readonly correlationId: string
  readonly causationId: string | undefined
  readonly metadata: EventMetadata | undefined
}

// What an effect takes over from its cause. Its own facts (an extension, a source) it does not.
const INHERITED = ['tenant', 'actor', 'traceId', 'traceparent'] as const

/**
 * What led to the events of a call, read from the frame in which the call is made, so that a queue
 * that flushes later, in somebody else's frame, cannot mix them up.
 */
export function causeOf(
  frame: Frame | undefined,
  environment: Environment,
  own: {
    readonly correlationId?: string | undefined
    readonly metadata?: EventMetadata | undefined
  } = {},
): Cause {
  const given = own.correlationId ?? frame?.correlationId
  return {
    correlationId:
      given === undefined ? environment.ids.newId(environment.clock.now()) : toCorrelationId(given),
    causationId: frame?.eventId ?? frame?.commandId,
    metadata: inheritMetadata(frame?.metadata, environment.source, own.metadata),
  }
}

/** The metadata of an effect: the application's source, what it takes over from its cause, its own. */
export function inheritMetadata(
  inherited: Frame['metadata'],
  source: string | undefined,
  own: EventMetadata | undefined,
): EventMetadata | undefined {
  if (inherited === undefined && source === undefined && own === undefined) return undefined
  const metadata: Record<string, EventMetadata[string]> = {}
  if (source !== undefined) metadata['source'] = source
  for (const field of INHERITED) {
    const value = inherited?.[field]
    if (typeof value === 'string') metadata[field] = value
  }
  return Object.freeze(Object.assign(metadata, own))
}

/** The origin of one aggregate's events in a call. */
export function originOf(
  environment: Environment,
  cause: Cause,
  aggregateType: string,
  aggregateId: string,
): Origin {
  return {
    aggregateType,
    aggregateId,
    correlationId: cause.correlationId,
    causationId: cause.causationId,
    metadata: cause.metadata,
    clock: environment.clock,
    ids: environment.ids,
    maxEventBytes: environment.maxEventBytes,
  }
}
