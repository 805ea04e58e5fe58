import type { OperationRecord, ParkedState } from 'tidings'
import type { ParkedOracle } from './oracle-parked.ts'
import { Violation } from './violation.ts'

/** Compares what an operation says of itself with what was written in its name. @throws {Violation} */
export function checkOperation(operation: OperationRecord, parked: ParkedOracle): void {
  const { operationId, kind, state, result, error } = operation
  if (state === 'failed') throw new Violation('operation', `${kind} failed: ${error}`)
  if (state !== 'done' && state !== 'cancelled') return
  const moved = parked.movedBy.get(operationId) ?? 0
  if (kind !== 'redrive' && kind !== 'discard') return
  const expected =
    kind === 'redrive' ? outcomesOf(operationId, parked, moved) : { discarded: moved }
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
function countLately({ operationId, finishedAt }: OperationRecord, { rows }: ParkedOracle): number {
  const sinceMs = Date.parse(finishedAt ?? '') - COUNTING_MS
  return [...rows.values()].filter(
    (row) => row.operationId === operationId && Date.parse(row.changedAt) >= sinceMs,
  ).length
}

function outcomesOf(
  operationId: string,
  { rows }: ParkedOracle,
  moved: number,
): Readonly<Record<string, number>> {
  const mine = [...rows.values()].filter((row) => row.operationId === operationId)
  const count = (state: ParkedState): number => mine.filter((row) => row.state === state).length
  if (count('redriving') > 0) {
    throw new Violation('operation', 'redrive is over, and some of its events are still under way')
  }
  return {
    moved,
    resolved: count('resolved'),
    parkedAgain: count('parked'),
    discarded: count('discarded'),
  }
}
