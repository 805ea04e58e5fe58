/**
 * The least that still makes monotone UUIDv7s: one clock reading, a counter, a random tail drawn once
 * a millisecond. It takes no heed of a clock that steps back, nor of a counter that overflows.
 */
export function createMinimalV7(): () => string {
  const hex = Array.from({ length: 65_536 }, (_, n) => n.toString(16).padStart(4, '0'))
  const random = new Uint16Array(5)
  let last = -1
  let counter = 0
  let head = ''
  let tail = ''
  return () => {
    const now = Date.now()
    if (now !== last) {
      last = now
      crypto.getRandomValues(random)
      counter = random[0] ?? 0
      const high = Math.floor(now / 0x1_0000_0000)
      const low = now % 0x1_0000_0000
      head = `${hex[high]}${hex[low >>> 16]}-${hex[low & 0xffff]}-`
      tail = `-${hex[random[2] ?? 0]}${hex[random[3] ?? 0]}${hex[random[4] ?? 0]}`
    } else counter++
    return `${head}${hex[0x7000 | (counter >> 6)]}-${hex[0x8000 | ((counter & 0x3f) << 8)]}${tail}`
  }
}
