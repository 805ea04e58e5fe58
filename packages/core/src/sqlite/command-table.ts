import { toIsoTime } from '../internal/time.ts'
import type { CommandOutcome, CommandRecord } from '../store/command-record.ts'
import type { Cell, Connection } from './connection.ts'
import type { NameTables } from './names.ts'

const COLUMNS = `command_id, type, correlation_id, causation_id, actor, created_at, request_hash, outcome, stream,
  stream_version, first_position, last_position, result`

/** Within a transaction of the writer. A command id that is there already breaks a constraint. */
export function insertCommand(
  { connection, names }: { readonly connection: Connection; readonly names: NameTables },
  command: CommandRecord,
): void {
  connection
    .statement(`insert into commands (${COLUMNS}) values (?,?,?,?,?,?,?,?,?,?,?,?,?)`)
    .run(
      command.commandId,
      names.commandTypes.intern(command.type),
      command.correlationId,
      command.causationId ?? null,
      command.actor ?? null,
      Date.parse(command.createdAt),
      command.requestHash,
      command.outcome,
      command.stream ?? null,
      command.streamVersion ?? null,
      command.firstPosition ?? null,
      command.lastPosition ?? null,
      command.result ?? null,
    )
}

export function commandExists(connection: Connection, commandId: string): boolean {
  return connection.rows('select 1 from commands where command_id = ?').get(commandId) !== undefined
}

export function findCommand(
  connection: Connection,
  names: NameTables,
  commandId: string,
): CommandRecord | undefined {
  const row = connection.rows(`select ${COLUMNS} from commands where command_id = ?`).get(commandId)
  return row && toCommand(row, names)
}

/** In the order in which they were handled. */
export function commandsOf(
  connection: Connection,
  names: NameTables,
  correlationId: string,
): readonly CommandRecord[] {
  const rows = connection
    .rows(
      `select ${COLUMNS} from commands where correlation_id = ? order by created_at, command_id`,
    )
    .all(correlationId)
  return rows.map((row) => toCommand(row, names))
}

function toCommand(row: readonly Cell[], names: NameTables): CommandRecord {
  return {
    commandId: row[0] as string,
    type: names.commandTypes.nameOf(row[1] as number),
    correlationId: row[2] as string,
    causationId: (row[3] as string | null) ?? undefined,
    actor: (row[4] as string | null) ?? undefined,
    createdAt: toIsoTime(row[5] as number),
    requestHash: row[6] as string,
    outcome: row[7] as CommandOutcome,
    stream: (row[8] as string | null) ?? undefined,
    streamVersion: (row[9] as number | null) ?? undefined,
    firstPosition: (row[10] as number | null) ?? undefined,
    lastPosition: (row[11] as number | null) ?? undefined,
    result: (row[12] as string | null) ?? undefined,
  }
}
