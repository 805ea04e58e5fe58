import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bench, Running } from '../harness/bench.ts'
import { benchNames, loadBench } from '../harness/catalog.ts'
import { observeMachine } from '../harness/machine.ts'
import { peersInstalled } from '../harness/peers.ts'
import { makeReport } from '../harness/report.ts'
import { childFile, runSuite } from '../harness/suite.ts'
import { bundle } from '../../tools/bundle.ts'

/*
 * A thousandth of each bench, to see that it runs and that its variants do the same work. Nothing here
 * looks at a time: that is `npm run bench`.
 */

let folder = ''
let program = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-benches-'))
  // Over a hundred processes, of which most do next to nothing.
  program = await bundle(childFile)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Peers are installed by `npm run bench` alone; where they are, they are run here too. */
function leftOut(bench: Bench): Set<string> {
  const needing = bench.variants.filter(({ needsPeers }) => needsPeers === true)
  return new Set(peersInstalled() ? [] : needing.map(({ name }) => name))
}

const small = { rounds: 1, warmups: 0, scale: 0.001 }

describe('each bench runs', () => {
  test.each(benchNames())(
    '%s',
    async (name) => {
      const bench = await loadBench(name)
      const left = leftOut(bench)
      const { rounds, failures } = await runSuite(bench, { ...small, left, folder, program })
      expect(Object.fromEntries(failures)).toEqual({})
      const expected = bench.variants.map((variant) => variant.name).filter((one) => !left.has(one))
      expect([...rounds.keys()].toSorted()).toEqual(expected.toSorted())
      for (const samples of rounds.values()) {
        expect(samples).toHaveLength(1)
        expect(samples[0]?.count).toBeGreaterThan(0)
        expect(samples[0]?.wallMs).toBeGreaterThan(0)
      }
      const goalNames = bench.goals.flatMap((goal) =>
        goal.kind === 'figure' ? [goal.variant] : [goal.variant, goal.reference],
      )
      expect(bench.variants.map((variant) => variant.name)).toEqual(
        expect.arrayContaining(goalNames),
      )
    },
    180_000,
  )
})

describe('a bench that goes wrong says so', () => {
  const ids = (): Promise<Bench> => loadBench('ids')

  test('a variant that was left out leaves its goals not measured, and the run not passed', async () => {
    const bench = await ids()
    const left = new Set(bench.variants.map(({ name }) => name).filter((name) => name !== 'newId'))
    const result = await runSuite(bench, { ...small, left, folder, program })
    const machine = observeMachine()()
    const report = makeReport({ bench, ...result, machine, peers: {} })
    expect(report.passed).toBe(false)
    expect(report.text).toContain('NOT MEASURED')
  })

  test('a variant whose process fails is named with its reason, the others go on', async () => {
    const bench = await ids()
    const broken = {
      name: 'no such variant',
      start: (): Running => ({ sample: () => ({ count: 1 }) }),
    }
    const { rounds, failures } = await runSuite(
      { ...bench, variants: [broken, ...bench.variants.slice(0, 1)] },
      { ...small, left: new Set(), folder, program },
    )
    expect(failures.get('no such variant')).toContain("ids has no variant 'no such variant'")
    expect([...rounds.keys()]).toEqual(['newId'])
  })

  test('variants that did different work end the run', async () => {
    const bench = await loadBench('check')
    const agreeOn = 'no such figure'
    const left = leftOut(bench)
    await expect(
      runSuite({ ...bench, agreeOn }, { ...small, left, folder, program }),
    ).rejects.toThrow(/the variants differ in 'no such figure'/)
  })
})
