/** Sub-buckets of each power of two: the top four bits of the mantissa. */
const STEPS_PER_OCTAVE = 16

/** From 2^-10 (1 µs, where the value is in milliseconds) … */
const LEAST_EXPONENT = -10
/** … to 2^25 (9 hours). */
const GREATEST_EXPONENT = 25
const LEAST = 2 ** LEAST_EXPONENT

const BUCKETS = (GREATEST_EXPONENT - LEAST_EXPONENT) * STEPS_PER_OCTAVE

const number = new Float64Array(1)
const words = new Uint32Array(number.buffer)
/** Where the sign and exponent are: in the second word, except on big-endian machines. */
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0
const LOW = 1 - HIGH
const FIRST = (1023 + LEAST_EXPONENT) * STEPS_PER_OCTAVE

/** How far a quantile may lie from the true one, as a part of it. */
export const RELATIVE_ERROR: number = 1 / (2 * STEPS_PER_OCTAVE)

/**
 * Which bucket a value belongs to; its upper edge is still within it. The bits of the number say so:
 * a logarithm takes four times as long.
 */
function bucketOf(value: number): number {
  if (value <= LEAST) return 0
  number[0] = value
  const high = words[HIGH]!
  const isOnEdge = words[LOW] === 0 && (high & 0xffff) === 0
  const bucket = (high >>> 16) - FIRST - (isOnEdge ? 1 : 0)
  return bucket < BUCKETS ? bucket : BUCKETS - 1
}

function lowerEdge(bucket: number): number {
  const octave = Math.floor(bucket / STEPS_PER_OCTAVE)
  const step = bucket % STEPS_PER_OCTAVE
  return 2 ** (LEAST_EXPONENT + octave) * (1 + step / STEPS_PER_OCTAVE)
}

/**
 * How often values of each size came, in 560 fixed buckets: 16 for each doubling. Its 4.5 kB never grow.
 * A quantile is within 1/32 (3.2 %) of the true one between 1/1024 and 33,554,432, and always between
 * the least and the greatest value, which are exact, as count and sum are. Below, it is off by 1/1024 at most.
 */
export class Histogram {
  count = 0
  sum = 0
  min: number = Number.POSITIVE_INFINITY
  max: number = Number.NEGATIVE_INFINITY
  readonly #counts = new Float64Array(BUCKETS)

  /** @param value what is negative (a clock that stepped back) counts as 0; NaN is not taken */
  record(value: number): void {
    if (Number.isNaN(value)) return
    const taken = value > 0 ? Math.min(value, Number.MAX_VALUE) : 0
    this.count++
    this.sum += taken
    if (taken < this.min) this.min = taken
    if (taken > this.max) this.max = taken
    this.#counts[bucketOf(taken)]!++
  }

  /**
   * The value that a part of all values does not exceed (nearest rank).
   *
   * @param part 0.99 for the 99th percentile
   * @returns undefined where nothing was recorded
   */
  quantile(part: number): number | undefined {
    if (this.count === 0) return undefined
    const rank = Math.max(1, Math.ceil(part * this.count))
    if (rank >= this.count) return this.max
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!
      if (seen >= rank) return this.#within(bucket)
    }
    return this.max
  }

  #within(bucket: number): number {
    // The last one holds whatever is greater, too: its middle would say nothing.
    if (bucket === BUCKETS - 1) return this.max
    const middle = bucket === 0 ? LEAST / 2 : (lowerEdge(bucket) + lowerEdge(bucket + 1)) / 2
    return Math.min(this.max, Math.max(this.min, middle))
  }

  /**
   * How many values are at most 2^exponent: exact, because such a number is an edge of a bucket.
   *
   * @param exponents rising whole numbers from -9 to 24
   */
  countsUpTo(exponents: readonly number[]): number[] {
    let bucket = 0
    let seen = 0
    return exponents.map((exponent) => {
      const end = (exponent - LEAST_EXPONENT) * STEPS_PER_OCTAVE
      for (; bucket < end; bucket++) seen += this.#counts[bucket]!
      return seen
    })
  }
}
