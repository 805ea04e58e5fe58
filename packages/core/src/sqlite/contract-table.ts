import type { DeclaredContract } from '../store/store.ts'
import type { Cell, Connection } from './connection.ts'

const COLUMNS =
  'type, version, kind, aliases, topic, sensitive, schema_hash, input_schema, output_schema'

export function declareContracts(
  connection: Connection,
  contracts: readonly DeclaredContract[],
): void {
  const statement = connection.statement(
    `insert or replace into contracts (${COLUMNS}) values (?,?,?,?,?,?,?,?,?)`,
  )
  for (const contract of contracts) {
    statement.run(
      contract.type,
      contract.version,
      contract.kind,
      JSON.stringify(contract.aliases),
      contract.topic ?? null,
      JSON.stringify(contract.sensitive),
      contract.schemaHash ?? null,
      toJson(contract.inputSchema),
      toJson(contract.outputSchema),
    )
  }
}

export function listContracts(connection: Connection): readonly DeclaredContract[] {
  const rows = connection.rows(`select ${COLUMNS} from contracts order by type, version`).all()
  return rows.map(toContract)
}

function toJson(schema: DeclaredContract['inputSchema']): string | null {
  return schema === undefined ? null : JSON.stringify(schema)
}

function fromJson(cell: Cell | undefined): DeclaredContract['inputSchema'] {
  return typeof cell === 'string'
    ? (JSON.parse(cell) as Readonly<Record<string, unknown>>)
    : undefined
}

function toContract(row: readonly Cell[]): DeclaredContract {
  return {
    type: row[0] as string,
    version: row[1] as number,
    kind: row[2] as DeclaredContract['kind'],
    aliases: JSON.parse(row[3] as string) as string[],
    topic: (row[4] as string | null) ?? undefined,
    sensitive: JSON.parse(row[5] as string) as string[],
    schemaHash: (row[6] as string | null) ?? undefined,
    inputSchema: fromJson(row[7]),
    outputSchema: fromJson(row[8]),
  }
}
