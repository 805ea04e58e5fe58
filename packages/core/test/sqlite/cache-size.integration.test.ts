import { afterEach, expect, test } from 'vitest'
import { openConnection, type ConnectionRole } from '../../src/sqlite/connection.ts'
import { readOptions } from '../../src/sqlite/options.ts'
import { scratch } from './log-fixture.ts'

const folder = scratch()
afterEach(() => folder.remove())

test('the writer keeps the bytes that it is given, the reader half of them', () => {
  const settings = readOptions({ file: folder.path('log.db'), cacheBytes: 1024 * 1024 })
  const cacheSize = (role: ConnectionRole): unknown => {
    const connection = openConnection(settings, role)
    try {
      return connection.rows('pragma cache_size').get()?.[0]
    } finally {
      connection.close()
    }
  }
  expect(cacheSize('writer')).toBe(-1024)
  expect(cacheSize('reader')).toBe(-512)
})

test('a cache that holds nothing is refused', () => {
  expect(() => readOptions({ file: 'log.db', cacheBytes: 1000 })).toThrow(/cacheBytes/)
})
