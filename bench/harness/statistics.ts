import type { Bench, Goal, Measurement, RatioGoal } from './bench.ts'

export interface Spread {
  readonly p25: number
  readonly median: number
  readonly p75: number
}

export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { p25: quantile(sorted, 0.25), median: quantile(sorted, 0.5), p75: quantile(sorted, 0.75) }
}

/** Operations per second, or nanoseconds each, as the bench wants it. */
export function valueOf(bench: Pick<Bench, 'clock' | 'shows'>, sample: Measurement): number {
  const ms = bench.clock === 'wall' ? sample.wallMs : sample.cpuMs
  return bench.shows === 'rate' ? (sample.count / ms) * 1000 : (ms * 1e6) / sample.count
}

/** Variant name → its measurements, one a round. */
export type Rounds = ReadonlyMap<string, readonly Measurement[]>

type Pairing = Pick<RatioGoal, 'variant' | 'reference'>

/** Something of two variants, round by round: what the machine did to a round, it did to both. */
function pairSpread(
  rounds: Rounds,
  { variant, reference }: Pairing,
  compare: (mine: Measurement, theirs: Measurement) => number,
): Spread | undefined {
  const mine = rounds.get(variant)
  const theirs = rounds.get(reference)
  if (mine === undefined || theirs === undefined) return undefined
  const found: number[] = []
  for (const [round, sample] of mine.entries()) {
    const other = theirs[round]
    if (other !== undefined) found.push(compare(sample, other))
  }
  return found.length === 0 ? undefined : spread(found)
}

function goalSpread(bench: Bench, rounds: Rounds, goal: Goal): Spread | undefined {
  switch (goal.kind) {
    case 'ratio':
      return pairSpread(
        rounds,
        goal,
        (mine, theirs) => comparedOf(bench, goal, mine) / comparedOf(bench, goal, theirs),
      )
    case 'difference':
      return pairSpread(rounds, goal, (mine, theirs) => msEach(bench, mine) - msEach(bench, theirs))
    default:
      return figureSpread(rounds, goal)
  }
}

function comparedOf(bench: Bench, { figure }: RatioGoal, sample: Measurement): number {
  return figure === undefined ? valueOf(bench, sample) : (sample.figures[figure] ?? Number.NaN)
}

function msEach({ clock }: Bench, sample: Measurement): number {
  return (clock === 'wall' ? sample.wallMs : sample.cpuMs) / sample.count
}

export interface Verdict {
  readonly goal: Goal
  readonly spread: Spread | undefined
  /** `shown`: a ratio without a bound. */
  readonly outcome: 'pass' | 'miss' | 'not measured' | 'shown'
}

export function judge(bench: Bench, rounds: Rounds): Verdict[] {
  return bench.goals.map((goal) => {
    const found = goalSpread(bench, rounds, goal)
    return { goal, spread: found, outcome: outcomeOf(goal, found) }
  })
}

function figureSpread(
  rounds: Rounds,
  goal: { readonly variant: string; readonly figure: string },
): Spread | undefined {
  const values = (rounds.get(goal.variant) ?? [])
    .map((sample) => sample.figures[goal.figure])
    .filter((value) => value !== undefined)
  return values.length === 0 ? undefined : spread(values)
}

function outcomeOf(goal: Goal, found: Spread | undefined): Verdict['outcome'] {
  if (found === undefined || Number.isNaN(found.median)) return 'not measured'
  if (goal.kind === 'ratio' && goal.atLeast === undefined && goal.atMost === undefined)
    return 'shown'
  const least = goal.kind === 'ratio' ? (goal.atLeast ?? -Infinity) : -Infinity
  const most = goal.atMost ?? Infinity
  return found.median >= least && found.median <= most ? 'pass' : 'miss'
}

/** An order that changes from round to round, so that nobody always comes after the same neighbour. */
export function orderOf<Item>(items: readonly Item[], round: number): Item[] {
  const shift = items.length === 0 ? 0 : round % items.length
  const rotated = [...items.slice(shift), ...items.slice(0, shift)]
  return round % 2 === 0 ? rotated : rotated.toReversed()
}
