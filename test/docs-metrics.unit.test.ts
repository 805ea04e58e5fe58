import { expect, test } from 'vitest'
import { metricTable } from 'tidings/observe'
import { differences, unquote } from './docs/check-pages.ts'
import { tableRows } from './docs/markdown.ts'
import { readPage } from './docs/pages.ts'

test('the table of metrics is that of the code', () => {
  const rows = tableRows(readPage('docs/reference/metrics.md'), 'Names')
  const written = rows.map(([name = '', type, label = '', meaning]) =>
    [unquote(name), type, unquote(label), meaning].join(' | '),
  )
  const known = Object.values(metricTable).map(({ name, type, label, help }) =>
    [name, type, label, help].join(' | '),
  )
  expect(known.length).toBeGreaterThan(10)
  expect(differences({ page: written, code: known })).toEqual({ missing: [], surplus: [] })
})
