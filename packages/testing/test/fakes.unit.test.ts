import { fakeClock, seededIds, seededRandom, shiftedClock } from '@tidings/testing'
import { isUuid } from 'tidings'
import { describe, expect, it } from 'vitest'

describe('fakeClock', () => {
  it('wakes sleepers in the order of their time, each at its own', async () => {
    const clock = fakeClock(1000)
    const woken: [string, number][] = []
    const sleeper = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms)
      woken.push([name, clock.now()])
    }
    const all = [
      sleeper('late', 30),
      sleeper('early', 10),
      sleeper('same', 10),
      sleeper('never', 99),
    ]
    expect(clock.sleeping).toBe(4)
    await clock.advance(9)
    expect(woken).toEqual([])
    await clock.advance(21)
    expect(woken).toEqual([
      ['early', 1010],
      ['same', 1010],
      ['late', 1030],
    ])
    expect(clock.now()).toBe(1030)
    await clock.advance(69)
    await Promise.all(all)
  })

  it('lets what a sleeper does on waking happen before the next one wakes', async () => {
    const clock = fakeClock(0)
    const seen: number[] = []
    const ticking = (async () => {
      for (let n = 0; n < 3; n++) {
        await clock.sleep(10)
        seen.push(clock.now())
      }
    })()
    await clock.advance(100)
    await ticking
    expect(seen).toEqual([10, 20, 30])
  })

  it('ends a sleep by its signal, before and during, and forgets the sleeper', async () => {
    const clock = fakeClock(0)
    const reason = new Error('enough')
    await expect(clock.sleep(5, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const sleeping = clock.sleep(5, { signal: controller.signal })
    controller.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    expect(clock.sleeping).toBe(0)
  })

  it('may be set back, but not advanced backwards', async () => {
    const clock = fakeClock(1000)
    clock.set(400)
    expect(clock.now()).toBe(400)
    await expect(clock.advance(-1)).rejects.toThrow(RangeError)
    const shifted = shiftedClock(clock)
    shifted.shift(-100)
    expect(shifted.now()).toBe(300)
  })
})

describe('seeded chance', () => {
  it('is the same for the same seed, and another for another', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed)
      return Array.from({ length: 50 }, () => random.next())
    }
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    for (const value of draw(3)) expect(value >= 0 && value < 1).toBe(true)
  })

  it('shuffles without losing anything, and reaches every value', () => {
    const random = seededRandom(4)
    const list = Array.from({ length: 20 }, (_, index) => index)
    const shuffled = random.shuffle(list)
    expect(shuffled).not.toEqual(list)
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(list)
    expect(new Set(Array.from({ length: 300 }, () => random.below(20))).size).toBe(20)
    expect(() => random.pick([])).toThrow(RangeError)
  })

  it('makes ids that are UUIDs, rising, and the same for the same seed', () => {
    const draw = (seed: number): string[] => {
      const ids = seededIds(seed)
      return Array.from({ length: 20 }, (_, index) => ids.newId(1000 + (index >> 2)))
    }
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    expect(draw(1).toSorted()).toEqual(draw(1))
    expect(draw(1).every(isUuid)).toBe(true)
  })
})

it('a shifted clock that was stopped goes on by its shifts only', () => {
  const base = fakeClock(1000)
  const clock = shiftedClock(base)
  clock.shift(10)
  clock.stop()
  base.set(5000)
  clock.stop()
  expect(clock.now()).toBe(1010)
  clock.shift(5)
  expect(clock.now()).toBe(1015)
})
