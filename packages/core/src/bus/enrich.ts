import type { Draft } from '../contract/definition.ts'
import { freezeEnvelope, NO_METADATA, type Envelope } from '../contract/envelope.ts'
import { inheritMetadata } from '../contract/metadata.ts'
import { parsePayload } from '../contract/payload.ts'
import type { Clock } from '../internal/clock.ts'
import type { Frame } from '../internal/flow.ts'
import type { IdSource } from '../internal/ids.ts'
import { toIsoTime } from '../internal/time.ts'
import { notPublishable } from './check-calls.ts'

export interface EnrichPorts {
  readonly clock: Clock
  readonly ids: IdSource
  readonly source: string | undefined
  /** Whether payloads are checked when they are published. */
  readonly check: boolean
}

/** Makes an event of a draft, with what the frame says of its cause. An envelope stays as it is. */
export function enrich(
  event: Draft | Envelope,
  frame: Frame | undefined,
  ports: EnrichPorts,
): Envelope {
  if (typeof event !== 'object' || event === null || !('draftOf' in event))
    return requireEnvelope(event)
  const { definition, options } = event
  const payload = ports.check ? parsePayload(definition, event.payload) : event.payload
  const nowMs = ports.clock.now()
  const eventId = options.eventId ?? ports.ids.newId(nowMs)
  const envelope: Mutable<Envelope> = {
    eventId,
    eventType: event.draftOf,
    eventVersion: definition.version,
    timestamp: options.timestamp ?? toIsoTime(nowMs),
    aggregateType: definition.aggregateType,
    aggregateId: definition.key === undefined ? eventId : definition.key(payload as never),
    // An event that nothing led to begins a trace, and gives it its id.
    correlationId: frame?.correlationId ?? eventId,
    payload,
    metadata: inheritMetadata(frame?.metadata, ports.source, options.metadata) ?? NO_METADATA,
  }
  const causationId = frame?.eventId ?? frame?.commandId
  if (causationId !== undefined) envelope.causationId = causationId
  return freezeEnvelope(envelope)
}

/** Without its type it would reach nobody, without its id observers would take all such for one. */
function requireEnvelope(event: Envelope): Envelope {
  const isEnvelope =
    typeof event === 'object' &&
    event !== null &&
    typeof event.eventType === 'string' &&
    typeof event.eventId === 'string' &&
    typeof event.correlationId === 'string' &&
    typeof event.metadata === 'object' &&
    event.metadata !== null
  if (isEnvelope) return event
  throw notPublishable(event)
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }
