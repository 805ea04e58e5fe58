import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'

/** What both must agree on; position and recorded_at depend on who came first, and when. */
const ROWS = `
select l.stream, l.version, l.event_id, t.name as type, l.event_version, o.name as topic, l.key, l.tenant, l.class,
  l.correlation_id, l.causation_id, l.occurred_at, h.name as schema_hash, l.payload, l.metadata
from event_log l join event_types t on t.id = l.event_type left join topics o on o.id = l.topic
left join schema_hashes h on h.id = l.schema
order by l.stream, l.version`

const COMMANDS = `
select c.command_id, t.name as type, c.correlation_id, c.created_at, c.request_hash, c.outcome, c.stream, c.stream_version
from commands c join command_types t on t.id = c.type order by c.command_id`

/**
 * Compares two logs row by row.
 *
 * @throws {AssertionError} when they hold different rows, or one of them none
 */
export function compareLogs(oneFile: string, otherFile: string): void {
  const one = new DatabaseSync(oneFile, { readOnly: true })
  const other = new DatabaseSync(otherFile, { readOnly: true })
  try {
    for (const sql of [ROWS, COMMANDS]) compareRows(one, other, sql)
    for (const database of [one, other]) checkTimes(database)
  } finally {
    one.close()
    other.close()
  }
}

function compareRows(one: DatabaseSync, other: DatabaseSync, sql: string): void {
  const others = other.prepare(sql).iterate()
  let count = 0
  for (const row of one.prepare(sql).iterate()) {
    deepStrictEqual(row, others.next().value)
    count++
  }
  strictEqual(others.next().done, true, 'one log holds more rows than the other')
  if (sql === ROWS) strictEqual(count > 0, true, 'the logs are empty')
}

function checkTimes(database: DatabaseSync): void {
  const falls = database
    .prepare(
      `select count(*) as falls from event_log a join event_log b on b.position = a.position + 1
       where b.recorded_at < a.recorded_at`,
    )
    .get()
  strictEqual(falls?.['falls'], 0, 'recorded_at falls')
}
