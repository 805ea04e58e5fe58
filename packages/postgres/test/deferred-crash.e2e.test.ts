import { expect, test } from 'vitest'
import { absorbUnderKills, describeAbsorbing } from './kit/absorb-under-kills.ts'

test('what was left to be appended is there once, in order, whoever is killed while he appends it', async () => {
  const totals = await absorbUnderKills(6, 6)
  console.log(describeAbsorbing(totals))
  expect(totals.acknowledged).toBeGreaterThan(6)
})
