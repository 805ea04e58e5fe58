import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { verbTable } from '../src/arguments/verb-table.ts'
import { makeFolder, runNode } from './support/cli.ts'
import { toLines, wireEvent } from './support/events.ts'

const root = join(import.meta.dirname, '..')
const bin = join(root, 'bin/tidings.js')

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

  // The limit is 150 ms. Timings of a machine under load say little, differences of neighbours say enough:
  // bare Node and the verb run in turn, and the best of each is what the machine allowed.
  test('starts a verb in under 150 ms more than bare Node', { retry: 3 }, async () => {
    const cwd = makeFolder()
    writeFileSync(join(cwd, 'in.ndjson'), toLines([wireEvent(1)]))
    await runNode([bin, 'import', 'in.ndjson'], { cwd })
    const best = {
      bare: Number.POSITIVE_INFINITY,
      events: Number.POSITIVE_INFINITY,
      stats: Number.POSITIVE_INFINITY,
    }
    const time = async (name: keyof typeof best, args: readonly string[]) => {
      const start = performance.now()
      expect((await runNode(args, { cwd })).code).toBe(0)
      best[name] = Math.min(best[name], performance.now() - start)
    }
    for (let round = 0; round < 7; round++) {
      await time('bare', ['-e', '0'])
      await time('events', [bin, 'events'])
      await time('stats', [bin, 'stats'])
    }
    expect(best.events - best.bare).toBeLessThan(150)
    expect(best.stats - best.bare).toBeLessThan(150)
  })

  test('a verb that needs no contracts loads no validator', async () => {
    const cwd = makeFolder()
    writeFileSync(join(cwd, 'in.ndjson'), toLines([wireEvent(1)]))
    writeFileSync(
      join(cwd, 'list.mjs'),
      `import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`,
    )
    const result = await runNode(['--import', join(cwd, 'list.mjs'), bin, 'import', 'in.ndjson'], {
      cwd,
    })
    expect(result.stderr).toContain('verbs/import.js')
    expect(result.stderr).not.toMatch(/zod|valibot|arktype|verbs\/trace\.js|texts\/zh\.js/)
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
        const words = line
          .split(' | ')[0]!
          .split(' ')
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
