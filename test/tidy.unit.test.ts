import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkLeftovers } from '../tools/leftovers.ts'
import { checkAll, describeFault, readRepository, root } from '../tools/repository.ts'
import {
  checkBrowserSafe,
  checkCycles,
  checkLayers,
  checkPackages,
  checkSizes,
  type Fault,
  type Files,
  importsOf,
} from '../tools/tidy.ts'

const core = (files: Record<string, string>): Files =>
  new Map(Object.entries(files).map(([file, text]) => [`packages/core/src/${file}`, text]))

const messages = (faults: readonly Fault[]): string[] => faults.map(describeFault)

describe('this repository', () => {
  const files = readRepository()

  test('was read', () => {
    expect([...files.keys()]).toContain('packages/core/src/contract.ts')
    expect(files.size).toBeGreaterThan(50)
  })

  test('keeps its own rules', () => {
    expect(messages(checkAll(files))).toEqual([])
  })

  test('gives every package the same license', () => {
    expect(
      new Set(['core', 'testing', 'cli'].map((name) => licenseOf(`packages/${name}/`))),
    ).toEqual(new Set([licenseOf('')]))
  })
})

describe('imports are found', () => {
  test.for<[string, string]>([
    ["import { a } from './a.ts'", './a.ts'],
    ["import type { A } from './a.ts'", './a.ts'],
    ["import {\n  a,\n  b,\n} from './a.ts'", './a.ts'],
    ["import './a.ts'", './a.ts'],
    ["import * as a from './a.ts'", './a.ts'],
    ["export * from './a.ts'", './a.ts'],
    ["export { a } from './a.ts'", './a.ts'],
    ["export type { A } from './a.ts'", './a.ts'],
    ["const a = await import('./a.ts')", './a.ts'],
    ["let a: typeof import('./a.ts')", './a.ts'],
    ['import { a } from "./a.ts"', './a.ts'],
  ])('%s', ([code, specifier]) => {
    const before = 'export interface Before {\n  readonly a: string\n}\n'
    const found = importsOf(`${before}${code}\n`)
    expect(found.map((each) => each.specifier)).toEqual([specifier])
    expect(found[0]?.line).toBe(3 + code.split('\n').length)
  })

  test('but not in comments', () => {
    const code = "/**\n * import { a } from './a.ts'\n */\n// import('./b.ts')\nconst glob = '/*'\n"
    expect(importsOf(`${code}import { c } from './c.ts'\n`).map((each) => each.specifier)).toEqual([
      './c.ts',
    ])
  })
})

describe('a planted fault in the layers is found', () => {
  test.for<[string, Record<string, string>, string]>([
    [
      'an import upwards',
      { 'contract/a.ts': "import { b } from '../store/b.ts'\n" },
      "'contract' (rank 2) imports 'store' (rank 4)",
    ],
    [
      'a type import upwards',
      { 'errors/a.ts': "import type { B } from '../contract/b.ts'\n" },
      "'errors' (rank 1) imports 'contract' (rank 2)",
    ],
    [
      'a dynamic import upwards',
      { 'store/a.ts': "const b = () => import('../sqlite/b.ts')\n" },
      "'store' (rank 4) imports 'sqlite' (rank 5)",
    ],
    [
      'an import sideways',
      { 'store/a.ts': "export { b } from '../bus/b.ts'\n" },
      "'store' (rank 4) imports 'bus' (rank 4)",
    ],
    [
      'an import of an entry point',
      { 'sqlite/a.ts': "import { b } from '../contract.ts'\n" },
      'imports the entry point',
    ],
    [
      'an import of a barrel',
      { 'sqlite/a.ts': "import { b } from '../contract/index.ts'\n" },
      'is a barrel',
    ],
    ['a folder without a rank', { 'helpers/a.ts': '' }, "'helpers' of core has no rank"],
    ['an import of itself by name', { 'sqlite/a.ts': "import { b } from 'tidings'\n" }, 'itself'],
  ])('%s', ([, files, message]) => {
    const faults = checkLayers(core(files))
    expect(faults).toHaveLength(1)
    expect(faults[0]?.message).toContain(message)
  })

  test('and what is allowed is not', () => {
    const files = core({
      'index.ts': "export * from './contract.ts'\nexport { s } from './bootstrap/s.ts'\n",
      'bootstrap/s.ts': "import { a } from '../sqlite/a.ts'\n",
      'sqlite/a.ts': "import { b } from './b.ts'\nimport { c } from '../store/c.ts'\n",
    })
    expect(messages(checkLayers(files))).toEqual([])
  })
})

describe('a planted cycle is found', () => {
  test.for<[string, Record<string, string>]>([
    ['of values', { 'a.ts': "import { b } from './b.ts'\n", 'b.ts': "export * from './a.ts'\n" }],
    ['of types', { 'a.ts': "import type { B } from './b.ts'\n", 'b.ts': "import './a.ts'\n" }],
    ['of one', { 'a.ts': "import { a } from './a.ts'\n" }],
    [
      'of three, away from the first file',
      {
        '0.ts': "import './a.ts'\n",
        'a.ts': "import './b.ts'\n",
        'b.ts': "import './c.ts'\n",
        'c.ts': "import('./a.ts')\n",
      },
    ],
  ])('%s', ([, files]) => {
    const faults = checkCycles(core(files))
    expect(faults).toHaveLength(1)
    expect(faults[0]?.message).toMatch(/Import cycle: (\S+) → .*\1$/)
  })

  test('between packages, by their names', () => {
    const faults = checkCycles(
      repository({
        'packages/core/src/index.ts': "import '@tidings/testing'\n",
        'packages/testing/src/index.ts': "import 'tidings'\n",
      }),
    )
    expect(faults).toHaveLength(1)
  })

  test('and a diamond is not one', () => {
    const files = core({
      'a.ts': "import './b.ts'\nimport './c.ts'\n",
      'b.ts': "import './d.ts'\n",
      'c.ts': "import './d.ts'\n",
      'd.ts': '',
    })
    expect(checkCycles(files)).toEqual([])
  })
})

describe('a planted fault between packages is found', () => {
  test('nothing is wrong with the packages that the faults are planted in', () => {
    expect(messages(checkPackages(repository({})))).toEqual([])
  })

  test.for<[string, Record<string, string>, string]>([
    [
      'an import without a dependency',
      { 'packages/core/src/index.ts': "import 'left-pad'\n" },
      "'left-pad' is imported, but packages/core/package.json does not depend on it",
    ],
    [
      'zod in core, away from the file that may',
      { 'packages/core/src/store/a.ts': "import { z } from 'zod'\n" },
      "Core imports 'zod'",
    ],
    [
      'core that knows another package',
      { 'packages/core/src/index.ts': "import '@tidings/testing'\n" },
      "'tidings' may not know '@tidings/testing'",
    ],
    [
      'an adapter that knows another',
      { 'packages/cli/src/main.ts': "import 'tidings'\nimport '@tidings/testing'\n" },
      "'@tidings/cli' may not know '@tidings/testing'",
    ],
    [
      'a path into another package',
      { 'packages/cli/src/main.ts': "import 'tidings'\nimport '../../core/src/store/a.ts'\n" },
      "'../../core/src/store/a.ts' leaves packages/cli",
    ],
    [
      'a dependency that is not imported',
      { 'packages/testing/src/index.ts': '' },
      'a dependency in package.json, a reference in tsconfig.json, no import in the sources',
    ],
    [
      'a reference that is missing',
      { 'packages/testing/tsconfig.json': '{ "references": [] }' },
      'a dependency in package.json, no reference in tsconfig.json, an import in the sources',
    ],
    [
      'a dependency that is missing',
      { 'packages/testing/package.json': '{ "name": "@tidings/testing" }' },
      'no dependency in package.json, a reference in tsconfig.json, an import in the sources',
    ],
  ])('%s', ([, files, message]) => {
    expect(messages(checkPackages(repository(files))).join('\n')).toContain(message)
  })
})

test('a planted node: import is found behind tidings/contract, with the way to it', () => {
  const files = core({
    'contract.ts': "export * from './contract/event.ts'\n",
    'contract/event.ts': "import { id } from '../internal/id.ts'\n",
    'internal/id.ts': "import { randomBytes } from 'node:crypto'\n",
    'sqlite.ts': "import 'node:sqlite'\n",
  })
  const [fault, ...others] = checkBrowserSafe(files, 'packages/core/src/contract.ts')
  expect(others).toEqual([])
  expect(fault?.file).toBe('packages/core/src/internal/id.ts')
  expect(fault?.message).toContain('contract.ts → packages/core/src/contract/event.ts → ')
})

test('a planted long file is found', () => {
  const faults = checkSizes(core({ 'long.ts': 'x\n'.repeat(401), 'short.ts': 'x\n'.repeat(400) }))
  expect(faults.map((fault) => fault.file)).toEqual(['packages/core/src/long.ts'])
})

describe('a planted leftover is found', () => {
  // Put together here, so that this file does not hold what it plants.
  const word = (...parts: string[]): string => parts.join('')
  const faulty: [string, string][] = [
    ['src/a.ts', word('// TO', 'DO: later')],
    ['README.md', word('FIX', 'ME this')],
    ['test/a.unit.test.ts', word('test.', "only('one', () => {})")],
    ['test/a.unit.test.ts', word('describe.concurrent.', "only('one', () => {})")],
    ['src/a.ts', word('  debug', 'ger')],
    ['test/a.unit.test.ts', word('await sl', 'eep(100)')],
    ['test/a.unit.test.ts', word('await new Pro', 'mise((r) => set', 'Timeout(r, 100))')],
    ['test/a.unit.test.ts', word("import { setTimeout } from 'node:tim", "ers/promises'")],
  ]

  test.for(faulty)('%s: %s', ([file, line]) => {
    expect(checkLeftovers(new Map([[file, `a\n${line}\nb\n`]]))).toHaveLength(1)
  })

  test('unless a reason stands there, or it only looks like one', () => {
    const files = new Map([
      ['src/names.ts', "const name = 'TODO_ITEM_CREATED'\nconst todo = 'Todo.Item'\n"],
      ['src/clock.ts', word('await new Pro', 'mise((r) => set', 'Timeout(r, 100))')],
      [
        'test/a.unit.test.ts',
        `// tidy-allow sleep: nothing else tells\n${word('await sl', 'eep(1)')}`,
      ],
    ])
    expect(messages(checkLeftovers(files))).toEqual([])
  })
})

function licenseOf(folder: string): string {
  return readFileSync(`${root}${folder}LICENSE`, 'utf8')
}

/** Three packages without a fault, and the given files in place of theirs. */
function repository(planted: Record<string, string>): Files {
  const manifest = (name: string, dependencies: Record<string, string>): string =>
    JSON.stringify({
      name,
      dependencies,
      exports: { '.': { '@tidings/source': './src/index.ts' } },
    })
  const references = '{\n  // the graph\n  "references": [{ "path": "../core" }]\n}'
  const sound = {
    'packages/core/package.json': manifest('tidings', { zod: '4' }),
    'packages/core/src/index.ts': "import { z } from './zod.ts'\n",
    'packages/core/src/zod.ts': "import { z } from 'zod'\n",
    'packages/core/test/a.unit.test.ts': "import { fc } from 'fast-check'\n",
    'packages/testing/package.json': manifest('@tidings/testing', { tidings: '0.1.0' }),
    'packages/testing/tsconfig.json': references,
    'packages/testing/src/index.ts': "import { defineEvent } from 'tidings/contract'\n",
    'packages/cli/package.json': manifest('@tidings/cli', { tidings: '0.1.0' }),
    'packages/cli/tsconfig.json': references,
    'packages/cli/src/main.ts': "import { bootstrap } from 'tidings'\n",
  }
  return new Map(Object.entries({ ...sound, ...planted }))
}
