import type { Store } from 'tidings'
import { describeHistory } from './describe-history.ts'
import { drawPlan } from './draw-plan.ts'
import { Occurrences } from './occurrences.ts'
import { runHistory, type HistoryOutcome } from './run-history.ts'

/** What many histories came to. */
export interface Simulation {
  readonly occurrences: Occurrences
  /** Those in which a promise was broken. */
  readonly broken: readonly HistoryOutcome[]
  readonly virtualMs: number
  readonly lines: number
}

export interface SimulateOptions {
  /** That of the first history; the next has the next one. */
  readonly seed: number
  readonly histories: number
  /** Goes on after so many broken ones; one by default. */
  readonly most?: number
  /** Counted in addition to these. */
  readonly occurrences?: Occurrences
  readonly givesStore?: (store: Store) => Store
}

export async function simulate({
  seed,
  histories,
  most = 1,
  occurrences = new Occurrences(),
  givesStore,
}: SimulateOptions): Promise<Simulation> {
  const broken: HistoryOutcome[] = []
  let virtualMs = 0
  let lines = 0
  for (let next = seed; next < seed + histories && broken.length < most; next++) {
    const outcome = await runHistory(drawPlan(next), givesStore)
    occurrences.add(outcome)
    virtualMs += outcome.virtualMs
    lines += outcome.lines.length
    if (outcome.violation !== undefined) broken.push(outcome)
  }
  return { occurrences, broken, virtualMs, lines }
}

/** Which promise was broken, how it came to that, and how to see it again. */
export function describeBroken({ plan, lines, violation }: HistoryOutcome): string {
  return [
    describeHistory(plan, lines),
    `BROKEN ${violation?.rule}: ${violation?.message}`,
    `Again: npm run simulate -- --histories 1 --seed ${plan.seed}`,
  ].join('\n')
}
