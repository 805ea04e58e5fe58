/**
 * SQL of this package with the schema of a log in place of `SCHEMA.`: every name is written with it, so
 * that no `search_path` can lead elsewhere.
 *
 * @param quoted the name of the schema, as a statement names it
 */
export function inSchema(sql: string, quoted: string): string {
  const inText = `'${quoted.replaceAll("'", "''")}.`
  return sql.replaceAll(/'?SCHEMA\./g, (found) => (found.startsWith("'") ? inText : `${quoted}.`))
}

/**
 * The lock of a log: whoever appends holds it from the last look at the versions to the commit.
 *
 * @param of `event_log`, or the name of another thing that has a lock of its own
 */
export function lockOf(of: string): string {
  return `hashtextextended('SCHEMA.${of}', 0)`
}
