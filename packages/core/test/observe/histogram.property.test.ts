import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Histogram, RELATIVE_ERROR } from '../../src/observe/histogram.ts'

const LEAST = 2 ** -10
const GREATEST = 2 ** 25

/** Values of all sizes alike, edges of buckets among them. */
const value = fc.oneof(
  fc.double({ min: -10, max: 25, noNaN: true }).map((exponent) => 2 ** exponent),
  fc.integer({ min: -10, max: 24 }).map((exponent) => 2 ** exponent),
  fc.integer({ min: 1, max: 5000 }),
)

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const one of values) histogram.record(one)
  return histogram
}

test('a quantile is within 1/32 of the one of the sorted values', () => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, part) => {
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(part * sorted.length)) - 1]!
        const told = histogramOf(values).quantile(part)!
        expect(Math.abs(told - exact)).toBeLessThanOrEqual(exact * RELATIVE_ERROR)
      },
    ),
    { numRuns: 2000 },
  )
})

test('count, sum, least and greatest are exact, and quantiles lie between them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 2 ** 40, noNaN: true }), { minLength: 1 }),
      (values) => {
        const histogram = histogramOf(values)
        expect(histogram.count).toBe(values.length)
        expect(histogram.sum).toBe(values.reduce((sum, one) => sum + one, 0))
        expect([histogram.min, histogram.max]).toEqual([Math.min(...values), Math.max(...values)])
        for (const part of [0, 0.5, 0.95, 0.99, 1]) {
          expect(histogram.quantile(part)).toBeGreaterThanOrEqual(histogram.min)
          expect(histogram.quantile(part)).toBeLessThanOrEqual(histogram.max)
        }
      },
    ),
  )
})

test('how many are at most a power of two is exact, the power itself included', () => {
  const exponents = Array.from({ length: 34 }, (_, index) => index - 9)
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const expected = exponents.map(
        (exponent) => values.filter((one) => one <= 2 ** exponent).length,
      )
      expect(histogramOf(values).countsUpTo(exponents)).toEqual(expected)
    }),
    { numRuns: 2000 },
  )
})

test('what is below, above, negative or no number harms nothing', () => {
  const histogram = histogramOf([
    Number.NaN,
    -5,
    0,
    LEAST / 4,
    GREATEST * 8,
    Number.POSITIVE_INFINITY,
  ])
  expect(histogram.count).toBe(5)
  expect(histogram.min).toBe(0)
  expect(histogram.quantile(0.5)).toBeLessThanOrEqual(LEAST)
  expect(histogram.quantile(0.99)).toBe(Number.MAX_VALUE)
  expect(new Histogram().quantile(0.5)).toBeUndefined()
})
