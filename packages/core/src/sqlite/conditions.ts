import type { Cell } from './connection.ts'

/** A piece of SQL, and the values of its parameters. */
export type Condition = readonly [sql: string, ...values: readonly Cell[]]

/** All conditions together; nothing where there is none. */
export function whereAll(conditions: readonly Condition[]): {
  readonly sql: string
  readonly values: readonly Cell[]
} {
  if (conditions.length === 0) return { sql: '', values: [] }
  return {
    sql: `where ${conditions.map(([sql]) => sql).join(' and ')}`,
    values: conditions.flatMap(([, ...values]) => values),
  }
}

/** One parameter for however many texts, so that they share a statement. */
export function inList(column: string, texts: readonly string[]): Condition {
  return [`${column} in (select value from json_each(?))`, JSON.stringify(texts)]
}
