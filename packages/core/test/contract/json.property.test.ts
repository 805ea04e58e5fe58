import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalJson, findJsonFault, touchesSensitive } from '../../src/contract.ts'
import { json, plainText } from './arbitraries.ts'

/** What JSON makes of a value, `undefined` where it throws or says nothing. */
function throughJson(value: unknown): unknown {
  try {
    const text = JSON.stringify(value)
    return text === undefined ? undefined : (JSON.parse(text) as unknown)
  } catch {
    return undefined
  }
}

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: true,
  withNullPrototype: true,
})

it('what has no fault comes back from JSON as it was', () => {
  fc.assert(
    fc.property(fc.oneof(anything, json), (value) => {
      if (findJsonFault(value) !== undefined) return
      expect(withoutUndefined(throughJson(value))).toEqual(withoutUndefined(value))
    }),
    { numRuns: 2000 },
  )
})

it('what JSON keeps to the bit has no fault', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = JSON.stringify(value)
      const keepable = !text.includes('\\u0000') && !text.includes('\\ud')
      if (keepable) expect(findJsonFault(value)).toBeUndefined()
    }),
    { numRuns: 1000 },
  )
})

it('one fault, put anywhere, is found at its place', () => {
  const fault = fc.constantFrom<unknown>(
    Number.NaN,
    -0,
    1n,
    new Date(0),
    new Map(),
    'a\0',
    '\uD800',
    () => 1,
    Symbol('s'),
  )
  const path = fc.array(fc.oneof(plainText, fc.nat({ max: 3 })), { maxLength: 6 })
  fc.assert(
    fc.property(fault, path, (bad, steps) => {
      let value: unknown = bad
      let pointer = ''
      for (const step of steps.toReversed()) {
        if (typeof step === 'number') {
          value = [...Array.from({ length: step }, () => 0), value]
          pointer = `/${step}${pointer}`
        } else {
          value = Object.fromEntries([[step, value]])
          pointer = `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}${pointer}`
        }
      }
      expect(findJsonFault(value)?.pointer).toBe(pointer)
    }),
  )
})

it('a cycle is a fault, not a stack overflow', () => {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  expect(findJsonFault(cycle)?.expected).toContain('no cycle')
})

it('canonical JSON is the same text for the same value, in whatever order its members were made', () => {
  fc.assert(
    fc.property(fc.dictionary(plainText, json), (object) => {
      const turned = Object.fromEntries(Object.entries(object).toReversed())
      expect(canonicalJson(turned)).toBe(canonicalJson(object))
      expect(JSON.parse(canonicalJson(object))).toEqual(object)
    }),
  )
})

it('a pointer touches a sensitive field when one lies within the other', () => {
  const step = fc.constantFrom('a', 'b', '0')
  const pointer = fc
    .array(step, { maxLength: 4 })
    .map((steps) => steps.map((one) => `/${one}`).join(''))
  fc.assert(
    fc.property(pointer, pointer, (field, at) => {
      const within = `${at}/`.startsWith(`${field}/`) || `${field}/`.startsWith(`${at}/`)
      expect(touchesSensitive([field], at)).toBe(within)
      if (within)
        expect(touchesSensitive([field.replaceAll('0', '*')], at.replaceAll('0', '7'))).toBe(true)
    }),
  )
})

/** Members that are undefined are absent; so they are in JSON. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutUndefined(member)]))
}
