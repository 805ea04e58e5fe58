import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { verbTable } from '../src/arguments/verb-table.ts'
import { makeFolder, runNode } from './support/cli.ts'
import { toLines, wireEvent } from './support/events.ts'

const root = join(import.meta.dirname, '..')
const bin = join(root, 'bin/tidings.js')

/** The files that a call of the program loads. */
async function loadedBy(cwd: string, ...args: readonly string[]): Promise<readonly string[]> {
  writeFileSync(
    join(cwd, 'list.mjs'),
    `import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`,
  )
  const { code, stderr } = await runNode(['--import', join(cwd, 'list.mjs'), bin, ...args], { cwd })
  expect(code, stderr).toBe(0)
  return stderr.split('\n').filter((line) => line.startsWith('file:'))
}

/** A folder with a log of one event. */
async function makeLog(): Promise<string> {
  const cwd = makeFolder()
  writeFileSync(join(cwd, 'in.ndjson'), toLines([wireEvent(1)]))
  const { code, stderr } = await runNode([bin, 'import', 'in.ndjson'], { cwd })
  expect(code, stderr).toBe(0)
  return cwd
}

describe('the built program', () => {
  test('is there: npm run build makes it', () => {
    expect(existsSync(join(root, 'dist/main.js'))).toBe(true)
  })

  test('imports, lists and verifies', async () => {
    const cwd = makeFolder()
    writeFileSync(join(cwd, 'in.ndjson'), toLines([wireEvent(1), wireEvent(2)]))
    const version = await runNode([bin, '--version'], { cwd })
    expect(version.stdout).toBe(
      `${(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version}\n`,
    )
    expect((await runNode([bin, 'import', 'in.ndjson'], { cwd })).code).toBe(0)
    expect((await runNode([bin, 'events'], { cwd })).stdout.split('\n')).toHaveLength(3)
    expect((await runNode([bin, 'verify'], { cwd })).code).toBe(0)
  })

  // How long a start takes is measured by `npm run bench -- startup`; what decides it is this.
  test.each([
    ['--version', 24],
    ['--help', 25],
    ['events', 70],
    ['types', 70],
    ['streams', 70],
    ['stats', 85],
    ['events --json', 100],
    ['show ID', 99],
  ] as const)('starting %s loads at most %i files of ours', async (call, most) => {
    const cwd = await makeLog()
    const words = call.replace('ID', wireEvent(1)['event_id'] as string).split(' ')
    const loaded = await loadedBy(cwd, ...words)
    const [verb = ''] = words
    const file = verb.startsWith('-') ? 'dist/run.js' : `verbs/${verb}.js`
    expect(loaded).toContainEqual(expect.stringContaining(file))
    expect(loaded.length).toBeLessThanOrEqual(most)
  })

  test('a verb that reads loads nothing that writes, and a verb without mistakes no help for them', async () => {
    const cwd = await makeLog()
    const reading = (await loadedBy(cwd, 'events')).join('\n')
    expect(reading).not.toMatch(
      /write-side|transaction\.js|delivery-tables|retention-table|migrate(?:-file)?\.js|sqlite\/(?:verify|backup)/,
    )
    expect(reading).not.toMatch(/contract\.js|report-error|help\.js/)
    // What is asked above would hold of a file that has another name by now.
    writeFileSync(join(cwd, 'more.ndjson'), toLines([wireEvent(2)]))
    const writing = (await loadedBy(cwd, 'import', 'more.ndjson')).join('\n')
    for (const file of ['write-side.js', 'transaction.js', 'contract.js'])
      expect(writing).toContain(file)
  })

  test('a verb that needs no contracts loads no validator', async () => {
    const cwd = await makeLog()
    const loaded = (await loadedBy(cwd, 'import', 'in.ndjson')).join('\n')
    expect(loaded).toContain('verbs/import.js')
    expect(loaded).not.toMatch(/zod|valibot|arktype|verbs\/trace\.js|texts\/zh\.js/)
  })
})

describe('help', () => {
  test.each(verbTable.map((verb) => [verb.name, verb] as const))(
    'of %s lists its options, and its examples can be called',
    async (_, verb) => {
      const cwd = makeFolder()
      const english = await runNode([bin, verb.name, '--help'], { cwd })
      expect(english).toMatchObject({ code: 0, stderr: '' })
      for (const option of Object.keys(verb.options))
        expect(english.stdout).toContain(`--${option}`)
      for (const { line } of verb.examples) expect(english.stdout).toContain(`tidings ${line}`)
      const chinese = await runNode([bin, 'help', verb.name, '--lang', 'zh'], { cwd })
      expect(chinese.stdout).toContain('用法')
      // Whole: outside commands, names and examples no English sentence is left.
      expect(
        chinese.stdout
          .split('\n')
          .filter(
            (line) => /\b(?:the|of|and|which|with)\b/.test(line) && !/\p{Script=Han}/u.test(line),
          ),
      ).toEqual([])
      expect(verb.examples.length).toBeGreaterThan(0)
    },
  )

  test('every example passes the parser', async () => {
    const cwd = makeFolder()
    for (const { name, examples } of verbTable) {
      for (const { line } of examples) {
        // As a shell takes them: what is in quotes is one word.
        const words = line
          .split(' | ')[0]!
          .match(/'[^']*'|\S+/g)!
          .map((word) => word.replace(/^'(.*)'$/, '$1'))
        const args = words.map((word) =>
          word.startsWith('sqlite:') ? 'sqlite:none/none.db' : word,
        )
        const result = await runNode([bin, ...args.filter((arg) => arg !== '--follow'), '--json'], {
          cwd,
          env: { TIDINGS_STORE: 'sqlite:none/none.db' },
        })
        expect({
          name,
          line,
          code: result.code,
          usage: result.stderr.includes('TIDINGS_CLI_USAGE'),
        }).toMatchObject({ usage: false })
      }
    }
  })
})
