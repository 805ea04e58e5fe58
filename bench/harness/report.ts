import type { Bench, Goal, Measurement } from './bench.ts'
import type { Machine } from './machine.ts'
import { judge, spread, valueOf, type Rounds, type Spread, type Verdict } from './statistics.ts'

/** All of one run, as it is kept. */
export interface RunResult {
  readonly bench: Bench
  readonly rounds: Rounds
  /** Variant → why it gave no figures. */
  readonly failures: ReadonlyMap<string, string>
  readonly machine: Machine
  readonly peers: Readonly<Record<string, string>>
}

export interface Report {
  /** The table and the goals, in Markdown that also reads well in a terminal. */
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
  readonly verdicts: readonly Verdict[]
  /** Every goal was measured and met, and nothing failed. */
  readonly passed: boolean
}

const marks = { pass: 'pass', miss: 'MISS', 'not measured': 'NOT MEASURED', shown: '' }

export function makeReport(result: RunResult): Report {
  const { bench, rounds, failures, machine } = result
  const verdicts = judge(bench, rounds)
  const unfair = verdicts.some(({ goal, outcome }) => isFairness(goal) && outcome !== 'pass')
  const text = [
    `### ${bench.name}: ${bench.summary}`,
    '',
    ...figureTable(bench, rounds, failures),
    '',
    ...goalTable(verdicts),
    '',
    ...[...failures].map(([name, reason]) => `- **Not measured: ${name}.** ${firstLine(reason)}`),
    ...(unfair ? ['- **The twin is not a fair one in this run: its ratios prove nothing.**'] : []),
    ...bench.notes.map((note) => `- ${note}`),
    `- ${describeMachine(machine)}; ${countRounds(rounds)} rounds, interleaved; medians [quartiles].`,
    '',
  ].join('\n')
  return {
    text,
    json: toJson(result, verdicts),
    verdicts,
    passed:
      failures.size === 0 &&
      verdicts.every(({ outcome }) => outcome === 'pass' || outcome === 'shown'),
  }
}

function isFairness(goal: Goal): boolean {
  return goal.kind === 'ratio' && goal.fairness === true
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .map((line) => line.trim())
      .find((line) => /error|cannot|could not|failed|not /i.test(line)) ??
    text.split('\n')[0] ??
    ''
  ).slice(0, 300)
}

function countRounds(rounds: Rounds): number {
  return Math.max(0, ...[...rounds.values()].map((list) => list.length))
}

function figureTable(
  bench: Bench,
  rounds: Rounds,
  failures: ReadonlyMap<string, string>,
): string[] {
  const extras = bench.figures ?? []
  const rows = bench.variants.map((variant) => {
    const samples = rounds.get(variant.name)
    if (samples === undefined) {
      const why = failures.has(variant.name) ? 'failed, see below' : 'not measured'
      return [variant.name, why]
    }
    const value = spread(samples.map((sample) => valueOf(bench, sample) / scaleOf(bench)))
    const figures = extras.map((name) => {
      const found = spread(samples.map((sample) => sample.figures[name] ?? Number.NaN))
      return Number.isNaN(found.median) ? '' : format(found.median)
    })
    return [
      variant.name,
      format(value.median),
      quartiles(value),
      ...otherClock(bench, samples),
      ...figures,
    ]
  })
  const more =
    bench.spawns === true ? [] : [bench.clock === 'wall' ? `CPU µs per ${bench.unit}` : 'elapsed']
  return table(['variant', valueHead(bench), 'quartiles', ...more, ...extras], rows)
}

function valueHead(bench: Bench): string {
  if (bench.spawns === true && bench.shows === 'time') return `ms per ${bench.unit}`
  const clock = bench.clock === 'wall' ? '' : ', CPU time'
  return bench.shows === 'rate' ? `${bench.unit}s/s${clock}` : `ns per ${bench.unit}${clock}`
}

/** A process takes milliseconds; nanoseconds of it would be noise. */
function scaleOf({ spawns, shows }: Bench): number {
  return spawns === true && shows === 'time' ? 1e6 : 1
}

/** What the clock that does not judge says. */
function otherClock(bench: Bench, samples: readonly Measurement[]): string[] {
  if (bench.spawns === true) return []
  const values =
    bench.clock === 'wall'
      ? samples.map((sample) => (sample.cpuMs * 1000) / sample.count)
      : samples.map((sample) => valueOf({ clock: 'wall', shows: bench.shows }, sample))
  return [format(spread(values).median)]
}

function goalTable(verdicts: readonly Verdict[]): string[] {
  if (verdicts.length === 0) return ['No goal: for information.']
  const rows = verdicts.map(({ goal, spread: found, outcome }) => [
    describeGoal(goal),
    describeBound(goal),
    found === undefined ? '–' : `${format(found.median)} ${quartiles(found)}`,
    marks[outcome],
  ])
  return table(['goal', 'wanted', 'found', ''], rows)
}

export function describeGoal(goal: Goal): string {
  if (goal.kind === 'figure') return `${goal.variant}: ${goal.figure}`
  if (goal.kind === 'difference') return `${goal.variant} − ${goal.reference}`
  const figure = goal.figure === undefined ? '' : `, ${goal.figure}`
  return `${goal.variant} ÷ ${goal.reference}${figure}${goal.fairness === true ? ' (is the twin fair?)' : ''}`
}

function describeBound(goal: Goal): string {
  const unit = goal.kind === 'figure' ? ` ${goal.unit}` : goal.kind === 'difference' ? ' ms' : ''
  if (goal.kind === 'ratio' && goal.atLeast !== undefined) return `≥ ${goal.atLeast}`
  return goal.atMost === undefined ? '' : `≤ ${format(goal.atMost)}${unit}`
}

function quartiles(value: Spread): string {
  return `[${format(value.p25)}–${format(value.p75)}]`
}

/** Three digits that count, thousands apart. */
export function format(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)))
  const pad = (row: readonly string[], column: number): string =>
    column === 0
      ? (row[column] ?? '').padEnd(widths[column] ?? 0)
      : (row[column] ?? '').padStart(widths[column] ?? 0)
  const line = (row: readonly string[]): string =>
    `| ${head.map((_, column) => pad(row, column)).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? `:${'-'.repeat(width + 1)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...rows.map(line)]
}

function describeMachine(machine: Machine): string {
  const [before, after] = machine.load
  return `${machine.date}, ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system}, Node ${machine.node} (V8 ${machine.v8}), load ${before.toFixed(1)} before and ${after.toFixed(1)} after`
}

function toJson(result: RunResult, verdicts: readonly Verdict[]): Record<string, unknown> {
  const { bench, rounds, failures, machine, peers } = result
  return {
    bench: bench.name,
    clock: bench.clock,
    shows: bench.shows,
    unit: bench.unit,
    machine,
    peers,
    goals: verdicts.map(({ goal, spread: found, outcome }) => ({ ...goal, found, outcome })),
    failures: Object.fromEntries(failures),
    measurements: Object.fromEntries(rounds),
  }
}

const HEADER = `# What was measured

Written by \`npm run bench -- NAME\`; each section is the latest run of one bench, with its machine and date.
Absolute figures belong to that machine. The goals are ratios within one run: every variant has a process of its
own that stays alive, the variants take turns within a round in a changing order, and a ratio is the median of the
ratios of the rounds. *MISS* is a goal that was not reached, *NOT MEASURED* one of which this run says nothing.
`

/** The page with one bench's section replaced, all others as they were. */
export function updateResults(page: string, name: string, section: string): string {
  const begin = `<!-- begin ${name} -->`
  const end = `<!-- end ${name} -->`
  const sections = new Map<string, string>()
  for (const [, found = '', body = ''] of page.matchAll(
    /<!-- begin (\S+) -->\n([\s\S]*?)<!-- end \1 -->/g,
  )) {
    sections.set(found, body)
  }
  sections.set(name, `${section.trimEnd()}\n`)
  const bodies = [...sections]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, body]) =>
      [begin.replace(name, key), body.trimEnd(), end.replace(name, key), ''].join('\n'),
    )
  return `${HEADER}\n${bodies.join('\n')}`
}
