import { createIdSource, type IdSource } from 'tidings'

/** Chance that a seed decides: the same seed, the same draws. */
export interface SeededRandom {
  /** From 0 up to, and without, 1. */
  next(): number
  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number
  /** One of a list. */
  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T
  /** The list in another order. */
  shuffle<T>(list: readonly T[]): T[]
}

/** Mulberry32: 32 bits of state, good enough for tests, and for nothing that must not be guessed. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    next,
    below,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new RangeError('There is nothing to pick from an empty list')
      return list[below(list.length)] as T
    },
    shuffle<T>(list: readonly T[]): T[] {
      const shuffled = [...list]
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = below(last + 1)
        const moved = shuffled[last] as T
        shuffled[last] = shuffled[other] as T
        shuffled[other] = moved
      }
      return shuffled
    },
  }
}

/** Ids that a seed decides: UUIDv7 as ever, the same ones for the same seed and times. */
export function seededIds(seed: number): IdSource {
  const random = seededRandom(seed)
  return createIdSource((bytes) => {
    for (let index = 0; index < bytes.length; index++) bytes[index] = random.below(256)
  })
}
