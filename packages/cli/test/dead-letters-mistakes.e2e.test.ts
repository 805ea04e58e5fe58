import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { runCli } from './support/cli.ts'
import { openShop, type Shop } from './support/shop.ts'

const NOBODY = '0198c0de-4bad-7cde-8f01-23456789abcd'

/** What a person types wrongly, and what the answer must hold for them to go on without a manual. */
const mistakes: readonly {
  /** HEAD stands for the id of the first dead letter. */
  readonly args: string
  readonly code: number
  readonly says: readonly string[]
}[] = [
  { args: 'dead-letters', code: 2, says: ["'dead-letters' needs one of list | groups | show"] },
  { args: 'dead-letters lst', code: 2, says: ["no verb 'lst'", 'Did you mean list?'] },
  {
    args: 'dead-leters list',
    code: 2,
    says: ["no verb 'dead-leters'", 'Did you mean dead-letters?'],
  },
  {
    args: 'dead-letters list mail',
    code: 2,
    says: ["too many for 'dead-letters list'", "See 'tidings dead-letters list --help'"],
  },
  {
    args: 'dead-letters redrive --all',
    code: 2,
    says: ["no option '--all'", "See 'tidings dead-letters redrive --help'"],
  },
  {
    args: 'subscriptions reset',
    code: 2,
    says: ["'subscriptions reset' needs NAME", "See 'tidings subscriptions reset --help'"],
  },
  { args: 'dead-letters show', code: 2, says: ["'dead-letters show' needs ID"] },
  { args: 'dead-letters show 12', code: 2, says: ["'12' is no id", 'dead-letters list'] },
  { args: `dead-letters show ${NOBODY}`, code: 1, says: ['no parked event', '/app.db'] },
  {
    args: 'dead-letters list --subscription mial',
    code: 1,
    says: ["named 'mial'", "Did you mean 'mail'?"],
  },
  {
    args: 'dead-letters list --reason broken',
    code: 2,
    says: ['--reason is one of failed | behind'],
  },
  {
    args: 'dead-letters redrive',
    code: 2,
    says: ['Which parked events are meant?', 'dead-letters list'],
  },
  {
    args: 'dead-letters redrive --subscription mail --key ben',
    code: 1,
    says: ["No parked event of 'mail' fits", 'Nothing was changed'],
  },
  {
    args: 'dead-letters redrive --subscription mail --rate 0',
    code: 2,
    says: ['--rate is a whole number from 1 up'],
  },
  {
    args: 'dead-letters redrive --id HEAD --payload broken.json',
    code: 1,
    says: [
      'Shop.Mail.Requested',
      'At /lines: expected integer',
      'got "two"',
      'Nothing was changed',
    ],
  },
  {
    args: 'dead-letters redrive --id HEAD --edit HEAD=none.json',
    code: 1,
    says: ['none.json cannot be read'],
  },
  {
    args: 'dead-letters redrive --id HEAD --edit HEAD=app.ts',
    code: 1,
    says: ['app.ts holds no JSON'],
  },
  {
    args: 'dead-letters redrive --subscription mail --edit mended.json',
    code: 2,
    says: ['--edit is ID=FILE', "'mended.json'"],
  },
  {
    args: 'dead-letters redrive --subscription mail --payload mended.json',
    code: 2,
    says: ['exactly one --id'],
  },
  { args: 'dead-letters discard --key ann --yes', code: 2, says: ['say why with --because'] },
  {
    args: 'dead-letters discard --key ann --because spam',
    code: 1,
    says: ['Discard 3 parked events of mail', 'no terminal to ask at', '--yes'],
  },
  { args: 'subscriptions show mial', code: 1, says: ["named 'mial'", "Did you mean 'mail'?"] },
  {
    args: 'subscriptions show timers',
    code: 1,
    says: ["No subscription of this log is named 'timers'"],
  },
  { args: 'subscriptions reset mail', code: 2, says: ['--to', 'beginning, end, a position'] },
  { args: 'subscriptions reset mail --to noon', code: 2, says: ["got 'noon'", 'beginning, end'] },
  {
    args: 'subscriptions reset mail --to 99 --yes',
    code: 1,
    says: ['from 0 to 5', 'got 99', 'Nothing was changed'],
  },
  {
    args: 'subscriptions reset mail --to end',
    code: 1,
    says: ['Reset mail from position 5 to end?', 'leaves 3 parked events behind', '--yes'],
  },
  { args: `operations show ${NOBODY}`, code: 1, says: [`no operation ${NOBODY}`] },
  { args: 'operations cancel it', code: 2, says: ["'it' is no id of an operation"] },
  {
    args: 'dead-letters redrive --subscription mail --run --store sqlite:app.db',
    code: 2,
    says: ['leave --store out'],
  },
  {
    args: 'dead-letters redrive --subscription mail --run --config none.ts',
    code: 1,
    says: ['no configuration none.ts', '--config FILE'],
  },
  {
    args: 'dead-letters redrive --subscription mail --run --config nothing.ts',
    code: 1,
    says: ['nothing.ts is no configuration', 'bootstrap'],
  },
  {
    args: 'dead-letters redrive --subscription mail --run --config throws.ts',
    code: 1,
    says: ['throws.ts does not load', 'no database here'],
  },
]

describe('mistakes', () => {
  let shop: Shop
  let head = ''

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidings-cli-'))
    shop = await openShop(undefined, undefined, () => folder)
    ;[head = ''] = await shop.letters()
    writeFileSync(join(shop.cwd, 'broken.json'), '{ "to": "anna", "lines": "two" }')
    writeFileSync(join(shop.cwd, 'nothing.ts'), 'export const config = {}\n')
    writeFileSync(
      join(shop.cwd, 'throws.ts'),
      "export default () => {\n  throw new Error('no database here')\n}\n",
    )
    return () => rmSync(folder, { recursive: true, force: true })
  })

  test.each(mistakes)('tidings $args', async ({ args, code, says }) => {
    const words = args.split(' ').map((word) => word.replaceAll('HEAD', head))
    const result = await shop.tidings(...words)
    expect(result.code, result.stderr).toBe(code)
    for (const part of says) expect(result.stderr).toContain(part)
    expect(result.stderr, 'no stack').not.toMatch(/^ {4}at /m)
  })

  test('nothing of it was stored', async () => {
    expect((await shop.tidings('operations', 'list', '--json')).stdout).toBe('')
  })

  test('for a program they are one line of JSON, and Chinese where that is wanted', async () => {
    const asked = ['subscriptions', 'pause', 'mial']
    const { stderr } = await shop.tidings(...asked, '--json')
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'TIDINGS_SUBSCRIPTION_UNKNOWN' } })
    const chinese = await runCli([...asked, '--lang', 'zh', '--store', 'sqlite:app.db'], {
      cwd: shop.cwd,
    })
    expect(chinese.stderr).toContain('此日志中没有该名称的订阅。')
  })
})

const main = join(import.meta.dirname, '../src/main.ts')
/** `script` of util-linux gives a program a terminal. */
const script = '/usr/bin/script'
const hasScript =
  spawnSync(script, ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false

describe.runIf(hasScript)('on a terminal', () => {
  test('people get a table with colour, and are asked before many are discarded', async () => {
    const shop = await openShop()
    const run = (args: string, input: string): string => {
      const { FORCE_COLOR: _, NO_COLOR: _no, CI: _ci, ...inherited } = process.env
      const command = `stty cols 160 && ${process.execPath} --conditions=@tidings/source ${main} ${args}`
      const { stdout } = spawnSync(script, ['-qec', command, '/dev/null'], {
        cwd: shop.cwd,
        input,
        encoding: 'utf8',
        env: {
          ...inherited,
          TERM: 'xterm-256color',
          LANG: 'C.UTF-8',
          TIDINGS_STORE: 'sqlite:app.db',
        },
      })
      return stdout.replaceAll('\r\n', '\n')
    }
    const table = run('dead-letters list', '')
    expect(table).toContain('\u001b[1mPARKED ID')
    expect(table).toContain('\u001b[31ma person (dead letter)\u001b[39m')
    const no = run('dead-letters discard --key ann --because spam', 'n\n')
    expect(no).toContain('Discard 3 parked events of mail for good? [y/N]')
    expect(no).toContain('Nothing was changed.')
    const yes = run('dead-letters discard --key ann --because spam', 'y\n')
    expect(yes).toContain('Stored: discard')
    expect(await shop.tidings('operations', 'list')).toMatchObject({
      stdout: expect.stringContaining('\tdiscard\tmail\trequested\t') as string,
    })
  })
})
