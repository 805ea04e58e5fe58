import { toIsoTime, type RetentionChoice } from 'tidings'
import { limitRetention } from 'tidings/store'

import { UNFINISHED } from './parked-filter.ts'
import type { Row } from './session.ts'

/** Rows of one moment: of the transaction that deletes, or of one that looks. */
export type ReadRows = (sql: string, values: readonly unknown[]) => Promise<readonly Row[]>

/** Conditions that follow `from event_log e where`, and their values. */
export interface DueSql {
  readonly sql: string
  readonly values: readonly unknown[]
}

/**
 * Which events may go.
 *
 * @param named positions that are deleted together: of others before it in its stream, the last event of
 *   a stream is not rid; without it, all that are due are
 */
export async function dueSql(
  schema: string,
  rows: ReadRows,
  choice: RetentionChoice,
  named?: readonly number[],
): Promise<DueSql> {
  const values: unknown[] = [...(await readLimits(schema, rows, choice))]
  const log = `${schema}.event_log`
  const isDue = (e: string): string =>
    `${e}.position <= $1 and ${e}.recorded_at < $2::timestamptz and ($3::boolean or ${e}.topic is null)
     and ${e}.position not in (select h.position from ${schema}.parked h where h.${UNFINISHED} and h.position is not null)`
  const goes = [isDue('p')]
  const conditions: string[] = []
  if (choice.streams === undefined) {
    conditions.push("e.class = 'w'", isDue('e'))
    goes.push("p.class = 'w'")
  } else {
    values.push(choice.streams)
    conditions.push(
      'e.stream = any($4::text[])',
      // Of a stream all goes or nothing.
      `not exists (select from ${log} n where n.stream = e.stream and not (${isDue('n')}))`,
    )
  }
  if (named !== undefined) {
    values.push(named)
    goes.push(`p.position = any($${values.length}::bigint[])`)
  }
  conditions.push(`(exists (select from ${log} l where l.stream = e.stream and l.version > e.version)
    or not exists (select from ${log} p where p.stream = e.stream and p.version < e.version and not (${goes.join(' and ')})))`)
  return { sql: conditions.join(' and '), values }
}

/**
 * Up to which position, before which time, and whether what has a topic may go. In this order: a reset
 * that is done meanwhile has moved the mark by the time that is read; and what was passed by then and is
 * parked, is parked by the time of the statement that deletes.
 */
async function readLimits(
  schema: string,
  rows: ReadRows,
  choice: RetentionChoice,
): Promise<readonly unknown[]> {
  const resets = await rows(
    `select request from ${schema}.operations where state in ('requested', 'running') and kind = 'reset'`,
    [],
  )
  const marks = await rows(`select name, position from ${schema}.subscriptions`, [])
  const [head] = await rows(`select coalesce(max(position), 0) from ${schema}.event_log`, [])
  const { upTo, beforeMs, sent } = limitRetention(
    {
      subscriptions: marks.map(([name, position]) => ({
        name: name as string,
        position: position as number,
      })),
      operations: resets.map(([request]) => ({
        kind: 'reset',
        request: JSON.parse(request as string) as { position: number },
      })),
      head: head?.[0] as number,
    },
    choice,
  )
  return [upTo, toIsoTime(beforeMs), sent]
}
