import { isUuid, type ErasedCounts, type ErasureRecord, type ErasureRequest } from 'tidings'
import { ERASED_MESSAGE } from 'tidings/store'

import { optionalJson, timeOf, toText } from './cells.ts'
import { msOf } from './event-row.ts'
import type { ReadRows } from './retention-sql.ts'
import type { Row, Session } from './session.ts'
import { nowSql } from './table-access.ts'

type Named = Pick<ErasureRequest, 'streams' | 'eventIds'>
type Kind = keyof ErasedCounts

/** The events that are named ($1 streams, $2 ids), and the tasks that they led to. */
const meant = (schema: string): string => `with named as materialized (
    select position, stream, event_id from ${schema}.event_log where stream = any($1::text[]) or event_id = any($2::uuid[])
  ),
  causes as materialized (select unnest($2::uuid[]) as event_id union select event_id from named),
  meant as materialized (
    select * from named
    union select position, stream, event_id from ${schema}.event_log
      where class = 'w' and causation_id in (select event_id from causes)
  ),
  ids as materialized (select event_id::text from causes union select event_id::text from meant)`

/** Where something of it is, and was not emptied before: the key of a row each. */
const places: Readonly<Record<Kind, (schema: string) => string>> = {
  events: (schema) =>
    `select position from ${schema}.event_log where position in (select position from meant) and erased_at is null`,
  snapshots: (schema) => `select stream from ${schema}.snapshots
    where stream = any($1::text[]) or stream in (select stream from meant)`,
  parked: (
    schema,
  ) => `select parked_id from ${schema}.parked where event_id in (select event_id from ids)
    and (bytes is not null or edited is not null or exists (
      select from json_array_elements(attempts) a where a -> 'error' ->> 'message' <> '${ERASED_MESSAGE}'))`,
  commands: (schema) => `select command_id from ${schema}.commands where result is not null
    and (stream = any($1::text[]) or causation_id::text in (select event_id from ids)
      or exists (select from meant where position between first_position and last_position))`,
  timers: (schema) => `select timer_id from ${schema}.timers
    where causation_id in (select event_id from ids) and input::text <> '{}'`,
}

/** $1 the keys, $2 the time. */
const emptied: Readonly<Record<Kind, (schema: string) => string>> = {
  events: (
    schema,
  ) => `update ${schema}.event_log set payload = null, key = null, erased_at = $2::timestamptz,
    metadata = nullif(metadata::jsonb - 'foreign', '{}'::jsonb)::json where position = any($1::bigint[])`,
  snapshots: (schema) =>
    `delete from ${schema}.snapshots where stream = any($1::text[]) and $2::timestamptz is not null`,
  parked: (schema) => `update ${schema}.parked set bytes = null, edited = null, attempts = (
      select coalesce(json_agg(jsonb_set(a::jsonb #- '{error,stack}', '{error,message}', '"${ERASED_MESSAGE}"')), '[]')
      from json_array_elements(attempts) a)
    where parked_id = any($1::text[]) and $2::timestamptz is not null`,
  commands: (schema) =>
    `update ${schema}.commands set result = null where command_id = any($1::uuid[]) and $2::timestamptz is not null`,
  timers: (schema) => `update ${schema}.timers set input = '{}',
    failure = case when failure is not null then '${ERASED_MESSAGE}' end,
    state = case state when 'waiting' then 'cancelled' else state end
    where timer_id = any($1::text[]) and $2::timestamptz is not null`,
}

const kinds = Object.keys(places) as Kind[]

function namesOf({ streams = [], eventIds = [] }: Named): readonly unknown[] {
  return [streams, eventIds.filter(isUuid)]
}

export async function planErasure(
  schema: string,
  rows: ReadRows,
  request: Named,
): Promise<ErasedCounts> {
  const counts: Partial<Record<Kind, number>> = {}
  for (const kind of kinds) {
    counts[kind] = (await rows(`${meant(schema)} ${places[kind](schema)}`, namesOf(request))).length
  }
  return counts as ErasedCounts
}

/** Within a transaction. */
export async function eraseEvents(
  schema: string,
  session: Session,
  request: ErasureRequest,
  now: string | null,
): Promise<ErasureRecord> {
  const { erasureId, streams = [], eventIds = [], requestedBy, reason } = request
  // The same erasure asked twice at the same time is done once.
  await session.client.query(`lock table ${schema}.erasures in share row exclusive mode`)
  const before = await findErasure(schema, session.rows, erasureId)
  if (before !== undefined) return before
  const [clock] = await session.rows(`select (${nowSql('$1')})::text`, [now])
  const time = clock?.[0]
  const found: [Kind, readonly unknown[]][] = []
  for (const kind of kinds) {
    const keys = await session.rows(`${meant(schema)} ${places[kind](schema)}`, namesOf(request))
    found.push([kind, keys.map(([key]) => key)])
  }
  await eraseEdits(schema, session, request)
  for (const [kind, keys] of found) {
    if (keys.length > 0) await session.run(emptied[kind](schema), [keys, time])
  }
  const counts = Object.fromEntries(found.map(([kind, keys]) => [kind, keys.length]))
  await session.run(
    `insert into ${schema}.erasures (erasure_id, request, requested_by, reason, erased_at, counts)
     values ($1, $2, $3, $4, $5::timestamptz, $6)`,
    [
      erasureId,
      JSON.stringify({ streams, eventIds }),
      toText(requestedBy),
      toText(reason),
      time,
      JSON.stringify(counts),
    ],
  )
  return (await findErasure(schema, session.rows, erasureId)) as ErasureRecord
}

/** A redrive that was asked for keeps the payload that somebody put in the place of another. */
async function eraseEdits(schema: string, session: Session, request: Named): Promise<void> {
  const parked = await session.rows(
    `${meant(schema)} select parked_id from ${schema}.parked where edited is not null and event_id in (select event_id from ids)`,
    namesOf(request),
  )
  for (const [id] of parked) {
    await session.run(
      `update ${schema}.operations set request = jsonb_set(request::jsonb, array['edits', $1], '"null"')::json
       where request -> 'edits' ->> $1 is not null`,
      [id],
    )
  }
}

const COLUMNS = `erasure_id, request, requested_by, reason, ${msOf('erased_at')}, counts`

async function findErasure(
  schema: string,
  rows: ReadRows,
  erasureId: string,
): Promise<ErasureRecord | undefined> {
  const sql = `select ${COLUMNS} from ${schema}.erasures where erasure_id = $1`
  const [row] = await rows(sql, [erasureId])
  return row && toErasure(row)
}

export async function listErasures(
  schema: string,
  rows: ReadRows,
): Promise<readonly ErasureRecord[]> {
  const sql = `select ${COLUMNS} from ${schema}.erasures order by erased_at, erasure_id`
  return (await rows(sql, [])).map(toErasure)
}

function toErasure(row: Row): ErasureRecord {
  return {
    erasureId: row[0] as string,
    request: optionalJson(row[1]) ?? {},
    requestedBy: row[2] as string,
    reason: row[3] as string,
    erasedAt: timeOf(row[4]),
    counts: JSON.parse(row[5] as string) as ErasedCounts,
  }
}
