import { expect, it } from 'vitest'
import { describeKills, runCrashes } from './crash-run.ts'
import { appendSteps } from './plan.ts'

it('a writer that is killed leaves everything it acknowledged, and nothing half', async () => {
  const seed = Number(process.env['TIDINGS_CRASH_SEED'] ?? 20_261)
  const rounds = Array.from({ length: 20 }, (_, index) => index + 1)
  const totals = await runCrashes({ seed, rounds })
  process.stdout.write(`crash seed ${seed}; kills: ${describeKills(totals.kills)}\n`)
  for (const step of appendSteps) expect(totals.kills.get(step), step).toBeGreaterThan(0)
  expect(totals.kills.get('moment')).toBe(10)
  expect(totals.acknowledged).toBeGreaterThan(0)
})
