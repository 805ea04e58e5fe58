import { toIsoTime } from '../internal/time.ts'
import { ERASED_MESSAGE } from '../store/retention-limit.ts'
import type { ErasedCounts, ErasureRecord, ErasureRequest } from '../store/retention-store.ts'
import { optionalJson } from './cells.ts'
import type { Cell, Connection } from './connection.ts'

type Named = Pick<ErasureRequest, 'streams' | 'eventIds'>

/** The events that are named (?1 streams, ?2 ids, as JSON), and the tasks that they led to. */
const MEANT = `with named (position, stream, event_id) as materialized (
    select position, stream, event_id from event_log where stream in (select value from json_each(?1))
    union select position, stream, event_id from event_log where event_id in (select value from json_each(?2))
  ),
  causes (event_id) as materialized (select value from json_each(?2) union select event_id from named),
  meant (position, stream, event_id) as materialized (
    select * from named
    union select position, stream, event_id from event_log
      where class = 'w' and causation_id in (select event_id from causes)
  ),
  ids (event_id) as materialized (select event_id from causes union select event_id from meant)`

const SAID = `exists (select 1 from json_each(attempts) where json_extract(value, '$.error.message') <> '${ERASED_MESSAGE}')`

/** Where something of it is, and was not emptied before: the key of a row each. */
const places: Readonly<Record<keyof ErasedCounts, string>> = {
  events: `select position from event_log where position in (select position from meant) and erased_at is null`,
  snapshots: `select stream from snapshots
    where stream in (select value from json_each(?1) union select stream from meant)`,
  parked: `select parked_id from parked where event_id in (select event_id from ids)
    and (bytes is not null or edited is not null or ${SAID})`,
  commands: `select command_id from commands where result is not null
    and (stream in (select value from json_each(?1)) or causation_id in (select event_id from ids)
      or exists (select 1 from meant where position between first_position and last_position))`,
  timers: `select timer_id from timers where causation_id in (select event_id from ids) and input <> '{}'`,
}

const emptied: Readonly<Record<keyof ErasedCounts, string>> = {
  events: `update event_log set payload = null, key = null, erased_at = ?2,
    metadata = nullif(json_remove(metadata, '$.foreign'), '{}') where position in (select value from json_each(?1))`,
  snapshots:
    'delete from snapshots where stream in (select value from json_each(?1)) and ?2 is not null',
  parked: `update parked set bytes = null, edited = null, attempts = (
      select json_group_array(json_set(json_remove(value, '$.error.stack'), '$.error.message', '${ERASED_MESSAGE}'))
      from json_each(attempts))
    where parked_id in (select value from json_each(?1)) and ?2 is not null`,
  commands:
    'update commands set result = null where command_id in (select value from json_each(?1)) and ?2 is not null',
  timers: `update timers set input = '{}', failure = case when failure is not null then '${ERASED_MESSAGE}' end,
    state = case state when 'waiting' then 'cancelled' else state end
    where timer_id in (select value from json_each(?1)) and ?2 is not null`,
}

const kinds = Object.keys(places) as (keyof ErasedCounts)[]

export function planErasure(connection: Connection, request: Named): ErasedCounts {
  const counts = kinds.map((kind) => [kind, findRows(connection, kind, request).length])
  return Object.fromEntries(counts) as ErasedCounts
}

function findRows(
  connection: Connection,
  kind: keyof ErasedCounts,
  { streams = [], eventIds = [] }: Named,
): readonly Cell[] {
  const names = [JSON.stringify(streams), JSON.stringify(eventIds)]
  return connection
    .rows(`${MEANT} ${places[kind]}`)
    .all(...names)
    .map(([key]) => key as Cell)
}

/** Within a transaction of the writer. */
export function eraseEvents(
  connection: Connection,
  request: ErasureRequest,
  nowMs: number,
): ErasureRecord {
  const { erasureId, streams = [], eventIds = [], requestedBy, reason } = request
  const before = findErasure(connection, erasureId)
  if (before !== undefined) return before
  // What is freed is overwritten, not only given back.
  connection.db.exec('pragma secure_delete = on')
  const found = kinds.map((kind) => [kind, findRows(connection, kind, request)] as const)
  eraseEdits(connection, request)
  for (const [kind, keys] of found) {
    if (keys.length === 0) continue
    connection.statement(emptied[kind]).run(JSON.stringify(keys), nowMs)
  }
  const counts = Object.fromEntries(found.map(([kind, keys]) => [kind, keys.length]))
  connection
    .statement(
      'insert into erasures (erasure_id, request, requested_by, reason, erased_at, counts) values (?,?,?,?,?,?)',
    )
    .run(
      erasureId,
      JSON.stringify({ streams, eventIds }),
      requestedBy,
      reason,
      nowMs,
      JSON.stringify(counts),
    )
  return findErasure(connection, erasureId) as ErasureRecord
}

/** A redrive that was asked for keeps the payload that somebody put in the place of another. */
function eraseEdits(connection: Connection, { streams = [], eventIds = [] }: Named): void {
  const parked = connection
    .rows(
      `${MEANT} select parked_id from parked where edited is not null and event_id in (select event_id from ids)`,
    )
    .all(JSON.stringify(streams), JSON.stringify(eventIds))
  for (const [id] of parked) {
    connection
      .statement(
        `update operations set request = json_set(request, ?1, 'null')
         where json_extract(request, ?1) is not null`,
      )
      .run(`$.edits."${String(id)}"`)
  }
}

const COLUMNS = 'erasure_id, request, requested_by, reason, erased_at, counts'

function findErasure(connection: Connection, erasureId: string): ErasureRecord | undefined {
  const row = connection.rows(`select ${COLUMNS} from erasures where erasure_id = ?`).get(erasureId)
  return row && toErasure(row)
}

export function listErasures(connection: Connection): readonly ErasureRecord[] {
  return connection
    .rows(`select ${COLUMNS} from erasures order by erased_at, erasure_id`)
    .all()
    .map(toErasure)
}

function toErasure(row: readonly Cell[]): ErasureRecord {
  return {
    erasureId: row[0] as string,
    request: optionalJson(row[1]) ?? {},
    requestedBy: row[2] as string,
    reason: row[3] as string,
    erasedAt: toIsoTime(row[4] as number),
    counts: JSON.parse(row[5] as string) as ErasedCounts,
  }
}
