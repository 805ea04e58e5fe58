import { expect, test } from 'vitest'
import { Pace } from '../../src/delivery/pace.ts'
import { manualClock } from '../support/fake-clock.ts'

function makePace(onMay: () => void = () => undefined): Pace {
  const stopping = new AbortController().signal
  return new Pace({ clock: manualClock(), stopping, rate: Number.POSITIVE_INFINITY, onMay })
}

const nextTurn = (): Promise<void> => new Promise((next) => setImmediate(next))

test('of what comes singly, in a turn each, nothing waits for the next', async () => {
  const pace = makePace()
  for (let n = 0; n < 100; n++) {
    expect(pace.mayBegin(1)).toBe(true)
    pace.begun()
    await nextTurn()
  }
})

test('what is too much for a turn begins in the next', async () => {
  let told = 0
  const pace = makePace(() => told++)
  const begun = Array.from({ length: 40 }, () => pace.mayBegin(1))
  expect(begun.filter(Boolean)).toHaveLength(32)
  expect(told).toBe(0)
  pace.begun()
  await nextTurn()
  expect(told).toBe(1)
  expect(pace.mayBegin(1)).toBe(true)
  pace.begun()
  await nextTurn()
  expect(told).toBe(1)
})
