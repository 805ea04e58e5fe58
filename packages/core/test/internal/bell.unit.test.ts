import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { Bell } from '../../src/internal/bell.ts'
import type { Clock } from '../../src/internal/clock.ts'
import { manualClock, type ManualClock } from '../support/fake-clock.ts'

/** Of which nothing ever comes by itself. */
const never = Number.MAX_SAFE_INTEGER

function open(): { clock: ManualClock; bell: Bell; stop: AbortController } {
  return { clock: manualClock(), bell: new Bell(), stop: new AbortController() }
}

test('a wait ends by a ring, by its time, or by its signal', async () => {
  const { clock, bell, stop } = open()
  const { signal } = stop
  const byRing = bell.waitAtMost(never, { clock, signal })
  bell.ring()
  await byRing
  const byTime = bell.waitAtMost(50, { clock, signal })
  await clock.advance(50)
  await byTime
  const bySignal = bell.waitAtMost(never, { clock, signal })
  stop.abort(new Error('the end'))
  await bySignal
  await bell.waitAtMost(never, { clock, signal })
})

test('a ring that comes when a wait was over is heard by the next one, once', async () => {
  const { clock, bell, stop } = open()
  const { signal } = stop
  const first = bell.waitAtMost(50, { clock, signal })
  await clock.advance(50)
  await first
  bell.ring()
  await bell.waitAtMost(never, { clock, signal })
  let isOver = false
  const third = bell.waitAtMost(50, { clock, signal }).then(() => (isOver = true))
  await clock.advance(49)
  expect(isOver).toBe(false)
  await clock.advance(1)
  await third
})

test('all who wait hear the same ring', async () => {
  const { clock, bell, stop } = open()
  const waits = [bell.wait(), bell.wait(), bell.waitAtMost(never, { clock, signal: stop.signal })]
  bell.ring()
  await Promise.all(waits)
})

test('a wait that is over leaves nothing on its signal', async () => {
  const { clock, bell, stop } = open()
  for (let n = 0; n < 100; n++) {
    const waiting = bell.waitAtMost(never, { clock, signal: stop.signal })
    bell.ring()
    await waiting
  }
  expect(getEventListeners(stop.signal, 'abort')).toEqual([])
})

test('what fails of the clock is not taken for an end', async () => {
  const { bell, stop } = open()
  const clock: Clock = { now: () => 0, sleep: () => Promise.reject(new Error('no time')) }
  await expect(bell.waitAtMost(1, { clock, signal: stop.signal })).rejects.toThrow('no time')
})
