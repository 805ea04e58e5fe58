import { CommandIdTakenError, ConcurrencyError, toIsoTime, type AppendResult } from 'tidings'
import { decideByIds, matchesExpected, type FoundEvent } from 'tidings/store'

import type { Refused } from './append-call.ts'
import type { AppendRequest } from './append-request.ts'
import type { ReadSide } from './reader.ts'

/**
 * What a refusal meant: ids come first, then the command, then versions.
 *
 * @param found those of its events that are in the log, by id
 * @returns the results of a repeat; undefined when nothing speaks against the append any more
 * @throws {EventIdConflictError | CommandIdTakenError | ConcurrencyError}
 */
export function explainRefusal(
  { appends, command }: AppendRequest,
  verdict: Refused,
  found: ReadonlyMap<string, FoundEvent>,
): readonly AppendResult[] | undefined {
  const decision = decideByIds(appends, (eventId) => found.get(eventId))
  if (decision.kind === 'clash') throw decision.error
  if (decision.kind === 'repeat') return decision.results
  if (verdict.taken && command !== undefined) throw new CommandIdTakenError(command.commandId)
  for (const [index, { stream, expectedVersion }] of appends.entries()) {
    const actual = verdict.found[index] ?? 0
    if (!matchesExpected(expectedVersion, actual)) {
      throw new ConcurrencyError(stream, expectedVersion, actual)
    }
  }
  return undefined
}

/** The events of some requests that are in the log, by id. */
export async function findByIds(
  side: Pick<ReadSide, 'schema' | 'rows'>,
  requests: readonly AppendRequest[],
): Promise<ReadonlyMap<string, FoundEvent>> {
  const ids = requests.flatMap(({ appends }) =>
    appends.flatMap(({ events }) => events.map(({ envelope }) => envelope.eventId)),
  )
  if (ids.length === 0) return new Map()
  const rows = await side.rows(
    `select e.event_id, e.stream, e.version, e.position, date_part('epoch', e.recorded_at) * 1000
     from ${side.schema}.event_log e where e.event_id = any($1::uuid[])`,
    [`{${ids.join(',')}}`],
  )
  const events = rows.map((row): FoundEvent => ({
    eventId: row[0] as string,
    stream: row[1] as string,
    version: row[2] as number,
    position: row[3] as number,
    recordedAt: toIsoTime(Math.round(row[4] as number)),
  }))
  return new Map(events.map((event) => [event.eventId, event]))
}
