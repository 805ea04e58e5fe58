import { isUuid, toIsoTime, type CommandOutcome, type CommandRecord } from 'tidings'

import { msOf } from './event-row.ts'
import type { NameTables } from './names.ts'
import type { ReadSide } from './reader.ts'
import type { Row } from './session.ts'

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
