import { sealEnvelope, systemIds, type SealedEvent, type StreamAppend } from 'tidings'

/** An event of `Sample.Counter/ID`. */
export function makeEvent(id: string, eventId: string = systemIds.newId(Date.now())): SealedEvent {
  return sealEnvelope(
    {
      eventId,
      eventType: 'Sample.Counter.Increased',
      eventVersion: 1,
      timestamp: '2026-11-21T09:00:00.000Z',
      aggregateType: 'Sample.Counter',
      aggregateId: id,
      correlationId: eventId,
      payload: { by: 1 },
      metadata: {},
    },
    undefined,
  )
}

/** An append to `Sample.Counter/ID` that expects nothing. */
export function appendTo(id: string, ...events: readonly SealedEvent[]): StreamAppend {
  return { stream: `Sample.Counter/${id}`, expectedVersion: 'any', events }
}
