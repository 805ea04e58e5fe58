import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { newId } from '../../src/internal/ids.ts'
import { sealEnvelope, type SealedEvent } from '../../src/contract/seal.ts'
import type { Envelope } from '../../src/contract/envelope.ts'
import type { CommandRecord } from '../../src/store/command-record.ts'
import type { ExpectedVersion, StreamAppend } from '../../src/store/store.ts'

export interface EventFacts extends Partial<Envelope> {
  readonly topic?: string
  readonly key?: string
  readonly class?: 'fact' | 'work'
  readonly schemaHash?: string
}

/** An event as the checks at the door make it, with whatever a test wants to be otherwise. */
export function event(stream: string, facts: EventFacts = {}): SealedEvent {
  const { topic, key, class: kind, schemaHash, ...fields } = facts
  const [aggregateType = '', aggregateId = ''] = stream.split('/', 2)
  const sealed = sealEnvelope(
    {
      eventId: newId(),
      eventType: 'Todo.Item.Created',
      eventVersion: 1,
      timestamp: '2026-11-21T09:00:00.000Z',
      aggregateType,
      aggregateId,
      correlationId: newId(),
      payload: { title: 'milk' },
      metadata: {},
      ...fields,
    },
    undefined,
  )
  return { ...sealed, topic, key, class: kind ?? 'fact', schemaHash }
}

export function append(
  stream: string,
  expectedVersion: ExpectedVersion,
  ...events: readonly SealedEvent[]
): StreamAppend {
  return { stream, expectedVersion, events: events.length === 0 ? [event(stream)] : events }
}

export function command(facts: Partial<CommandRecord> = {}): CommandRecord {
  return {
    commandId: newId(),
    type: 'Todo.Item.Create',
    correlationId: newId(),
    causationId: undefined,
    actor: undefined,
    createdAt: '2026-11-21T09:00:00.000Z',
    requestHash: 'abc',
    outcome: 'done',
    stream: undefined,
    streamVersion: undefined,
    firstPosition: undefined,
    lastPosition: undefined,
    result: undefined,
    ...facts,
  }
}

/** A folder of its own for a test, gone afterwards. */
export function scratch(): { readonly path: (name: string) => string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-sqlite-'))
  return {
    path: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
