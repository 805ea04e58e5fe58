import type { Store } from 'tidings'
import type { TraceNode } from './tree.ts'

/** What belongs to a correlation: its commands, and its events up to a number of them. */
export async function readNodes(
  store: Store,
  correlationId: string,
  limit: number,
): Promise<TraceNode[]> {
  const commands = await store.commands.byCorrelation(correlationId)
  const events = await store.query({ correlationId }, { limit }).toArray()
  return [
    ...commands.map(
      ({
        commandId,
        type,
        causationId,
        createdAt,
        stream,
        outcome,
        firstPosition,
        result,
      }): TraceNode => ({
        kind: 'command',
        id: commandId,
        type,
        causationId,
        time: createdAt,
        stream,
        position: undefined,
        // A command stands where its first event does; one without events by its time, after those.
        order: firstPosition ?? Number.MAX_SAFE_INTEGER,
        outcome,
        failure: outcome === 'failed' ? failureOf(result) : undefined,
      }),
    ),
    ...events.map(
      ({
        eventId,
        eventType,
        causationId,
        timestamp,
        aggregateType,
        aggregateId,
        position,
      }): TraceNode => ({
        kind: 'event',
        id: eventId,
        type: eventType,
        causationId,
        time: timestamp,
        stream: `${aggregateType}/${aggregateId}`,
        position,
        order: position,
        outcome: undefined,
        failure: undefined,
      }),
    ),
  ]
}

/** Why a command failed, as its log kept it. Another program may have written that row: no form is taken for granted. */
function failureOf(result: string | undefined): string | undefined {
  if (result === undefined) return undefined
  try {
    const { message, fields } = JSON.parse(result) as {
      readonly message?: unknown
      readonly fields?: { readonly code?: unknown }
    }
    const said = fields?.code ?? message
    return typeof said === 'string' ? said : undefined
  } catch {
    // No JSON, or null: then the trace says that it failed, and no more.
    return undefined
  }
}
