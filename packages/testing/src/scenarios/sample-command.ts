import type { CommandRecord, IdSource } from 'tidings'

const SAMPLE_TIME_MS = Date.UTC(2026, 10, 21, 9)

/** A command as the message bus would record it. */
export function sampleCommand(ids: IdSource, facts: Partial<CommandRecord> = {}): CommandRecord {
  const commandId = ids.newId(SAMPLE_TIME_MS)
  return {
    commandId,
    type: 'Sample.Counter.Increase',
    correlationId: commandId,
    causationId: undefined,
    actor: undefined,
    createdAt: new Date(SAMPLE_TIME_MS).toISOString(),
    requestHash: 'a1b2c3d4',
    outcome: 'done',
    stream: undefined,
    streamVersion: undefined,
    firstPosition: undefined,
    lastPosition: undefined,
    result: undefined,
    ...facts,
  }
}
