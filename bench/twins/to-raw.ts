import type { CommandRecord } from '../../packages/core/src/store/command-record.ts'
import type { SealedEvent } from '../../packages/core/src/contract/seal.ts'
import type { StreamAppend } from '../../packages/core/src/store/store.ts'
import type { RawAppend, RawCommand, RawEvent } from './sqlite-log.ts'

/** The same append as the twin takes it. */
export function toRaw(append: StreamAppend, command: CommandRecord | undefined): RawAppend {
  return {
    stream: append.stream,
    expected: Number(append.expectedVersion),
    events: append.events.map(toRawEvent),
    command: command === undefined ? undefined : toRawCommand(command),
  }
}

function toRawEvent({ envelope, ...sealed }: SealedEvent): RawEvent {
  return {
    eventId: envelope.eventId,
    eventType: envelope.eventType,
    eventVersion: envelope.eventVersion,
    key: sealed.key ?? null,
    tenant: envelope.metadata.tenant ?? null,
    class: sealed.class === 'work' ? 'w' : 'f',
    correlationId: envelope.correlationId,
    causationId: envelope.causationId ?? null,
    occurredAt: sealed.timeMs,
    payload: sealed.payloadJson,
    metadata: sealed.metadataJson ?? null,
    schemaHash: sealed.schemaHash ?? null,
  }
}

function toRawCommand(command: CommandRecord): RawCommand {
  return {
    commandId: command.commandId,
    type: command.type,
    correlationId: command.correlationId,
    createdAt: Date.parse(command.createdAt),
    requestHash: command.requestHash,
  }
}
