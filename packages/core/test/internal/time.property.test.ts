import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseIsoTime, parseNormalTime, toIsoTime } from '../../src/internal/time.ts'

const date = fc.date({
  min: new Date('0000-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})

it('a time is written and read as Date does it, over ten thousand years', () => {
  fc.assert(
    fc.property(date, (when) => {
      expect(toIsoTime(when.getTime())).toBe(when.toISOString())
      expect(parseNormalTime(when.toISOString())).toBe(when.getTime())
      expect(parseIsoTime(when.toISOString())).toBe(when.getTime())
    }),
    { numRuns: 5000 },
  )
})

it('every day around a leap day is read as Date does it', () => {
  for (const year of [1600, 1900, 1904, 1970, 2000, 2023, 2024, 2100]) {
    for (const day of ['01-01', '02-28', '03-01', '12-31']) {
      const text = `${year}-${day}T23:59:59.999Z`
      expect(parseNormalTime(text)).toBe(Date.parse(text))
    }
    const leapDay = `${year}-02-29T00:00:00.000Z`
    const isLeap = new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1
    expect(parseIsoTime(leapDay)).toBe(isLeap ? Date.parse(leapDay) : undefined)
  }
})

it('offsets and fractions of any length name the same moment', () => {
  const offset = fc.integer({ min: -1439, max: 1439 })
  fc.assert(
    fc.property(date, offset, fc.stringMatching(/^\d{0,6}$/), (when, minutes, finer) => {
      const local = new Date(when.getTime() + minutes * 60_000)
      fc.pre(local.getUTCFullYear() >= 0 && local.getUTCFullYear() <= 9999)
      const sign = minutes < 0 ? '-' : '+'
      const hours = String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0')
      const rest = String(Math.abs(minutes) % 60).padStart(2, '0')
      const text = `${local.toISOString().slice(0, -1)}${finer}${sign}${hours}:${rest}`
      expect(parseIsoTime(text)).toBe(when.getTime())
    }),
  )
})

it.each([
  '2026-02-30T00:00:00.000Z',
  '2026-13-01T00:00:00.000Z',
  '2026-00-01T00:00:00.000Z',
  '2026-01-00T00:00:00.000Z',
  '2026-01-32T00:00:00.000Z',
  '2026-01-01T24:00:00.000Z',
  '2026-01-01T00:60:00.000Z',
  '2026-01-01T00:00:60.000Z',
  '2026-01-01T00:00:00.00AZ',
  '2026-01-01T00:00:00.000',
  '2026-01-01 00:00:00.000Z',
  '2026-1-01T00:00:00.0000Z',
  '2026-04-31T00:00:00Z',
  '2026-01-01',
  'noon',
  '',
])('%j is no time', (text) => {
  expect(parseIsoTime(text)).toBeUndefined()
})
