import type { EventMetadata } from '../contract/envelope.ts'
import { inheritMetadata } from '../contract/metadata.ts'
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
