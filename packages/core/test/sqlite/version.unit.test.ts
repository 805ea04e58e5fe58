import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { version } from '../../src/internal/version.ts'
import { migrations } from '../../src/sqlite/schema/migrations.ts'
import { SCHEMA_NUMBER } from '../../src/sqlite/schema/schema-version.ts'

test('the version in the sources is the one of the package', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  expect(version).toBe((JSON.parse(text) as { version: string }).version)
})

test('migrations are numbered without a gap, and none asks for a reader that is not there yet', () => {
  expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, index) => index + 1))
  for (const { number, minimumReader } of migrations) {
    expect(minimumReader).toBeLessThanOrEqual(number)
  }
  expect(SCHEMA_NUMBER).toBe(migrations.length)
})
