import type { StoredEnvelope } from '../contract/envelope.ts'
import type { EventRef, RetentionChoice } from '../store/retention-store.ts'
import type { Store } from '../store/store.ts'
import type { EventArchive } from './archive-folder.ts'

export interface RetainOptions {
  readonly choice: RetentionChoice
  /** Where events are written before they are deleted; nowhere, without. */
  readonly archive?: EventArchive | undefined
  /** Asked before each step: whether it is still this process's to do. It is also the pause between two. */
  readonly goOn: () => Promise<boolean>
  /** Called after each deletion. */
  readonly onRemoved?: ((count: number) => void) | undefined
}

/** What was done. */
export interface Retained {
  readonly removed: number
  readonly archived: number
}

/** Rows of a transaction: a delete of many holds up whoever appends. */
const BATCH = 500
/** Events of a file of the archive, and what their payloads may take in memory. */
const SEGMENT = 5000
const SEGMENT_CHARACTERS = 8_000_000

/**
 * Deletes the events that may go, in small transactions; where there is an archive each is on the disk
 * before. A process that is killed in between leaves events that are in both: the next run deletes those
 * first, and writes none of them again.
 */
export async function retainEvents(store: Store, options: RetainOptions): Promise<Retained> {
  const { archive, goOn } = options
  let removed = archive === undefined ? 0 : await removeAll(store, await archive.last(), options)
  let archived = 0
  while (await goOn()) {
    const events = await collect(store, options)
    if (events.length === 0) break
    await archive?.write(events)
    if (archive !== undefined) archived += events.length
    const count = await removeAll(store, events, options)
    removed += count
    // What holds them came after the look; they are not to be archived for ever.
    if (count === 0) break
  }
  return { removed, archived }
}

async function collect(
  store: Store,
  { choice, archive }: RetainOptions,
): Promise<readonly StoredEnvelope[]> {
  const events: StoredEnvelope[] = []
  const most = archive === undefined ? BATCH : SEGMENT
  let characters = 0
  while (events.length < most && characters < SEGMENT_CHARACTERS) {
    const page = await store.retention.due(choice, {
      after: events.at(-1)?.position,
      limit: BATCH,
    })
    for (const { payload } of page) characters += JSON.stringify(payload).length
    events.push(...page)
    if (page.length < BATCH) break
  }
  return events
}

async function removeAll(
  store: Store,
  events: readonly EventRef[],
  { choice, goOn, onRemoved }: RetainOptions,
): Promise<number> {
  let removed = 0
  for (let start = 0; start < events.length && (await goOn()); start += BATCH) {
    const count = await store.retention.remove(choice, events.slice(start, start + BATCH))
    removed += count
    onRemoved?.(count)
  }
  return removed
}
