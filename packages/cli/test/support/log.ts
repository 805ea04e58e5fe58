import type { StoredEnvelope } from 'tidings/contract'
import { sqlite } from 'tidings/sqlite'

/** The events of a log as the store gives them, without the time at which this log took them. */
export async function readLog(file: string): Promise<StoredEnvelope[]> {
  await using store = sqlite(file)
  const events = await store.readAll().toArray()
  return events.map((event) => ({ ...event, recordedAt: '' }))
}
