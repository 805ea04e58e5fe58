import type { AppendResult, StoreTransaction, StreamAppend } from '../store/store.ts'

/** What several units of work append, by unit. */
type Units = readonly (readonly StreamAppend[])[]

/** A call with more than this keeps its answer, and the process, for longer than others gain by it. */
const MOST_EVENTS = 1000

/**
 * Appends what several units of work have, in as few calls as may be: a stream can be named once in each. A
 * call is refused as a whole, so this is for those who can do without all of it.
 *
 * @returns the results by unit
 */
export async function appendTogether(
  tx: StoreTransaction,
  units: Units,
): Promise<readonly (readonly AppendResult[])[]> {
  const results: AppendResult[] = []
  for (const call of calls(units)) results.push(...(await tx.append(call)))
  let next = 0
  return units.map(({ length }) => results.slice(next, (next += length)))
}

/** A call for each unit: one that is a repeat is told apart from one that is new. */
export async function appendEach(
  tx: StoreTransaction,
  units: Units,
): Promise<readonly (readonly AppendResult[])[]> {
  const results: (readonly AppendResult[])[] = []
  for (const unit of units) results.push(unit.length === 0 ? [] : await tx.append(unit))
  return results
}

/** A unit is in one call: whether it is a repeat is a question about all of it. */
function* calls(units: Units): Generator<readonly StreamAppend[], void, undefined> {
  let call: StreamAppend[] = []
  let streams = new Set<string>()
  let events = 0
  for (const unit of units) {
    if (events >= MOST_EVENTS || unit.some(({ stream }) => streams.has(stream))) {
      yield call
      call = []
      streams = new Set()
      events = 0
    }
    for (const append of unit) {
      call.push(append)
      streams.add(append.stream)
      events += append.events.length
    }
  }
  if (call.length > 0) yield call
}
