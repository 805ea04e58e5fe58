import { expect, it } from 'vitest'
import { describeKills } from '../crash-run.ts'
import { describeTotals, liveAll, type LifeTotals } from './live-all.ts'
import { pointsOn, type StoreKind } from './plan-life.ts'

/** The same sample each time: another one is for `npm run crash`. */
const seed = Number(process.env['TIDINGS_CRASH_SEED'] ?? 20_261)
/** A process that hangs says after two minutes what it waits for: no test ends before. */
const LIMIT_MS = 600_000

async function liveOn(on: StoreKind, lives: readonly number[]): Promise<LifeTotals> {
  const totals = await liveAll({ seed, on, lives, abreast: 2 })
  process.stdout.write(`crash seed ${seed}, ${on}; kills: ${describeKills(totals.kills)}\n`)
  process.stdout.write(`${describeTotals(totals)}\n`)
  const { letters, redrives, timers, tasks, byNeighbours } = totals
  for (const count of [letters, redrives, timers, tasks, byNeighbours])
    expect(count).toBeGreaterThan(0)
  return totals
}

it(
  'processes that are killed wherever they are leave each effect once and in order',
  async () => {
    const { kills } = await liveOn('sqlite', [1, 2, 3, 4, 5, 6])
    for (const point of pointsOn('sqlite')) expect(kills.get(point), point).toBeGreaterThan(0)
    expect(kills.get('moment')).toBeGreaterThanOrEqual(20)
  },
  LIMIT_MS,
)

// Thirty kills cannot be at all points: that is for `npm run crash`.
it(
  'on PostgreSQL too',
  async () => {
    const { kills } = await liveOn('postgres', [1, 2, 3])
    const hit = pointsOn('postgres').filter((point) => (kills.get(point) ?? 0) > 0)
    expect(hit.length).toBeGreaterThanOrEqual(18)
    expect([...kills.values()].reduce((sum, count) => sum + count, 0)).toBe(30)
  },
  LIMIT_MS,
)
