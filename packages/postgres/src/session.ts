import pg from 'pg'

/** What a column holds, as {@link Session} reads it: whole numbers as numbers, JSON as its text. */
export type Cell = string | number | boolean | null | Uint8Array

export type Row = readonly Cell[]

/** One connection, for as long as it is lent. Statements run one after the other. */
export interface Session {
  /** The rows of a statement. */
  readonly rows: (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>
  /** Runs a statement. @returns how many rows it changed */
  readonly run: (sql: string, values?: readonly unknown[]) => Promise<number>
  readonly client: pg.ClientBase
}

const INT8 = 20
const JSON_TYPE = 114

/** Positions and counts are far below 2^53. JSON is parsed by those who know what it is. */
const ownTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary'): unknown => {
    if (oid === INT8) return Number
    if (oid === JSON_TYPE) return String
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid)
  }) as typeof pg.types.getTypeParser,
}

/** Statement → its name. A connection prepares each on its first use. */
const names = new Map<string, string>()

function nameOf(sql: string): string {
  let name = names.get(sql)
  if (name === undefined) {
    name = `tidings_${names.size}`
    names.set(sql, name)
  }
  return name
}

export function makeSession(client: pg.ClientBase, prepare: boolean): Session {
  const query = (sql: string, values: readonly unknown[]): Promise<pg.QueryArrayResult> =>
    client.query({
      ...(prepare ? { name: nameOf(sql) } : undefined),
      text: sql,
      values: values as unknown[],
      rowMode: 'array',
      types: ownTypes,
    })
  return {
    client,
    rows: async (sql, values = []) => (await query(sql, values)).rows as Row[],
    run: async (sql, values = []) => (await query(sql, values)).rowCount ?? 0,
  }
}
