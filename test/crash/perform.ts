import type { AppendResult, SqlTransaction } from 'tidings'
import type { SqliteStore } from 'tidings/sqlite'
import type { Operation } from './plan.ts'

/** Makes the user's own table. */
export async function prepareRows(store: SqliteStore): Promise<void> {
  await store.transaction(
    (tx) => tx.sql`create table if not exists crash_rows (name text primary key, position integer)`,
  )
}

/** Does an operation, or does it again: a repeat writes nothing, and so no second row. */
export async function perform(
  store: SqliteStore,
  operation: Operation,
): Promise<readonly AppendResult[]> {
  const { appends, command, kind } = operation
  if (kind === 'append') return store.append(appends, { command })
  return store.transaction(async (tx) => {
    const results = await tx.append(appends, { command })
    const [first] = results
    if (first?.repeated === false) await insertRow(tx, operation, first.positions[0] ?? 0)
    return results
  })
}

async function insertRow(
  tx: SqlTransaction,
  operation: Operation,
  position: number,
): Promise<void> {
  await tx.sql`insert into crash_rows values (${rowName(operation)}, ${position})`
}

export function rowName({ caller, number }: Pick<Operation, 'caller' | 'number'>): string {
  return `${caller}-${number}`
}
