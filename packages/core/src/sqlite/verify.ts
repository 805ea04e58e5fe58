import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'

import type { LogFault } from '../store/store.ts'
import { inSnapshot, type Cell } from './connection.ts'
import { readMark } from './position-index.ts'
import type { ReadSide } from './reader.ts'
import { migrations } from './schema/migrations.ts'
import { isSqliteFailure } from './store-failure.ts'

/** Rows looked at before others have their turn. */
const PAGE = 1000

type Faults = AsyncGenerator<LogFault, void, void>

/** What the database and the log promise, held against what is in the file. */
export async function* verifyLog(
  open: () => Promise<ReadSide>,
  signal: AbortSignal | undefined,
): Faults {
  signal?.throwIfAborted()
  const side = await open()
  const checks = [checkDatabase, checkSchema, checkEvents, checkVersions, checkIds, checkIndexes]
  for (const check of checks) {
    try {
      for await (const fault of check(side)) {
        yield fault
        signal?.throwIfAborted()
      }
    } catch (error) {
      // A damaged page stops the reading of one table; the others may still be whole.
      const cause = error instanceof Error && isSqliteFailure(error.cause) ? error.cause : error
      if (!isSqliteFailure(cause)) throw error
      yield faultOf('database', `${check.name}: ${cause.message}`)
    }
    signal?.throwIfAborted()
    await nextTurn()
  }
}

function faultOf(
  code: LogFault['code'],
  message: string,
  place: { readonly position?: number; readonly stream?: string } = {},
): LogFault {
  return { code, message, position: place.position, stream: place.stream }
}

/** SQLite's own check, table by table: each is one call, during which nothing else runs. */
async function* checkDatabase(side: ReadSide): Faults {
  const tables = await side.read(() =>
    side.connection.rows("select name from sqlite_schema where type = 'table' order by name").all(),
  )
  for (const [table] of tables) {
    const quoted = (table as string).replaceAll("'", "''")
    const rows = await side.read(() =>
      side.connection.rows(`pragma integrity_check('${quoted}')`).all(),
    )
    for (const [message] of rows) {
      if (message !== 'ok') yield faultOf('database', `${String(table)}: ${String(message)}`)
    }
    await nextTurn()
  }
}

/** Every table, index and view is there as the migrations make it. */
async function* checkSchema(side: ReadSide): Faults {
  const fresh = new DatabaseSync(':memory:')
  for (const { sql } of migrations) fresh.exec(sql)
  const objects = "select type, name, sql from sqlite_schema where name not like 'sqlite_%'"
  const wanted = fresh.prepare(objects).all() as { type: string; name: string; sql: string }[]
  fresh.close()
  const actual = await side.read(() =>
    side.connection
      .rows("select name, sql from sqlite_schema where name not like 'sqlite_%'")
      .all(),
  )
  const found = new Map(actual.map(([name, sql]) => [name as string, sql as string | null]))
  for (const { type, name, sql } of wanted) {
    if (found.get(name) === sql) continue
    const what = found.has(name) ? 'is not as the store makes it' : 'is missing'
    yield faultOf(type === 'index' ? 'index' : 'database', `The ${type} ${name} ${what}.`)
  }
}

const EVENTS =
  'select position, stream, recorded_at, payload, metadata from event_log where position > ? order by position limit ?'

/** In order of position: times never fall, and what is stored can be read. */
async function* checkEvents(side: ReadSide): Faults {
  let last = 0
  let lastRecordedAt = Number.NEGATIVE_INFINITY
  for (;;) {
    const after = last
    const rows = await side.read(() => side.connection.rows(EVENTS).all(after, PAGE))
    for (const [position, stream, recordedAt, payload, metadata] of rows) {
      const place = { position: position as number, stream: stream as string }
      if ((recordedAt as number) < lastRecordedAt) {
        const message = `Recorded at ${String(recordedAt)} ms, though the event before it was at ${lastRecordedAt} ms.`
        yield faultOf('recorded-order', message, place)
      }
      lastRecordedAt = Math.max(lastRecordedAt, recordedAt as number)
      for (const [what, json] of Object.entries({ payload, metadata })) {
        const reason = jsonProblem(json)
        if (reason !== undefined) {
          yield faultOf('unreadable', `The ${what} is no JSON: ${reason}`, place)
        }
      }
      last = place.position
    }
    if (rows.length < PAGE) return
    await nextTurn()
  }
}

function jsonProblem(json: Cell | undefined): string | undefined {
  if (json === null || json === undefined) return undefined
  try {
    JSON.parse(json as string)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const VERSIONS = `select stream, version, position from event_log
  where (stream, version) > (?, ?) order by stream, version limit ?`

/** Stream by stream: versions from 1 without a gap, and rising with the positions. */
async function* checkVersions(side: ReadSide): Faults {
  let [stream, version, position]: [string, number, number] = ['', 0, 0]
  for (;;) {
    const after = [stream, version] as const
    const rows = await side.read(() => side.connection.rows(VERSIONS).all(...after, PAGE))
    for (const row of rows as [string, number, number][]) {
      if (row[0] !== stream) [stream, version, position] = [row[0], 0, 0]
      const place = { position: row[2], stream }
      const gap = { stream, first: version + 1, last: row[1] - 1 }
      if (row[1] !== version + 1 && !(await side.read(() => wasDeleted(side, gap)))) {
        const message = `Version ${row[1]} is where ${version + 1} must be.`
        yield faultOf('version-gap', message, place)
      }
      if (row[2] <= position) {
        const message = `Version ${row[1]} is at position ${row[2]}, and the one before it at ${position}.`
        yield faultOf('position-order', message, place)
      }
      ;[, version, position] = row
    }
    if (rows.length < PAGE) return
    await nextTurn()
  }
}

/** Whether all of these versions were deleted; ranges do not overlap. */
function wasDeleted(
  { connection }: ReadSide,
  {
    stream,
    first,
    last,
  }: { readonly stream: string; readonly first: number; readonly last: number },
): boolean {
  const sql = `select coalesce(sum(min(last_version, ?3) - max(first_version, ?2) + 1), 0) from archived_streams
    where stream = ?1 and last_version >= ?2 and first_version <= ?3`
  const deleted = connection.rows(sql).get(stream, first, last)?.[0] as number
  return first <= last && deleted === last - first + 1
}

/** An id twice can only be where the unique index is missing or damaged, so it is not relied on. */
async function* checkIds(side: ReadSide): Faults {
  const sql = `select event_id, max(position), stream, count(*) from event_log
    group by event_id having count(*) > 1`
  const rows = await side.read(() => side.connection.rows(sql).all())
  for (const [id, position, stream, count] of rows) {
    const message = `Event id ${String(id)} is there ${String(count)} times.`
    yield faultOf('duplicate-id', message, {
      position: position as number,
      stream: stream as string,
    })
  }
}

/** Up to the mark, every index table says the same as the log, chunk by chunk. */
async function* checkIndexes(side: ReadSide): Faults {
  for (let chunk = 0; ; chunk++) {
    const current = chunk
    const { faults, end } = await side.read(() => compareChunk(side, current))
    yield* faults
    if (end) break
    await nextTurn()
  }
  yield* await side.read(() => findSurplus(side))
}

/** In one snapshot: the filler moves the mark meanwhile. */
function compareChunk(
  { connection }: ReadSide,
  chunk: number,
): { faults: LogFault[]; end: boolean } {
  return inSnapshot(connection, () => {
    const mark = readMark(connection)
    const low = chunk * 1024
    const high = Math.min(low + 1023, mark)
    const faults: LogFault[] = []
    for (const { what, sql } of comparisons) {
      const values = sql.includes('?3') ? [low, high, chunk] : [low, high]
      const count = connection.rows(sql).get(...values)?.[0] as number
      if (count === 0) continue
      const message = `${what} differs from the log in ${count} rows for positions ${low} to ${high}.`
      faults.push(faultOf('index', message, { position: low }))
    }
    return { faults, end: high === mark }
  })
}

/** Rows of one that are not in the other, both ways. */
function difference(left: string, right: string): string {
  return `select (select count(*) from (${left} except ${right})) + (select count(*) from (${right} except ${left}))`
}

const IN_RANGE = 'from event_log where position between ?1 and ?2'
const AGGREGATE = "substr(stream, 1, instr(stream, '/') - 1)"

const comparisons = [
  {
    what: 'event_type_index',
    sql: `select count(*) from event_log e where position between ?1 and ?2
      and not exists (select 1 from event_type_index i where i.event_type = e.event_type and i.position = e.position)`,
  },
  {
    what: 'event_tenant_index',
    sql: `select count(*) from event_log e where position between ?1 and ?2 and tenant is not null
      and not exists (select 1 from event_tenant_index i where i.tenant = e.tenant and i.position = e.position)`,
  },
  {
    what: 'event_kinds',
    sql: `select count(*) from (select distinct event_type, event_version, ${AGGREGATE}, coalesce(topic, 0), class ${IN_RANGE}
      except select event_type, event_version, aggregate_type, topic, class from event_kinds)`,
  },
  {
    what: 'event_chunks',
    sql: difference(
      `select event_type, count(*), sum(version = 1), min(occurred_at), max(occurred_at) ${IN_RANGE} group by event_type`,
      'select event_type, events, starts, occurred_min, occurred_max from event_chunks where chunk = ?3',
    ),
  },
]

/** What is too much in the index tables: then their counts are higher than the log's. */
function findSurplus({ connection }: ReadSide): readonly LogFault[] {
  return inSnapshot(connection, () => {
    const mark = readMark(connection)
    return Object.entries(logCounts).flatMap(([table, condition]) => {
      const count = (sql: string): number => connection.rows(sql).get(mark)?.[0] as number
      const wanted = count(`select count(*) from event_log where position <= ?${condition}`)
      const actual = count(`select count(*) from ${table} where position <= ?`)
      if (actual <= wanted) return []
      return [faultOf('index', `${table} has ${actual} rows up to ${mark}, the log has ${wanted}.`)]
    })
  })
}

const logCounts = { event_type_index: '', event_tenant_index: ' and tenant is not null' } as const
