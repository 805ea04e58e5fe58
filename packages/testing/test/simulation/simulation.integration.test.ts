import { expect, test } from 'vitest'
import { describeHistory } from './describe-history.ts'
import { drawPlan } from './draw-plan.ts'
import { Occurrences } from './occurrences.ts'
import { runHistory } from './run-history.ts'
import { describeBroken, simulate } from './simulate.ts'

/** In pieces, so that each has its time limit for itself. */
const PIECES = 8
const HISTORIES_OF_PIECE = 250
const seeds = Array.from({ length: PIECES }, (_, piece) => 1 + piece * HISTORIES_OF_PIECE)

const occurrences = new Occurrences()

test.each(seeds)('250 histories from seed %i keep every promise', async (seed) => {
  const { broken } = await simulate({ seed, histories: HISTORIES_OF_PIECE, occurrences })
  expect(broken.map(describeBroken)).toEqual([])
})

test('each state, fault and pair of faults occurred in at least one of a hundred', () => {
  console.log(`${occurrences.histories} histories\n${occurrences.describe()}`)
  expect(occurrences.histories).toBe(PIECES * HISTORIES_OF_PIECE)
  expect(occurrences.rare()).toEqual([])
})

test('the same seed is the same history, line for line', async () => {
  const play = async (seed: number): Promise<string> => {
    const plan = drawPlan(seed)
    return describeHistory(plan, (await runHistory(plan)).lines)
  }
  for (const seed of [3, 14, 159]) expect(await play(seed)).toBe(await play(seed))
})
