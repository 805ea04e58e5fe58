import { requireLimit } from '../store/check-arguments.ts'
import { checkErasure, limitRetention } from '../store/retention-limit.ts'
import type {
  EventRef,
  RetentionChoice,
  RetentionStore,
  VersionRange,
} from '../store/retention-store.ts'
import type { Cell, Connection } from './connection.ts'
import { eraseEvents, listErasures, planErasure } from './erasure.ts'
import { EVENT_COLUMNS, toEnvelope } from './event-row.ts'
import { fillBatch } from './index-filler.ts'
import type { NameTables } from './names.ts'
import { UNFINISHED } from './parked-filter.ts'
import { readMark } from './position-index.ts'
import type { TableAccess } from './table-access.ts'

/** @param names as the reading connection knows them */
export function retentionTable(
  access: TableAccess,
  names: () => Promise<NameTables>,
): RetentionStore {
  const { read, write } = access
  /** What is deleted has to be out of the indexes behind the mark too, so it has to be in them. */
  const fill = async (position: number): Promise<void> => {
    while (await write((connection) => fillBatch({ connection }, position) < position));
  }
  return {
    due: async (choice, { after = 0, limit }) => {
      requireLimit(limit)
      const known = await names()
      return read((connection) => {
        const { sql, values } = dueSql(readLimits(connection, choice), choice)
        return connection
          .rows(`select ${EVENT_COLUMNS} ${sql} and e.position > ? order by e.position limit ?`)
          .all(...values, after, limit)
          .map((row) => toEnvelope(row, known))
      })
    },
    remove: async (choice, events) => {
      const last = events.at(-1)
      if (last === undefined) return 0
      const head = await read((connection) => readHeadOf(connection))
      await fill(Math.min(head, last.position))
      return write((connection) => removeEvents(connection, choice, events))
    },
    removed: (stream) => read((connection) => readRemoved(connection, stream)),
    deleted: () =>
      read((connection) => {
        const rows = connection.rows('select what, count from deleted').all()
        const counts = new Map(rows as [string, number][])
        return { events: counts.get('events') ?? 0, commands: counts.get('commands') ?? 0 }
      }),
    erase: async (request) => {
      checkErasure(request)
      return write((connection) => eraseEvents(connection, request, access.now()))
    },
    planErasure: async (request) => {
      checkErasure(request)
      return read((connection) => planErasure(connection, request))
    },
    erasures: () => read(listErasures),
  }
}

function readHeadOf(connection: Connection): number {
  return (connection.rows('select max(position) from event_log').get()?.[0] as number | null) ?? 0
}

/** Up to which position, before which time, and whether what has a topic may go: three values. */
function readLimits(connection: Connection, choice: RetentionChoice): readonly Cell[] {
  const marks = connection.rows('select name, position from subscriptions').all()
  const open = connection
    .rows(
      "select request from operations where state in ('requested', 'running') and kind = 'reset'",
    )
    .all()
  const { upTo, beforeMs, sent } = limitRetention(
    {
      subscriptions: marks.map(([name, position]) => ({
        name: name as string,
        position: position as number,
      })),
      operations: open.map(([request]) => ({
        kind: 'reset',
        request: JSON.parse(request as string) as { position: number },
      })),
      head: readHeadOf(connection),
    },
    choice,
  )
  return [upTo, beforeMs, sent ? 1 : 0]
}

const HELD = `select position from parked where ${UNFINISHED} and position is not null`

/** That an event of itself may go, by the three limits, which stand as the parameters from `first` on. */
function isDue(e: string, first: number): string {
  const [upTo, before, sent] = [first, first + 1, first + 2]
  return `${e}.position <= ?${upTo} and ${e}.recorded_at < ?${before} and (?${sent} or ${e}.topic is null)
    and ${e}.position not in (${HELD})`
}

interface DueSql {
  /** From `from event_log e` on; a further condition can follow. */
  readonly sql: string
  readonly values: readonly Cell[]
}

/**
 * @param named positions that are deleted together, as JSON: of others before it in its stream, the last
 *   event of a stream is not rid; without it, all that are due are
 */
function dueSql(limits: readonly Cell[], { streams }: RetentionChoice, named?: string): DueSql {
  const values: Cell[] = [...limits]
  const goes = [isDue('p', 1)]
  const conditions: string[] = []
  if (streams === undefined) {
    conditions.push("e.class = 'w'", isDue('e', 1))
    goes.push("p.class = 'w'")
  } else {
    values.push(JSON.stringify(streams))
    conditions.push(
      'e.stream in (select value from json_each(?4))',
      // Of a stream all goes or nothing.
      `not exists (select 1 from event_log n where n.stream = e.stream and not (${isDue('n', 1)}))`,
    )
  }
  if (named !== undefined) {
    values.push(named)
    goes.push(`p.position in (select value from json_each(?${values.length}))`)
  }
  conditions.push(`(exists (select 1 from event_log l where l.stream = e.stream and l.version > e.version)
    or not exists (select 1 from event_log p where p.stream = e.stream and p.version < e.version and not (${goes.join(' and ')})))`)
  return { sql: `from event_log e where ${conditions.join(' and ')}`, values }
}

/** Within a transaction of the writer. */
function removeEvents(
  connection: Connection,
  choice: RetentionChoice,
  events: readonly EventRef[],
): number {
  const named = JSON.stringify(events.map(({ position }) => position))
  const ids = JSON.stringify(events.map(({ eventId }) => eventId))
  const { sql, values } = dueSql(readLimits(connection, choice), choice, named)
  const [position, id, mark] = [1, 2, 3].map((offset) => values.length + offset)
  const rows = connection
    .rows(
      `select e.position, e.stream, e.version, e.event_type, e.tenant ${sql}
       and e.position in (select value from json_each(?${position}))
       and e.event_id in (select value from json_each(?${id})) and e.position <= ?${mark}
       order by e.stream, e.version`,
    )
    .all(...values, named, ids, readMark(connection)) as [number, string, number, number, Cell][]
  if (rows.length === 0) return 0
  const positions = JSON.stringify(rows.map(([position]) => position))
  const run = (sql: string): unknown => connection.statement(sql).run(positions)
  run('delete from event_log where position in (select value from json_each(?))')
  for (const [position, , , type, tenant] of rows)
    removeFromIndexes(connection, { position, type, tenant })
  run('delete from event_chunks where chunk in (select value >> 10 from json_each(?))')
  connection
    .statement(
      `insert into event_chunks
       select position >> 10, event_type, count(*), sum(version = 1), min(occurred_at), max(occurred_at)
       from (select distinct value >> 10 as chunk from json_each(?1)) c
       join event_log on position between c.chunk * 1024 and min(c.chunk * 1024 + 1023, ?2) group by 1, 2`,
    )
    .run(positions, readMark(connection))
  for (const [, stream, version] of rows) noteRemoved(connection, stream, version)
  countDeleted(connection, 'events', rows.length)
  return rows.length
}

function removeFromIndexes(
  connection: Connection,
  {
    position,
    type,
    tenant,
  }: { readonly position: number; readonly type: number; readonly tenant: Cell },
): void {
  connection
    .statement('delete from event_type_index where event_type = ? and position = ?')
    .run(type, position)
  if (tenant === null) return
  connection
    .statement('delete from event_tenant_index where tenant = ? and position = ?')
    .run(tenant, position)
}

/** Joins the version to the ranges that it touches. */
function noteRemoved(connection: Connection, stream: string, version: number): void {
  const touching = connection
    .rows(
      'select first_version, last_version from archived_streams where stream = ?1 and (last_version = ?2 - 1 or first_version = ?2 + 1)',
    )
    .all(stream, version) as [number, number][]
  for (const [, last] of touching) {
    connection
      .statement('delete from archived_streams where stream = ? and last_version = ?')
      .run(stream, last)
  }
  connection
    .statement(
      'insert into archived_streams (stream, last_version, first_version) values (?, ?, ?)',
    )
    .run(
      stream,
      Math.max(version, ...touching.map(([, last]) => last)),
      Math.min(version, ...touching.map(([first]) => first)),
    )
}

/** Deletes commands. Within a transaction of the writer. @returns how many are gone */
export function sweepCommands(
  connection: Connection,
  beforeMs: number,
  limit: number | undefined,
): number {
  const sql = `delete from commands where command_id in (select command_id from commands
    where created_at < ? and (causation_id is null or causation_id not in (select event_id from parked where ${UNFINISHED}))
    limit ?)`
  const count = Number(connection.statement(sql).run(beforeMs, limit ?? -1).changes)
  if (count > 0) countDeleted(connection, 'commands', count)
  return count
}

/** Within a transaction of the writer. From now on a version that knows nothing of it keeps off. */
export function countDeleted(
  connection: Connection,
  what: 'events' | 'commands',
  count: number,
): void {
  connection
    .statement(
      'insert into deleted (what, count) values (?, ?) on conflict do update set count = count + excluded.count',
    )
    .run(what, count)
  if (what === 'commands') return
  connection
    .statement(
      'update schema_version set minimum_reader = 3 where number = 3 and minimum_reader < 3',
    )
    .run()
}

export function readRemoved(connection: Connection, stream: string): readonly VersionRange[] {
  return connection
    .rows(
      'select first_version, last_version from archived_streams where stream = ? order by last_version',
    )
    .all(stream)
    .map(([first, last]) => ({ first: first as number, last: last as number }))
}
