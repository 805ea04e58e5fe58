import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { postgres } from '@tidings/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

const packages = join(import.meta.dirname, '../..')

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase('cli')
})
afterAll(() => database.drop())

interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The command line, called from the folder of an application that has the package. */
async function tidings(...args: readonly string[]): Promise<Result> {
  const child = spawn(
    process.execPath,
    ['--conditions=@tidings/source', join(packages, 'cli/src/main.ts'), ...args],
    { cwd: join(packages, 'postgres'), env: { ...process.env, LANG: 'C.UTF-8', NODE_OPTIONS: '' } },
  )
  child.stdin.end()
  const code = new Promise<number>((resolve) => child.once('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, stdout, stderr }
}

function withSchema(schema: string): string {
  const url = new URL(database.url)
  url.searchParams.set('schema', schema)
  return url.href
}

test('looks into a log in PostgreSQL, and makes none', async () => {
  const url = withSchema('seen')
  const missing = await tidings('events', '--store', url)
  expect(missing).toMatchObject({ code: 1, stdout: '' })
  expect(missing.stderr).toContain("no log in the schema 'seen'")
  const store = postgres(url)
  const events = [makeEvent('1'), makeEvent('1')]
  await store.append([appendTo('1', ...events)])
  await store.close()
  const listed = await tidings('events', '--json', '--store', url)
  expect(listed).toMatchObject({ code: 0, stderr: '' })
  const lines = listed.stdout.trim().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { event_id: string }).event_id)).toEqual(
    events.map(({ envelope }) => envelope.eventId),
  )
  expect(await tidings('verify', '--store', url)).toMatchObject({ code: 0 })
  expect((await tidings('doctor', '--store', url)).code).toBe(0)
  const stats = await tidings('stats', '--json', '--store', url)
  expect(JSON.parse(stats.stdout)).toMatchObject({ events: 2, streams: 1 })
})

test('migrates one log of several, shows what it would do, and says who may go on', async () => {
  const json = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await tidings('migrate', '--json', ...args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return JSON.parse(stdout) as Record<string, unknown>
  }
  const url = withSchema('first')
  const shown = await tidings('migrate', '--dry-run', '--store', url)
  expect(shown.code).toBe(0)
  expect(shown.stdout).toMatch(
    /^-- .*from form 0 to form \d+\. Nothing was changed\.\n-- Applications/,
  )
  expect(shown.stdout).toContain('create table "first".event_log')
  expect((await tidings('events', '--store', url)).stderr).toContain("no log in the schema 'first'")
  expect(await json('--store', url)).toMatchObject({ dry_run: false, from: 0, oldest: 1 })
  expect(await json('--store', url, '--schema', 'second', '--dry-run')).toMatchObject({ from: 0 })
  expect(await json('--store', url)).toMatchObject({ steps: [], sql: '' })
  const again = await tidings('migrate', '--store', url, '--lang', 'zh')
  expect(again.stdout).toContain('无需操作')
})
