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

/** Statement → what `pg` is to know of it. A connection prepares each on its first use. */
const kept = new Map<string, pg.QueryArrayConfig>()

/**
 * All of it on the prototype, made once: `pg` copies the own members of what it is given, one by one, for every
 * call, which took it longer than writing the message.
 */
function keptConfig(text: string): pg.QueryArrayConfig {
  const known = kept.get(text)
  if (known !== undefined) return known
  const members: pg.QueryArrayConfig = { ...plainConfig(text), name: `tidings_${kept.size}` }
  const config = Object.create(members) as pg.QueryArrayConfig
  kept.set(text, config)
  return config
}

function plainConfig(text: string): pg.QueryArrayConfig {
  return { text, rowMode: 'array', types: ownTypes }
}

export function makeSession(client: pg.ClientBase, prepare: boolean): Session {
  const query = (sql: string, values: readonly unknown[]): Promise<pg.QueryArrayResult> =>
    client.query(prepare ? keptConfig(sql) : plainConfig(sql), values as unknown[])
  return {
    client,
    rows: async (sql, values = []) => (await query(sql, values)).rows as Row[],
    run: async (sql, values = []) => (await query(sql, values)).rowCount ?? 0,
  }
}
