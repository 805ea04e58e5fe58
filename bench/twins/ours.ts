import type { Store } from '../../packages/core/src/store/store.ts'

/** Our SQLite store as a user opens it: every default. */
export async function openOurs(file: string): Promise<Store> {
  // Loaded by the processes of our own variants alone: the others measure without our code in memory.
  const { sqlite } = await import('tidings/sqlite')
  return sqlite(file)
}
