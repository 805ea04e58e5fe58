import type { Store } from 'tidings'
import { EventIdConflictError } from 'tidings/contract'
import { findDifference, groupIntoAppends, type Candidate } from './plan-batch.ts'

/** What became of a batch: what is in the log now, what was there before, what clashes with it. */
export interface BatchResult {
  readonly stored: number
  readonly duplicates: number
  readonly clashes: readonly Clash[]
}

/** A line whose id is in the log, or earlier in the file, with another content. */
export interface Clash {
  readonly candidate: Candidate
  /** JSON pointer to the first difference. */
  readonly pointer: string
}

/** Another process may store the same events at the same time; it cannot do so for ever. */
const ATTEMPTS = 10

/**
 * Stores the events of one batch that are not in the log yet, all of them or none. It looks at the ids
 * first only where that pays: a first import of a million events would look up a million ids in vain,
 * so after a batch without a duplicate the next one is appended outright, and looked up when the log
 * says that an id is taken.
 */
export function createBatchWriter(
  store: Store,
): (batch: readonly Candidate[]) => Promise<BatchResult> {
  let lookFirst = true
  return async (batch) => {
    const { fresh, duplicates, clashes } = separateRepeats(batch)
    let result = lookFirst ? undefined : await appendOutright(store, fresh)
    for (let attempt = 0; result === undefined; attempt++) {
      result = await appendMissing(store, fresh, attempt)
    }
    lookFirst = result.duplicates + result.clashes.length > 0
    return {
      stored: result.stored,
      duplicates: result.duplicates + duplicates,
      clashes: [...clashes, ...result.clashes],
    }
  }
}

interface Separated {
  readonly fresh: readonly Candidate[]
  readonly duplicates: number
  readonly clashes: readonly Clash[]
}

/** The same id twice in one batch: one event and a duplicate of it, or a clash. */
function separateRepeats(batch: readonly Candidate[]): Separated {
  const byId = new Map<string, Candidate>()
  const clashes: Clash[] = []
  let duplicates = 0
  for (const candidate of batch) {
    const { envelope } = candidate.event
    const first = byId.get(envelope.eventId)
    if (first === undefined) {
      byId.set(envelope.eventId, candidate)
      continue
    }
    const pointer = findDifference(first.event.envelope, envelope)
    if (pointer === undefined) duplicates++
    else clashes.push({ candidate, pointer })
  }
  return { fresh: [...byId.values()], duplicates, clashes }
}

/** Appends without looking; undefined when the log has some of it already, and nothing was stored. */
async function appendOutright(
  store: Store,
  batch: readonly Candidate[],
): Promise<BatchResult | undefined> {
  try {
    const isNew = await appendAll(store, batch)
    return isNew ? { stored: batch.length, duplicates: 0, clashes: [] } : undefined
  } catch (error) {
    if (error instanceof EventIdConflictError) return undefined
    throw error
  }
}

async function appendMissing(
  store: Store,
  batch: readonly Candidate[],
  attempt: number,
): Promise<BatchResult | undefined> {
  const missing: Candidate[] = []
  const clashes: Clash[] = []
  let duplicates = 0
  for (const candidate of batch) {
    const { envelope } = candidate.event
    const stored = await store.findEvent(envelope.eventId)
    const pointer = stored === undefined ? undefined : findDifference(stored, envelope)
    if (stored === undefined) missing.push(candidate)
    else if (pointer === undefined) duplicates++
    else clashes.push({ candidate, pointer })
  }
  try {
    const isNew = await appendAll(store, missing)
    if (isNew) return { stored: missing.length, duplicates, clashes }
  } catch (error) {
    if (!(error instanceof EventIdConflictError) || attempt >= ATTEMPTS) throw error
  }
  return undefined
}

class SomeRepeated extends Error {}

/** Appends in one transaction. False when some of it was there: then nothing is stored. */
async function appendAll(store: Store, batch: readonly Candidate[]): Promise<boolean> {
  if (batch.length === 0) return true
  const groups = groupIntoAppends(batch.map(({ event }) => event))
  const [only] = groups
  if (groups.length === 1 && only !== undefined) {
    const results = await store.append(only)
    return !results.some(({ repeated }) => repeated)
  }
  try {
    await store.transaction(async (tx) => {
      for (const group of groups) {
        const results = await tx.append(group)
        if (results.some(({ repeated }) => repeated)) throw new SomeRepeated()
      }
    })
    return true
  } catch (error) {
    if (error instanceof SomeRepeated) return false
    throw error
  }
}
