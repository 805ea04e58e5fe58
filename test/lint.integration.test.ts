import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../tools/repository.ts'
import { write } from './packed/install.ts'

/** A type-aware linter that finds no types is silent; so each rule we lean on must find its fault. */
const planted: Record<string, string> = {
  'typescript(no-floating-promises)': 'work()',
  'typescript(no-misused-promises)': 'new Set([1]).forEach(async () => work())',
  'typescript(return-await)':
    'async function f() { try { return work() } catch { return 1 } }\nvoid f',
  'typescript(switch-exhaustiveness-check)':
    "function f(a: 'x' | 'y') { switch (a) { case 'x': return 1 }\nreturn 2 }\nvoid f",
  'typescript(only-throw-error)': "function f() { throw 'text' }\nvoid f",
  'typescript(no-explicit-any)': 'export let a: any',
  'typescript(no-unsafe-member-access)': "export const a = JSON.parse('{}').b.c as string",
  'eslint(eqeqeq)': 'export const a = (b: number) => b == 1',
  'eslint(no-console)': "console.log('a')",
  'eslint(max-params)':
    'export function f(a: 1, b: 1, c: 1, d: 1, e: 1) { return [a, b, c, d, e] }',
  'eslint(max-lines-per-function)': `export function f(a: number) {\n${'a++\n'.repeat(71)}return a\n}`,
  'import(no-default-export)': 'export default 1',
  'import(no-cycle)': "import type { File } from './cycle.ts'\nexport type Other = File",
}

const nameOf = (rule: string): string => `${rule.replaceAll(/\W+/g, '-')}.ts`

let folder: string
let found: { code: string; filename: string }[]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-lint-'))
  const prelude = "import { work } from './work.ts'\nvoid work\n"
  write(folder, {
    'package.json': '{ "type": "module" }',
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        module: 'nodenext',
        lib: ['ES2024', 'DOM'],
        types: [],
        allowImportingTsExtensions: true,
        noEmit: true,
      },
    }),
    'src/work.ts': 'export async function work(): Promise<number> {\n  return 1\n}\n',
    'src/cycle.ts': "export type File = 1\nexport type * from './import-no-cycle-.ts'\n",
  })
  for (const [rule, code] of Object.entries(planted)) {
    write(folder, { [`src/${nameOf(rule)}`]: `${prelude}${code}\n` })
  }
  const args = ['--config', join(root, '.oxlintrc.json'), '--type-aware', '--format', 'json', 'src']
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), args, {
    cwd: folder,
    encoding: 'utf8',
  })
  found = (JSON.parse(stdout) as { diagnostics: typeof found }).diagnostics
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

test.for(Object.keys(planted))('%s finds what is planted for it', (rule) => {
  const here = found.filter(({ filename }) => filename.endsWith(nameOf(rule)))
  expect(here.map(({ code }) => code)).toContain(rule)
})
