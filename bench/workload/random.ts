/** Numbers that look random and are the same in every process: mulberry32. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** Fills bytes from such numbers, in place of the system's randomness. */
export function createRandomFill(seed: number): (bytes: Uint8Array) => void {
  const random = createRandom(seed)
  return (bytes) => {
    for (let index = 0; index < bytes.length; index++) bytes[index] = Math.floor(random() * 256)
  }
}
