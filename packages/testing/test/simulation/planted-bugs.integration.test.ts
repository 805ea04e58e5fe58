import { afterAll, expect, test } from 'vitest'
import { plantedBugs, type PlantedBug } from './planted-bugs.ts'
import { simulate } from './simulate.ts'

const SEEDS = [10_000, 20_000, 30_000, 40_000, 50_000]
const MOST = 500

const found: string[] = []
afterAll(() => console.log(found.join('\n')))

/** How many histories it takes, that in which it is found included; Infinity: more than allowed. */
async function historiesUntilFound(
  { plant, givesStore }: PlantedBug,
  seed: number,
): Promise<{ readonly histories: number; readonly rule: string }> {
  const mend = plant?.()
  try {
    const { broken, occurrences } = await simulate({
      seed,
      histories: MOST,
      ...(givesStore === undefined ? {} : { givesStore }),
    })
    const rule = broken[0]?.violation?.rule ?? 'not found'
    const { histories } = occurrences
    return { histories: broken.length > 0 ? histories : Number.POSITIVE_INFINITY, rule }
  } finally {
    mend?.()
  }
}

/** Hundreds of histories, on a machine that does other things too. */
const LIMIT = { timeout: 240_000 }

const all = process.env['TIDINGS_ALL_BUGS'] === '1'
const sample = plantedBugs.filter(({ isRare = false }) => all || !isRare)

test.each(sample)('found within 500 histories: a runtime that $name', LIMIT, async (bug) => {
  const counts: number[] = []
  const rules = new Set<string>()
  for (const seed of SEEDS) {
    const { histories, rule } = await historiesUntilFound(bug, seed)
    counts.push(histories)
    rules.add(rule)
    // With three of five found, the median is.
    if (counts.filter((count) => count <= MOST).length === 3) break
  }
  const sorted = counts.toSorted((a, b) => a - b)
  found.push(`${bug.name}: after ${sorted.join(', ')} histories, by ${[...rules].join(', ')}`)
  expect(sorted[2]).toBeLessThanOrEqual(MOST)
})
