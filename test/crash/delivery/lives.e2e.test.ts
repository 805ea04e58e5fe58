import { expect, it } from 'vitest'
import { describeKills } from '../crash-run.ts'
import { describeTotals, liveAll } from './live-all.ts'
import { points } from './plan-life.ts'

it('processes that are killed wherever they are leave each effect once and in order', async () => {
  const seed = Number(process.env['TIDINGS_CRASH_SEED'] ?? Date.now() % 1_000_000)
  const totals = await liveAll({ seed, lives: [1, 2, 3, 4, 5, 6], abreast: 2 })
  process.stdout.write(`crash seed ${seed}; kills: ${describeKills(totals.kills)}\n`)
  process.stdout.write(`${describeTotals(totals)}\n`)
  for (const point of points) expect(totals.kills.get(point), point).toBeGreaterThan(0)
  expect(totals.kills.get('moment')).toBeGreaterThanOrEqual(20)
  const { letters, redrives, timers, tasks } = totals
  for (const count of [letters, redrives, timers, tasks]) expect(count).toBeGreaterThan(0)
})
