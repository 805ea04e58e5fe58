import { describe, expect, test } from 'vitest'
import type { Bench, Goal, Measurement } from '../harness/bench.ts'
import { updateResults } from '../harness/report.ts'
import { judge, orderOf, spread, type Rounds } from '../harness/statistics.ts'

const sample = (wallMs: number, figures: Record<string, number> = {}): Measurement => ({
  count: 1000,
  wallMs,
  cpuMs: wallMs / 2,
  figures,
})

function benchOf(goals: readonly Goal[]): Bench {
  return {
    name: 'made-up',
    summary: '',
    clock: 'wall',
    shows: 'rate',
    unit: 'event',
    rounds: 3,
    warmups: 0,
    variants: [],
    goals,
    notes: [],
  }
}

const ratio = { kind: 'ratio', variant: 'ours', reference: 'twin', atLeast: 0.7 } as const

describe('judging a run', () => {
  test('takes the median of the ratios of the rounds, not the ratio of the medians', () => {
    // A slow machine in round 2 slows both: the ratio stays 0.8. The ratio of medians would be 1.6.
    const rounds: Rounds = new Map([
      ['ours', [sample(10), sample(100), sample(10)]],
      ['twin', [sample(8), sample(80), sample(16)]],
    ])
    const [verdict] = judge(benchOf([ratio]), rounds)
    expect(verdict?.spread?.median).toBeCloseTo(0.8)
    expect(verdict?.outcome).toBe('pass')
  })

  test('says that a goal is missed', () => {
    const rounds: Rounds = new Map([
      ['ours', [sample(10)]],
      ['twin', [sample(6.9)]],
    ])
    expect(judge(benchOf([ratio]), rounds)[0]?.outcome).toBe('miss')
  })

  test('says that a goal was not measured when one side is missing, and never that it passed', () => {
    const rounds: Rounds = new Map([['ours', [sample(10)]]])
    const figure: Goal = { kind: 'figure', variant: 'ours', figure: 'rss', unit: 'MB', atMost: 1 }
    expect(judge(benchOf([ratio, figure]), rounds).map(({ outcome }) => outcome)).toEqual([
      'not measured',
      'not measured',
    ])
  })

  test('holds figures and differences against their bounds', () => {
    const rounds: Rounds = new Map([
      ['ours', [sample(200, { rss: 150 })]],
      ['twin', [sample(100)]],
    ])
    const goals: Goal[] = [
      { kind: 'figure', variant: 'ours', figure: 'rss', unit: 'MB', atMost: 149 },
      { kind: 'figure', variant: 'ours', figure: 'rss', unit: 'MB', atMost: 150 },
      { kind: 'difference', variant: 'ours', reference: 'twin', atMost: 0.11 },
      { kind: 'difference', variant: 'ours', reference: 'twin', atMost: 0.09 },
      { kind: 'ratio', variant: 'ours', reference: 'twin' },
    ]
    expect(judge(benchOf(goals), rounds).map(({ outcome }) => outcome)).toEqual([
      'miss',
      'pass',
      'pass',
      'miss',
      'shown',
    ])
  })

  test('compares a figure of both where the goal names one; a side without it was not measured', () => {
    const rounds: Rounds = new Map([
      ['ours', [sample(10, { p50: 60 })]],
      ['twin', [sample(10, { p50: 20 })]],
    ])
    const of = (figure: string, atMost: number): Goal => ({ ...ratio, figure, atMost, atLeast: 0 })
    const goals = [of('p50', 3), of('p50', 2.9), of('p99', 3)]
    expect(judge(benchOf(goals), rounds).map(({ outcome }) => outcome)).toEqual([
      'pass',
      'miss',
      'not measured',
    ])
  })

  test('finds quartiles between samples', () => {
    expect(spread([4, 1, 3, 2])).toEqual({ p25: 1.75, median: 2.5, p75: 3.25 })
  })
})

test('the order of a round puts every variant first once, and changes the neighbours', () => {
  const orders = [0, 1, 2, 3].map((round) => orderOf(['a', 'b', 'c'], round).join(''))
  expect(orders).toEqual(['abc', 'acb', 'cab', 'cba'])
})

test('a new section of the page replaces its own and leaves the others', () => {
  const first = updateResults('', 'b', 'section b\n')
  const second = updateResults(first, 'a', 'section a\n')
  const third = updateResults(second, 'b', 'section b, again\n')
  expect(third).toContain('section a')
  expect(third).toContain('section b, again')
  expect(third).not.toContain('section b\n')
  expect(third.indexOf('begin a')).toBeLessThan(third.indexOf('begin b'))
})
