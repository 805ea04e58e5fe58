import type { AttemptRecord, ThrownRecord } from './parked-store.ts'

const NOTHING_THROWN: ThrownRecord = Object.freeze({ name: '', message: '' })

/** What the last attempt threw; empty where none was made. */
export function lastError(attempts: readonly AttemptRecord[]): ThrownRecord {
  return attempts.at(-1)?.error ?? NOTHING_THROWN
}
