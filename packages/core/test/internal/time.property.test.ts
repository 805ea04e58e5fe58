import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isNormalTime, parseIsoTime, parseNormalTime, toIsoTime } from '../../src/internal/time.ts'

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

it('a text is known as a time of our own form exactly where it is read as one', () => {
  const days = fc.date({
    min: new Date('1896-01-01'),
    max: new Date('2104-12-31'),
    noInvalidDate: true,
  })
  const number = fc.integer({ min: 0, max: 99 }).map((n) => String(n).padStart(2, '0'))
  const numbers = fc.tuple(number, number, number, number, number, number, number)
  const made = numbers.map(
    ([century, year, month, day, hour, minute, second]) =>
      `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.${day}0Z`,
  )
  const spoilt = fc
    .tuple(days, fc.nat(23), fc.string({ maxLength: 2 }))
    .map(
      ([when, at, text]) =>
        when.toISOString().slice(0, at) + text + when.toISOString().slice(at + 1),
    )
  fc.assert(
    fc.property(
      fc.oneof(
        days.map((when) => when.toISOString()),
        made,
        spoilt,
      ),
      (text) => {
        expect(isNormalTime(text)).toBe(!Number.isNaN(parseNormalTime(text)))
      },
    ),
    { numRuns: 3000 },
  )
  for (const year of [1896, 1900, 2000, 2023, 2024]) {
    for (let month = 0; month <= 13; month++) {
      for (let day = 0; day <= 32; day++) {
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}T00:00:00.000Z`
        expect(isNormalTime(text)).toBe(!Number.isNaN(parseNormalTime(text)))
      }
    }
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
