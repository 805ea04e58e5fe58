import { existsSync, globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { brokenStores } from '@tidings/testing'
import * as library from 'tidings'
import { errorCodes } from 'tidings/contract'
import * as observe from 'tidings/observe'
import { en } from '../packages/cli/src/texts/en.ts'
import { zh } from '../packages/cli/src/texts/zh.ts'
import { zhErrors } from '../packages/cli/src/texts/zh-errors.ts'
import {
  brokenLinks,
  codeNames,
  differences,
  strangeNames,
  strayTerms,
  unquote,
} from './docs/check-pages.ts'
import { codeBlocks, tableRows } from './docs/markdown.ts'
import { readPage, readPages, root } from './docs/pages.ts'
import { missingLine, planPage } from './docs/steps.ts'
import { verbsPage } from './docs/vocabulary.ts'

const AGREE = { missing: [], surplus: [] }
const pages = readPages()
const byPath = new Map(pages.map(({ path, markdown }) => [path, markdown]))

function exists(path: string): boolean {
  return existsSync(root + path)
}

describe('pages', () => {
  test.each(pages)('$path links to what is there', (page) => {
    expect(brokenLinks(page, byPath, exists)).toEqual([])
  })

  test('a link to nothing and one to no heading are found', () => {
    const page = { path: 'docs/a.md', markdown: '[x](b.md#here) [y](c.md) [z](b.md#there)' }
    const there = new Map([['docs/b.md', '# There']])
    expect(brokenLinks(page, there, (path) => path !== 'docs/c.md')).toEqual([
      'docs/a.md:1: docs/b.md has no heading #here',
      'docs/a.md:1: there is no docs/c.md',
    ])
  })

  test('every page of docs/ is in its index', () => {
    const index = new Set(
      Array.from(byPath.get('docs/README.md')!.matchAll(/\]\(([^)#]+)/g), ([, to]) => to),
    )
    const inDocs = [...byPath.keys()].filter(
      (path) => path.startsWith('docs/') && path !== 'docs/README.md',
    )
    expect(inDocs.filter((path) => !index.has(path.slice('docs/'.length)))).toEqual([])
  })

  test('no block is left out of the type check without need', () => {
    const fragments = pages.flatMap(({ path, markdown }) =>
      codeBlocks(markdown)
        .filter(({ words }) => words.includes('fragment'))
        .map(({ line }) => `${path}:${line}`),
    )
    expect(fragments).toEqual([])
  })

  test('every option that a page names is an option of the command line', () => {
    const reference = byPath.get('docs/reference/command-line.md')!
    const named = pages
      .filter(({ path }) => path.startsWith('docs/') || path.startsWith('packages/cli/'))
      .flatMap(({ markdown }) =>
        Array.from(markdown.matchAll(/`(--[a-z-]+)[^`]*`/g), ([, option]) => option),
      )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((option) => !reference.includes(`${option}`))).toEqual([])
  })
})

describe('reference', () => {
  test('the error codes and their meanings are those of the code', () => {
    const rows = tableRows(readPage('docs/reference/errors.md'), 'Codes of the library')
    const listed = rows.map(([code = '', meaning = '']) => `${unquote(code)}: ${meaning}`)
    const known = Object.entries(errorCodes).map(([code, meaning]) => `${code}: ${meaning}`)
    expect(differences({ page: listed, code: known })).toEqual(AGREE)
  })

  test('the error classes are there to be caught', () => {
    const rows = tableRows(readPage('docs/reference/errors.md'), 'Codes of the library')
    const classes = rows.flatMap(([, , names = '']) => names.split(', ').map(unquote))
    const exported = { ...library, ...observe } as Readonly<Record<string, unknown>>
    expect(classes.length).toBeGreaterThanOrEqual(rows.length)
    expect(classes.filter((name) => typeof exported[name] !== 'function')).toEqual([])
  })

  test('the codes of the command line are those of the code', () => {
    const rows = tableRows(readPage('docs/reference/errors.md'), 'Codes of the command line')
    const source = readFileSync(`${root}packages/cli/src/failure.ts`, 'utf8')
    const known = Array.from(source.matchAll(/^ {2}\| '(TIDINGS_CLI_\w+)'/gm), ([, code]) => code!)
    expect(known.length).toBeGreaterThan(3)
    expect(differences({ page: rows.map(([code = '']) => unquote(code)), code: known })).toEqual(
      AGREE,
    )
  })

  test('the verbs are those of the vocabulary (vitest -u writes them)', async () => {
    await expect(verbsPage()).toMatchFileSnapshot(`${root}docs/reference/verbs.md`)
  })

  test('the broken stores are those of the code', () => {
    const rows = tableRows(readPage('docs/explanation/peers.md'), 'How a test can show it')
    const listed = rows.map(([fault = '', caughtBy = '']) => `${fault}: ${caughtBy}`)
    const known = brokenStores.map(({ fault, caughtBy }) => `${fault}: ${caughtBy.join(', ')}`)
    expect(differences({ page: listed, code: known })).toEqual(AGREE)
  })

  test('a code or a table that one side lacks is found', () => {
    expect(differences({ page: ['a', 'b'], code: ['b', 'c'] })).toEqual({
      missing: ['c'],
      surplus: ['a'],
    })
  })
})

describe('README', () => {
  test('every guarantee names a page and a test that is there', () => {
    const rows = tableRows(readPage('README.md'), 'What it guarantees')
    expect(rows.length).toBeGreaterThan(7)
    for (const [guarantee, page, test] of rows) {
      expect(page, guarantee).toMatch(/\]\(docs\/explanation\/[\w-]+\.md\)/)
      const { title, file } =
        /^“(?<title>[^”]+)” in \[[^\]]+\]\((?<file>[^)]+)\)$/.exec(test!)?.groups ?? {}
      expect(file, guarantee).toBeDefined()
      expect(readFileSync(root + file!, 'utf8'), guarantee).toContain(title)
    }
  })
})

describe('glossary', () => {
  const own = Object.entries(en).map(([key, text]) => ({
    en: text,
    zh: zh[key as keyof typeof en],
  }))
  const errors = Object.entries(errorCodes).map(([code, text]) => ({
    en: text,
    zh: zhErrors[code as keyof typeof errorCodes],
  }))
  const texts = [...own, ...errors]

  test('the Chinese words are those of the command line', () => {
    expect(strayTerms(readPage('GLOSSARY.md'), texts)).toEqual([])
  })

  test('another Chinese word is found', () => {
    const glossary = '| term | 中文 |\n| --- | --- |\n| stream | 溪 |\n| event | 事件 |\n'
    expect(strayTerms(glossary, texts)).toHaveLength(1)
  })
})

describe('names of the code', () => {
  const files = globSync('packages/*/src/**/*.ts', { cwd: root })
  const sources = files.map((file) => readFileSync(root + file, 'utf8')).join('\n')

  test.each(['ARCHITECTURE.md', 'GLOSSARY.md'])('%s names what is there', (path) => {
    const names = codeNames(readPage(path))
    expect(names.length).toBeGreaterThan(30)
    expect(strangeNames(names, sources)).toEqual([])
  })

  test('a name that is gone is found', () => {
    const names = codeNames(
      '`checkAppends` and `Store.readAll` call `decideByGuess()`, not `tidings import`',
    )
    expect(names).toEqual(['checkAppends', 'Store.readAll', 'decideByGuess'])
    expect(strangeNames(names, sources)).toEqual(['decideByGuess'])
  })
})

describe('how a page is run', () => {
  test('a line that is not printed, or not in this order, is found', () => {
    expect(missingLine('a\nb 1\nc\n', 'a\nb …\nc')).toBeUndefined()
    expect(missingLine('a\nc\nb 1\n', 'b …\nc')).toBe('c')
    expect(missingLine('a\n', 'a\nb')).toBe('b')
    expect(missingLine('a b\n', 'a')).toBe('a')
  })

  test('a page is read into steps, and each line keeps its number', () => {
    const page = [
      '```ts',
      'const a = 1',
      '```',
      '```sh',
      'npm i tidings',
      'npx tidings events \\',
      '  --json # exits 2',
      '```',
      '```text output',
      'x',
      '```',
      '```ts norun',
      'serve(a)',
      '```',
    ].join('\n')
    const { steps, modules } = planPage(page)
    expect(steps).toEqual([
      { kind: 'module', text: '\nconst a = 1\nexport {}\n', outputs: [], line: 2 },
      {
        kind: 'command',
        command: 'tidings events --json # exits 2',
        exitCode: 2,
        outputs: [expect.objectContaining({ text: 'x', line: 10 })],
        line: 6,
      },
    ])
    expect(modules.get('page.ts')?.split('\n')[12]).toBe('serve(a)')
  })

  test('an unknown tag, an open block and output of nothing are refused', () => {
    expect(() => planPage('```ts skip\n```')).toThrow("'ts' blocks know no tag 'skip'")
    expect(() => planPage('```ts\n')).toThrow('is not closed')
    expect(() => planPage('```text output\nx\n```')).toThrow('output of nothing')
  })
})
