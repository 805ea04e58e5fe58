import { runtimeScenarios, storeScenarios } from '@tidings/testing'
import { expect, test } from 'vitest'
import { differences } from './docs/check-pages.ts'
import { readPage } from './docs/pages.ts'

/** Every id that a text names, alone or between two: `T50 to T56`. */
function idsIn(text: string, known: readonly string[]): ReadonlySet<string> {
  const named = new Set([...text.matchAll(/\b[A-HT]\d\d\b/g)].map(([id]) => id))
  for (const [, first = '', last = ''] of text.matchAll(/\b([A-HT]\d\d) to ([A-HT]\d\d)\b/g)) {
    for (const id of known) if (id >= first && id <= last) named.add(id)
  }
  return named
}

test('the page of the conformance scenarios names each of them, and no other', () => {
  const known = [...storeScenarios, ...runtimeScenarios].map(({ id }) => id)
  const named = idsIn(readPage('docs/reference/conformance.md'), known)
  expect(known.length).toBeGreaterThan(200)
  expect(differences({ page: [...named], code: known })).toEqual({ missing: [], surplus: [] })
})
