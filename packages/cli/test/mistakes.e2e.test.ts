import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { makeFolder, runCli } from './support/cli.ts'
import { toLines, wireEvent } from './support/events.ts'

/** What a person types wrongly, and what the answer must hold for them to go on without a manual. */
const mistakes: readonly {
  readonly args: readonly string[]
  readonly code: number
  readonly says: readonly string[]
  readonly prepare?: (cwd: string) => void
}[] = [
  { args: [], code: 2, says: ['No verb', '--help'] },
  { args: ['evnts'], code: 2, says: ["no verb 'evnts'", 'Did you mean events?'] },
  {
    args: ['events', '--limt', '5'],
    code: 2,
    says: ["no option '--limt'", 'Did you mean --limit?'],
  },
  { args: ['types', '--follow'], code: 2, says: ["no option '--follow'"] },
  {
    args: ['events', '--limit', 'ten'],
    code: 2,
    says: ['--limit is a whole number from 1 up', "'ten'"],
  },
  { args: ['events', '--limit', '0'], code: 2, says: ['from 1 up', "'0'"] },
  {
    args: ['events', '--since', 'yesterday'],
    code: 2,
    says: ['--since is a time', "'yesterday'", '2026-11-21T09:30:00Z', '2h'],
  },
  { args: ['events', '--since', '2026-11-21T09:30:00'], code: 2, says: ['with an offset'] },
  {
    args: ['events', '--type', '--json'],
    code: 2,
    says: ['--type needs a value', '--type=--json'],
  },
  { args: ['events', '--json=yes'], code: 2, says: ["--json takes no value, but got 'yes'"] },
  {
    args: ['events', 'Todo.Item.Created'],
    code: 2,
    says: ["'Todo.Item.Created' is one word too many"],
  },
  { args: ['events', '--follow', '--reverse'], code: 2, says: ['take one of them'] },
  { args: ['events', '--lang', 'fr'], code: 2, says: ['--lang is one of en | zh', "'fr'"] },
  {
    args: ['events', '--store', 'app.db'],
    code: 2,
    says: ["'app.db' does not say where", '--store sqlite:app.db'],
  },
  {
    args: ['events', '--store', 'mysql://localhost/x'],
    code: 2,
    says: ['mysql://localhost/x', 'sqlite:FILE'],
  },
  { args: ['events'], code: 1, says: ['no log at', 'tidings.db', 'TIDINGS_STORE'] },
  { args: ['import'], code: 2, says: ["'import' needs FILE|-"] },
  { args: ['import', 'nothing.ndjson'], code: 1, says: ['no file', 'nothing.ndjson'] },
  { args: ['import', '.'], code: 1, says: ['is a folder'] },
  { args: ['import', 'in.ndjson', '--unknown', 'keep'], code: 2, says: ['--contracts'] },
  {
    args: ['import', 'in.ndjson', '--rejects', './in.ndjson'],
    code: 2,
    says: ['is the file that is imported'],
  },
  {
    args: ['import', 'in.ndjson', '--contracts', './none.ts'],
    code: 1,
    says: ['./none.ts', 'does not exist'],
  },
  {
    args: ['import', 'in.ndjson', '--contracts', 'no-such-package'],
    code: 1,
    says: ['no-such-package', 'does not load', 'Cannot find package'],
  },
  {
    args: ['import', 'in.ndjson', '--contracts', './empty.ts'],
    code: 1,
    says: ['exports no contract', 'It exports: answer', 'defineEvent'],
    prepare: (cwd) => writeFileSync(join(cwd, 'empty.ts'), 'export const answer = 42'),
  },
  {
    args: ['import', 'in.ndjson', '--contracts', './broken.ts'],
    code: 1,
    says: ['does not load', 'boom'],
    prepare: (cwd) => writeFileSync(join(cwd, 'broken.ts'), "throw new Error('boom')"),
  },
  {
    args: ['import', 'utf16.ndjson'],
    code: 1,
    says: ['UTF-16', 'iconv'],
    prepare: (cwd) => writeFileSync(join(cwd, 'utf16.ndjson'), Buffer.from('\ufeff{}', 'utf16le')),
  },
  {
    args: ['import', 'in.ndjson', '--rejects', 'folder'],
    code: 1,
    says: ['rejects file', 'cannot be written', '--rejects FILE'],
    prepare: (cwd) => {
      mkdirSync(join(cwd, 'folder'))
      writeFileSync(join(cwd, 'in.ndjson'), 'no event\n')
    },
  },
  {
    args: ['import', 'in.ndjson', '--store', 'sqlite:missing/x.db'],
    code: 1,
    says: ["folder '", 'is not there'],
  },
  {
    args: ['import', 'in.ndjson', '--store', 'sqlite:folder'],
    code: 1,
    says: ['cannot be opened', '\nNothing of the input was stored.\n'],
    prepare: (cwd) => {
      mkdirSync(join(cwd, 'folder'))
      writeFileSync(join(cwd, 'in.ndjson'), toLines([wireEvent(1)]))
    },
  },
  {
    args: ['export', '--out', 'folder'],
    code: 1,
    says: ['folder is a folder'],
    prepare: (cwd) => {
      makeEmptyLog(cwd)
      mkdirSync(join(cwd, 'folder'))
    },
  },
  { args: ['show', '42'], code: 2, says: ["'42' is no event id", 'tidings events'] },
  {
    args: ['show', '019b0000-0000-7000-8000-000000000001'],
    code: 1,
    says: ['There is no event 019b0000', 'tidings events'],
    prepare: makeEmptyLog,
  },
  {
    args: ['events', '--stream', 'Todo.Item'],
    code: 2,
    says: ["'Todo.Item' is no stream", 'aggregateType/aggregateId'],
    prepare: makeEmptyLog,
  },
  { args: ['trace', 'nobody'], code: 1, says: ['Nothing in', 'nobody'], prepare: makeEmptyLog },
  { args: ['backup', 'copy.db', '--store', 'memory:'], code: 2, says: ['needs a log in a file'] },
  {
    args: ['stats', '--store', 'sqlite:other.db'],
    code: 1,
    says: ['is a database, but no log'],
    prepare: (cwd) => {
      const database = new DatabaseSync(join(cwd, 'other.db'))
      database.exec('create table customers (name text)')
      database.close()
    },
  },
  {
    args: ['stats', '--store', 'sqlite:notes.txt'],
    code: 1,
    says: ['is no SQLite database'],
    prepare: (cwd) =>
      writeFileSync(
        join(cwd, 'notes.txt'),
        'just notes, a little longer than nothing\n'.repeat(40),
      ),
  },
]

const templates = new Map<string, Buffer>()

function makeEmptyLog(cwd: string): void {
  const made = templates.get('empty')
  if (made === undefined) throw new Error('the empty log is made before all tests')
  writeFileSync(join(cwd, 'tidings.db'), made)
}

describe('mistakes', async () => {
  const { sqlite } = await import('tidings/sqlite')
  const { mkdtempSync, readFileSync, rmSync } = await import('node:fs')
  const { tmpdir } = await import('node:os')
  const folder = mkdtempSync(join(tmpdir(), 'tidings-cli-'))
  const store = sqlite(join(folder, 'empty.db'))
  await store.open()
  await store.close()
  templates.set('empty', readFileSync(join(folder, 'empty.db')))
  rmSync(folder, { recursive: true })

  test.each(mistakes.map((mistake) => [mistake.args.join(' ') || '(nothing)', mistake] as const))(
    'tidings %s',
    async (_, { args, code, says, prepare }) => {
      const cwd = makeFolder()
      writeFileSync(join(cwd, 'in.ndjson'), toLines([wireEvent(1)]))
      prepare?.(cwd)
      const before = readdirSync(cwd)
      const result = await runCli(args, { cwd })
      expect(result).toMatchObject({ code, stdout: '' })
      for (const words of says) expect(result.stderr).toContain(words)
      expect(result.stderr).not.toMatch(/\n {4}at /)
      // Reading makes no log; and what failed before it began leaves nothing behind.
      expect(
        readdirSync(cwd).filter((name) => !before.includes(name) && !name.startsWith('tidings.db')),
      ).toEqual([])
      if (args[0] !== 'import')
        expect(existsSync(join(cwd, 'tidings.db'))).toBe(before.includes('tidings.db'))
    },
  )

  test.runIf(existsSync('/dev/full'))('results that cannot be written are a failure', () => {
    const cwd = makeFolder()
    makeEmptyLog(cwd)
    const main = join(import.meta.dirname, '../src/main.ts')
    const full = openSync('/dev/full', 'w')
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--conditions=@tidings/source', main, 'stats'],
      {
        cwd,
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8',
      },
    )
    closeSync(full)
    expect(status).toBe(1)
    expect(stderr).toContain('ENOSPC')
  })

  test('with --json the error is one line of JSON on stderr', async () => {
    const cwd = makeFolder()
    const wrong = await runCli(['events', '--limt', '5', '--json'], { cwd })
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(JSON.parse(wrong.stderr)).toEqual({
      error: {
        code: 'TIDINGS_CLI_USAGE',
        message: "There is no option '--limt' here.",
        hint: 'Did you mean --limit?',
      },
    })
    const missing = await runCli(['stats', '--json'], { cwd })
    expect(JSON.parse(missing.stderr)).toMatchObject({
      error: { code: 'TIDINGS_CLI_NO_STORE', file: join(cwd, 'tidings.db') },
    })
    writeFileSync(join(cwd, 'x.db'), 'no database, but text of some length\n'.repeat(40))
    const damaged = await runCli(['stats', '--json', '--store', 'sqlite:x.db'], { cwd })
    expect(JSON.parse(damaged.stderr)).toMatchObject({
      error: { code: 'TIDINGS_STORE_CORRUPT', retryable: false },
    })
  })

  test('in Chinese all of it is Chinese, and the facts of the library follow', async () => {
    const cwd = makeFolder()
    const wrong = await runCli(['evnts'], { cwd, env: { LANG: 'zh_CN.UTF-8' } })
    expect(wrong.stderr).toBe("错误：没有子命令 'evnts'。\n是否想写 events？\n")
    writeFileSync(join(cwd, 'x.db'), 'no database, but text of some length\n'.repeat(40))
    const damaged = await runCli(['stats', '--lang', 'zh', '--store', 'sqlite:x.db'], { cwd })
    expect(damaged.stderr).toContain('文件已损坏，或不是日志。')
    expect(damaged.stderr).toContain('is no SQLite database')
  })
})
