import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../packages/core/src/store/store.ts'

/** Our SQLite store as a user opens it: every default. */
export async function openOurs(file: string): Promise<Store> {
  // Loaded by the processes of our own variants alone: the others measure without our code in memory.
  const { sqlite } = await import('tidings/sqlite')
  return sqlite(file)
}

/** Waits until our store has filled its indexes, which it does behind the appends. */
export async function waitForIndexes(file: string): Promise<void> {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const behind = database.prepare(
      'select (select max(position) from event_log) - (select position from index_mark) as events',
    )
    while (Number(behind.get()?.['events']) > 0) await sleep(10)
  } finally {
    database.close()
  }
}
