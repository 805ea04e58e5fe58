import * as z from 'zod'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createRegistry,
  defineEvent,
  lintCapabilityType,
  lintCommandType,
  lintEventType,
  matchesGlob,
  RegistryError,
  toEnumName,
} from '../../src/contract.ts'

const word = fc.stringMatching(/^[A-Z][a-z]{1,6}$/)
const segment = fc.array(word, { minLength: 1, maxLength: 2 }).map((words) => words.join(''))
const verb = fc.constantFrom('Created', 'Updated', 'SeedRequested', 'LoggedIn', 'BecameOverdue')
const eventType = fc
  .tuple(fc.array(segment, { minLength: 2, maxLength: 3 }), verb)
  .map(([segments, action]) => [...segments, action].join('.'))

describe('names', () => {
  it('dotted to enum by rule, enum to dotted by the registry, is the way there and back', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(eventType, { minLength: 1, maxLength: 8, selector: toEnumName }),
        (types) => {
          const registry = createRegistry(
            types.map((type) => defineEvent(type, { payload: z.object({}) })),
          )
          for (const type of types) {
            expect(registry.fromEnumName(toEnumName(type))).toBe(type)
            expect(registry.canonicalType(toEnumName(type))).toBe(type)
          }
        },
      ),
    )
  })

  it('two types of one enum name never get into a registry together', () => {
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        const types = [`${a}.${b}.${c}.Created`, `${a}.${b}${c}.Created`]
        const make = (): unknown =>
          createRegistry(types.map((type) => defineEvent(type, { payload: z.object({}) })))
        expect(make).toThrow(RegistryError)
      }),
    )
  })

  it('whatever is linted, a suggestion keeps the rules itself', () => {
    const text = fc.oneof(
      fc.string(),
      eventType,
      eventType.map((type) => type.toLowerCase()),
      fc.array(word).map((words) => words.join('')),
    )
    fc.assert(
      fc.property(text, fc.constantFrom('.', '_', '-', ''), (name, separator) => {
        const asked = name.replaceAll('.', separator)
        for (const lint of [lintEventType, lintCapabilityType, lintCommandType]) {
          for (const { suggestion } of lint(asked)) {
            if (suggestion !== undefined) expect(lint(suggestion)).toEqual([])
          }
        }
      }),
    )
  })
})

/** The same rule told another way: each glob as a regular expression. */
function naiveMatch(pattern: string, name: string): boolean {
  const source = pattern
    .split('.')
    .map((part) =>
      part === '**'
        ? '(?:[^.]*\\.)*?'
        : part === '*'
          ? '[^.]+\\.'
          : `${part.replaceAll('*', '[^.]*')}\\.`,
    )
    .join('')
  return new RegExp(`^${source}$`).test(`${name}.`)
}

it('a glob matches what its regular expression matches', () => {
  const part = fc.constantFrom('a', 'b', 'ab', 'aab')
  const globPart = fc.oneof(part, fc.constantFrom('*', '**', 'a*', '*b', 'a*b'))
  const dotted = (parts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.array(parts, { minLength: 1, maxLength: 5 }).map((all) => all.join('.'))
  fc.assert(
    fc.property(dotted(globPart), dotted(part), (pattern, name) => {
      expect(matchesGlob(pattern, name)).toBe(naiveMatch(pattern, name))
    }),
    { numRuns: 2000 },
  )
})

it('a glob made to be slow is not', () => {
  const pattern = `${'**.a.'.repeat(30)}b`
  const started = performance.now()
  expect(matchesGlob(pattern, `${'a.'.repeat(3000)}c`)).toBe(false)
  expect(performance.now() - started).toBeLessThan(1000)
})
