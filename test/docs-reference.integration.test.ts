import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlite } from 'tidings/sqlite'
import { differences, unquote } from './docs/check-pages.ts'
import { tableRows } from './docs/markdown.ts'
import { readPage, root } from './docs/pages.ts'
import { printHelp, printPages } from './docs/help.ts'

const AGREE = { missing: [], surplus: [] }

test('the reference of the command line is what --help prints (vitest -u writes it)', async () => {
  const overview = await printHelp()
  const pages = await printPages(overview)
  const verbs = pages.map(({ verb }) => verb)
  expect(verbs).toContain('import')
  expect(verbs).toContain('dead-letters redrive')
  const sections = pages.map(
    ({ verb, help }) => `## tidings ${verb}\n\n\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`,
  )
  const page = `# Command line

This page is what \`--help\` prints. \`npx vitest run -u --project integration test/docs-reference\`
writes it.

\`\`\`text
${overview.trimEnd()}
\`\`\`

${sections.join('\n')}`
  await expect(page).toMatchFileSnapshot(`${root}docs/reference/command-line.md`)
})

describe('tables', () => {
  let folder = ''
  let database: DatabaseSync

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidings-docs-'))
    const store = sqlite(join(folder, 'empty.db'))
    await store.open()
    await store.close()
    database = new DatabaseSync(join(folder, 'empty.db'), { readOnly: true })
  })

  afterAll(() => {
    database.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function names(sql: string): string[] {
    return database
      .prepare(sql)
      .all()
      .map((row) => String(row['name']))
  }

  test.each(['domain_events', 'event_outbox'])(
    'the columns of %s are those of the page',
    (view) => {
      const rows = tableRows(readPage('docs/reference/tables.md'), `View \`${view}\``)
      const columns = names(`select name from pragma_table_info('${view}')`)
      expect(columns.length).toBeGreaterThan(0)
      expect(
        differences({ page: rows.map(([name = '']) => unquote(name)), code: columns }),
      ).toEqual(AGREE)
    },
  )

  test('the tables and views are those of the page', () => {
    const page = readPage('docs/reference/tables.md')
    const tables = tableRows(page, 'Tables').map(([name = '']) => unquote(name))
    const views = Array.from(page.matchAll(/^## View `(\w+)`/gm), ([, name]) => name!)
    const known = names(
      "select name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%'",
    )
    expect(differences({ page: [...tables, ...views], code: known })).toEqual(AGREE)
  })
})
