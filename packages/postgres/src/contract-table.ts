import type { ContractStore, DeclaredContract } from 'tidings'

import { optionalText, placeholders } from './cells.ts'
import type { Cell, Row, Session } from './session.ts'
import type { TableAccess } from './table-access.ts'

const columns = [
  'type',
  'version',
  'kind',
  'aliases',
  'topic',
  'sensitive',
  'schema_hash',
  'input_schema',
  'output_schema',
]
const COLUMNS = columns.join(', ')

export function contractTable({ schema, rows, transact }: TableAccess): ContractStore {
  return {
    declare: (contracts) => transact((session) => declare(session, schema, contracts)),
    list: async () => {
      const sql = `select ${COLUMNS} from ${schema}.contracts order by type, version`
      return (await rows(sql)).map(toContract)
    },
  }
}

/** In one order, so that two applications that start at once do not wait for each other in a circle. */
async function declare(
  session: Session,
  schema: string,
  contracts: readonly DeclaredContract[],
): Promise<void> {
  const sql = `insert into ${schema}.contracts (${COLUMNS}) values (${placeholders(columns.length)})
    on conflict (type, version) do update set ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}`
  const ordered = contracts.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  for (const contract of ordered) {
    await session.run(sql, [
      contract.type,
      contract.version,
      contract.kind,
      JSON.stringify(contract.aliases),
      contract.topic ?? null,
      JSON.stringify(contract.sensitive),
      contract.schemaHash ?? null,
      toJson(contract.inputSchema),
      toJson(contract.outputSchema),
    ])
  }
}

function keyOf({ type, version }: DeclaredContract): string {
  return `${type} ${version}`
}

function toJson(schema: DeclaredContract['inputSchema']): string | null {
  return schema === undefined ? null : JSON.stringify(schema)
}

function fromJson(cell: Cell | undefined): DeclaredContract['inputSchema'] {
  return typeof cell === 'string'
    ? (JSON.parse(cell) as Readonly<Record<string, unknown>>)
    : undefined
}

function toContract(row: Row): DeclaredContract {
  return {
    type: row[0] as string,
    version: row[1] as number,
    kind: row[2] as DeclaredContract['kind'],
    aliases: JSON.parse(row[3] as string) as string[],
    topic: optionalText(row[4]),
    sensitive: JSON.parse(row[5] as string) as string[],
    schemaHash: optionalText(row[6]),
    inputSchema: fromJson(row[7]),
    outputSchema: fromJson(row[8]),
  }
}
