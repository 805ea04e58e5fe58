import { globSync } from 'node:fs'
import { expect, test } from 'vitest'
import { root } from '../tools/repository.ts'
import { LONG, orderFiles } from '../tools/test-order.ts'

const files = (kind: string, ...names: readonly string[]) =>
  names.map((name) => ({ kind, path: `/work/test/${name}.${kind}.test.ts` }))
const pathsOf = (ordered: readonly { readonly path: string }[]) =>
  ordered.map(({ path }) => path.slice('/work/test/'.length, -'.test.ts'.length))

test('files that take long come first, in their order; others stay in theirs', () => {
  const given = files('integration', 'b', 'a', 'bus/leaks', 'c', 'simulation/simulation')
  expect(pathsOf(orderFiles(given))).toEqual([
    'simulation/simulation.integration',
    'bus/leaks.integration',
    'b.integration',
    'a.integration',
    'c.integration',
  ])
})

test('what waits is spread over what computes, and unit tests come last', () => {
  const given = [
    ...files('conformance', '1', '2'),
    ...files('e2e', 'x', 'y'),
    ...files('integration', '3', '4'),
    ...files('unit', 'u', 'v'),
  ]
  expect(pathsOf(orderFiles(given))).toEqual([
    '1.conformance',
    'x.e2e',
    '2.conformance',
    '3.integration',
    'y.e2e',
    '4.integration',
    'u.unit',
    'v.unit',
  ])
})

test('none is lost', () => {
  const given = [
    ...files('e2e', 'soak/soak'),
    ...files('examples on PostgreSQL', 'a'),
    ...files('unit', 'u'),
  ]
  expect(orderFiles(given)).toHaveLength(given.length)
  expect(new Set(orderFiles(given))).toEqual(new Set(given))
})

test('what is said to take long is there', () => {
  const there = globSync('{test,packages/*/test,examples/*/test,bench/test}/**/*.test.ts', {
    cwd: root,
  })
  for (const name of LONG) expect(there).toContainEqual(expect.stringMatching(`${name}.test.ts$`))
})
