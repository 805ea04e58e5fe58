import { createHash } from 'node:crypto'
import type { CommandRecord } from '../../packages/core/src/store/command-record.ts'
import type { StreamAppend } from '../../packages/core/src/store/store.ts'

/** The command that led to an append: its id is the causation id of the first event. */
export function commandFor(append: StreamAppend): CommandRecord {
  const envelope = append.events[0]?.envelope
  if (envelope?.causationId === undefined) throw new Error('the event has no cause')
  return {
    commandId: envelope.causationId,
    type: 'Shop.Order.Change',
    correlationId: envelope.correlationId,
    causationId: undefined,
    actor: undefined,
    createdAt: envelope.timestamp,
    requestHash: createHash('sha256').update(envelope.eventId).digest('hex').slice(0, 32),
    outcome: 'done',
    stream: append.stream,
    streamVersion: Number(append.expectedVersion) + append.events.length,
    firstPosition: undefined,
    lastPosition: undefined,
    result: undefined,
  }
}
