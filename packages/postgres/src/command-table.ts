import { isUuid, toIsoTime, type CommandOutcome, type CommandRecord } from 'tidings'

import { msOf } from './event-row.ts'
import type { NameTables } from './names.ts'
import { UNFINISHED } from './parked-filter.ts'
import type { ReadSide } from './reader.ts'
import type { Row } from './session.ts'
import type { TableWriter } from './table-access.ts'

const COLUMNS = `command_id, type, correlation_id, causation_id, actor, ${msOf('created_at')}, request_hash, outcome,
  stream, stream_version, first_position, last_position, result`

export async function findCommand(
  { schema, names, rows }: ReadSide,
  commandId: string,
): Promise<CommandRecord | undefined> {
  if (!isUuid(commandId)) return undefined
  const sql = `select ${COLUMNS} from ${schema}.commands where command_id = $1`
  const [command] = await toCommands(await rows(sql, [commandId]), names)
  return command
}

/** In the order in which they were handled. */
export async function commandsOf(
  { schema, names, rows }: ReadSide,
  correlationId: string,
): Promise<readonly CommandRecord[]> {
  if (!isUuid(correlationId)) return []
  const sql = `select ${COLUMNS} from ${schema}.commands where correlation_id = $1 order by created_at, command_id`
  return toCommands(await rows(sql, [correlationId]), names)
}

/** @returns how many are gone */
export async function sweepCommands(
  { schema, session }: TableWriter,
  before: string,
  limit: number | undefined,
): Promise<number> {
  const [row] = await session.rows(
    `with gone as (
       delete from ${schema}.commands where command_id in (select c.command_id from ${schema}.commands c
         where c.created_at < $1::timestamptz and (c.causation_id is null or c.causation_id::text not in
           (select p.event_id from ${schema}.parked p where p.${UNFINISHED})) limit $2)
       returning 1),
     counted as (
       insert into ${schema}.deleted as k (what, count) select 'commands', count(*) from gone having count(*) > 0
       on conflict (what) do update set count = k.count + excluded.count)
     select count(*) from gone`,
    [before, limit ?? null],
  )
  return row?.[0] as number
}

async function toCommands(
  rows: readonly Row[],
  { commandTypes }: NameTables,
): Promise<readonly CommandRecord[]> {
  if (rows.some((row) => !commandTypes.has(row[1] as number))) await commandTypes.refresh()
  return rows.map((row) => ({
    commandId: row[0] as string,
    type: commandTypes.nameOf(row[1] as number),
    correlationId: row[2] as string,
    causationId: (row[3] as string | null) ?? undefined,
    actor: (row[4] as string | null) ?? undefined,
    createdAt: toIsoTime(Math.round(row[5] as number)),
    requestHash: row[6] as string,
    outcome: row[7] as CommandOutcome,
    stream: (row[8] as string | null) ?? undefined,
    streamVersion: (row[9] as number | null) ?? undefined,
    firstPosition: (row[10] as number | null) ?? undefined,
    lastPosition: (row[11] as number | null) ?? undefined,
    result: (row[12] as string | null) ?? undefined,
  }))
}
