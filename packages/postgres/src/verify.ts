import type { LogFault } from 'tidings'

import type { ReadSide } from './reader.ts'
import type { Row } from './session.ts'

/** Faults of one kind that are told; where there are more, what is wrong shows by these. */
const TOLD = 100

interface Check {
  readonly code: LogFault['code']
  readonly sql: (log: string, removed: string) => string
  /** Rows begin with position and stream. */
  readonly say: (row: Row) => string
}

const checks: readonly Check[] = [
  {
    code: 'recorded-order',
    sql: (log) => `select position, stream, recorded_at::text, before::text from (
        select position, stream, recorded_at, lag(recorded_at) over (order by position) as before from ${log}) e
      where recorded_at < before order by position`,
    say: (row) =>
      `Recorded at ${String(row[2])}, though the event before it was at ${String(row[3])}.`,
  },
  {
    code: 'version-gap',
    // Ranges that were deleted do not overlap: what is missing has to be as much as they hold of it.
    sql: (log, removed) => `select position, stream, version, wanted from (
        select position, stream, version, coalesce(lag(version) over (partition by stream order by version), 0) + 1 as wanted
        from ${log}) e
      where version <> wanted and (version < wanted or version - wanted <> (
        select coalesce(sum(least(a.last_version, e.version - 1) - greatest(a.first_version, e.wanted) + 1), 0)
        from ${removed} a where a.stream = e.stream and a.last_version >= e.wanted and a.first_version < e.version))
      order by stream, version`,
    say: (row) => `Version ${String(row[2])} is where ${String(row[3])} must be.`,
  },
  {
    code: 'position-order',
    sql: (log) => `select position, stream, version, before from (
        select position, stream, version, lag(position) over (partition by stream order by version) as before from ${log}) e
      where position <= before order by stream, version`,
    say: (row) =>
      `Version ${String(row[2])} is at position ${String(row[0])}, and the one before it at ${String(row[3])}.`,
  },
  {
    code: 'duplicate-id',
    sql: (log) => `select max(position), max(stream), event_id, count(*) from ${log}
      group by event_id having count(*) > 1 order by 1`,
    say: (row) => `Event id ${String(row[2])} is there ${String(row[3])} times.`,
  },
]

/**
 * What the log promises, held against what is in it. The database's own pages are PostgreSQL's to check
 * (`pg_amcheck`); that payloads are JSON is ensured by their column.
 */
export async function* verifyLog(
  open: () => Promise<ReadSide>,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogFault, void, void> {
  signal?.throwIfAborted()
  const { schema, rows } = await open()
  for (const { code, sql, say } of checks) {
    const found = await rows(
      `${sql(`${schema}.event_log`, `${schema}.archived_streams`)} limit ${TOLD}`,
      [],
    )
    signal?.throwIfAborted()
    for (const row of found) {
      yield { code, message: say(row), position: row[0] as number, stream: row[1] as string }
    }
  }
}
