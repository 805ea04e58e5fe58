import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/internal/clock.ts'

test('a time that is over already is slept at once, and nobody is warned of it', async () => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  onTestFinished(() => void process.off('warning', onWarning))
  await systemClock.sleep(-3)
  // Node tells of warnings in the turn after.
  await new Promise((resolve) => setImmediate(resolve))
  expect(warnings).toEqual([])
})
