import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder, parseLines, runCli } from './support/cli.ts'

interface Report {
  readonly from: number
  readonly to: number
  readonly oldest: number
  readonly sql: string
}

test('a file is shown what would be done to it, made, and left as it is', async () => {
  const cwd = makeFolder()
  const migrate = (...args: readonly string[]) =>
    runCli(['migrate', '--store', 'sqlite:app.db', ...args], { cwd })
  const json = async (...args: readonly string[]) =>
    parseLines<Report>((await migrate('--json', ...args)).stdout)[0]
  const shown = await json('--dry-run')
  expect(existsSync(join(cwd, 'app.db'))).toBe(false)
  expect(shown).toMatchObject({ from: 0, oldest: 1 })
  const text = await migrate('--dry-run')
  expect(text.stdout).toMatch(
    /^-- sqlite:.*Nothing was changed\.\n-- Applications that know form 1/,
  )
  // Run by hand it makes a log that the verb has nothing to do with.
  const database = new DatabaseSync(join(cwd, 'by-hand.db'))
  database.exec(text.stdout)
  database.close()
  const byHand = await runCli(['migrate', '--json', '--store', 'sqlite:by-hand.db'], { cwd })
  expect(parseLines<Report>(byHand.stdout)[0]).toMatchObject({ from: shown?.to, sql: '' })
  expect(await migrate()).toMatchObject({ code: 0, stderr: '' })
  expect((await migrate()).stdout).toContain('Nothing to do.')
  expect((await runCli(['stats', '--store', 'sqlite:app.db'], { cwd })).code).toBe(0)
})

test('refuses a file of a newer version, the memory, and a schema where there is none', async () => {
  const cwd = makeFolder()
  const migrate = (...args: readonly string[]) => runCli(['migrate', ...args], { cwd })
  expect((await migrate('--store', 'sqlite:app.db')).code).toBe(0)
  const database = new DatabaseSync(join(cwd, 'app.db'))
  database.exec(
    "insert into schema_version values (99, 99, '2026-11-21T00:00:00.000Z', 'tidings 9')",
  )
  database.close()
  const newer = await migrate('--store', 'sqlite:app.db', '--dry-run')
  expect(newer).toMatchObject({ code: 1, stdout: '' })
  expect(newer.stderr).toContain('Install a newer version.')
  const memory = await migrate('--store', 'memory:')
  expect(memory).toMatchObject({ code: 2, stdout: '' })
  const schema = await migrate('--store', 'sqlite:new.db', '--schema', 'orders')
  expect(schema).toMatchObject({ code: 2, stdout: '' })
  expect(existsSync(join(cwd, 'new.db'))).toBe(false)
})
