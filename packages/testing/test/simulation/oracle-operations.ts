import type { OperationRecord, ParkedEvent, ParkedState } from 'tidings'
import { Violation } from './violation.ts'

/** What was written of parked events, by all shards together. */
export interface Moved {
  /** All that were ever written, as they are now. */
  readonly rows: readonly ParkedEvent[]
  /** How many of them the operation has moved. */
  readonly moved: number
  /** The last one. */
  readonly generation: number
}

/** Compares what an operation says of itself with what was written in its name. @throws {Violation} */
export function checkOperation(operation: OperationRecord, parked: Moved): void {
  const { kind, state, result, error } = operation
  if (state === 'failed') throw new Violation('operation', `${kind} failed: ${error}`)
  if (state !== 'done' && state !== 'cancelled') return
  if (kind !== 'redrive' && kind !== 'discard') return
  const expected = kind === 'redrive' ? outcomesOf(operation, parked) : { discarded: parked.moved }
  const lately = kind === 'redrive' ? countLately(operation, parked) : 0
  for (const [what, count] of Object.entries(expected)) {
    const said = result?.[what]
    const off = typeof said === 'number' ? Math.abs(said - count) : Number.POSITIVE_INFINITY
    if (off <= (what === 'moved' ? 0 : lately)) continue
    throw new Violation(
      'operation',
      `${kind} says ${what}: ${JSON.stringify(said)}; it is ${count}`,
    )
  }
}

/** Between the counting and the writing of it. */
const COUNTING_MS = 100

/**
 * What was given back may run again by itself, while others of the same operation are being counted.
 */
function countLately({ operationId, finishedAt }: OperationRecord, { rows }: Moved): number {
  const sinceMs = Date.parse(finishedAt ?? '') - COUNTING_MS
  return rows.filter(
    (row) => row.operationId === operationId && Date.parse(row.changedAt) >= sinceMs,
  ).length
}

function outcomesOf(
  { operationId }: OperationRecord,
  { rows, moved, generation }: Moved,
): Readonly<Record<string, number>> {
  const mine = rows.filter((row) => row.operationId === operationId)
  const count = (state: ParkedState): number => mine.filter((row) => row.state === state).length
  // A reset makes history of what was under way then.
  if (mine.some((row) => row.state === 'redriving' && row.generation === generation)) {
    throw new Violation('operation', 'redrive is over, and some of its events are still under way')
  }
  return {
    moved,
    resolved: count('resolved'),
    parkedAgain: count('parked'),
    discarded: count('discarded'),
  }
}
