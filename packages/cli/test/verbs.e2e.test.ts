import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqlite } from 'tidings/sqlite'
import { fromWire, sealEnvelope } from 'tidings/contract'
import { describe, expect, test } from 'vitest'
import { checkDatabase } from '../src/doctor/check-database.ts'
import { loadTexts } from '../src/texts/texts.ts'
import { makeFolder, parseLines, runCli, type CliResult } from './support/cli.ts'
import { numberedId, toLines, wireEvent } from './support/events.ts'

type Row = Record<string, unknown>

const ids = (result: CliResult) =>
  parseLines<{ event_id: string }>(result.stdout).map(({ event_id }) => event_id)

/** A folder with a log of 100 events: 7 streams, two types, an hour apart. */
async function makeLog(): Promise<string> {
  const cwd = makeFolder()
  const events = Array.from({ length: 100 }, (_, index) =>
    wireEvent(index, {
      event_type: index % 10 === 0 ? 'Todo.Item.Completed' : 'Todo.Item.Created',
      timestamp: new Date(Date.parse('2026-01-01T00:00:00Z') + index * 3_600_000).toISOString(),
    }),
  )
  writeFileSync(join(cwd, 'in.ndjson'), toLines(events))
  expect((await runCli(['import', 'in.ndjson'], { cwd })).code).toBe(0)
  return cwd
}

describe('events', () => {
  test('lists what the filters mean', async () => {
    const cwd = await makeLog()
    const list = async (...args: string[]) =>
      ids(await runCli(['events', '--json', ...args], { cwd }))
    const expected = (...numbers: number[]) => numbers.map(numberedId)
    expect(await list('--limit', '3')).toEqual(expected(0, 1, 2))
    expect(await list('--reverse', '--limit', '2')).toEqual(expected(99, 98))
    expect(await list('--type', 'Todo.Item.Completed', '--limit', '2')).toEqual(expected(0, 10))
    expect(await list('--type', 'Todo.*.Comp*', '--type', 'None.**', '--after', '85')).toEqual(
      expected(90),
    )
    expect(await list('--stream', 'Todo.Item/item-3', '--limit', '2')).toEqual(expected(3, 10))
    expect(await list('--correlation', numberedId(900_005), '--limit', '2')).toEqual(
      expected(5, 12),
    )
    expect(await list('--since', '2026-01-05T02:00:00Z')).toEqual(expected(98, 99))
    expect(await list('--since', '2026-01-02', '--until', '2026-01-02T02:00:00Z')).toEqual(
      expected(24, 25),
    )
    expect(await list('--after', 'end')).toEqual([])
  })

  test('prints columns with tabs in a pipe, and the whole event as JSON', async () => {
    const cwd = await makeLog()
    const plain = await runCli(['events', '--limit', '1'], { cwd })
    expect(plain).toEqual({
      code: 0,
      stdout: `1\t${numberedId(0)}\t2026-01-01T00:00:00.000Z\tTodo.Item.Completed\tTodo.Item/item-0\t1\n`,
      stderr: '',
    })
    const [json] = parseLines((await runCli(['events', '--limit', '1', '--json'], { cwd })).stdout)
    expect(json).toMatchObject({
      position: 1,
      stream_version: 1,
      event_id: numberedId(0),
      payload: { title: 'Event 0' },
    })
    expect(json).toHaveProperty('recorded_at', expect.stringMatching(/^\d{4}-.*Z$/))
  })

  test('--json is read back by import', async () => {
    const cwd = await makeLog()
    const { stdout } = await runCli(['events', '--json'], { cwd })
    const copied = await runCli(['import', '-', '--json', '--store', 'sqlite:b.db'], {
      cwd,
      input: stdout,
    })
    expect(JSON.parse(copied.stdout)).toMatchObject({ stored: 100, rejected: 0 })
  })

  test('says which type it does not know, and what was meant', async () => {
    const cwd = await makeLog()
    const result = await runCli(['events', '--type', 'Todo.Item.Creatd'], { cwd })
    expect(result).toMatchObject({ code: 0, stdout: '' })
    expect(result.stderr).toContain('Todo.Item.Creatd')
    expect(result.stderr).toContain('Did you mean Todo.Item.Created?')
  })

  test('--follow shows what another process appends, and ends at its limit', async () => {
    const cwd = await makeLog()
    const following = runCli(['events', '--follow', '--after', '99', '--limit', '3', '--json'], {
      cwd,
      // It has shown what was there: from now on it waits.
      onStart: (child) => child.stdout?.once('data', () => void appendLate(cwd)),
    })
    expect(ids(await following)).toEqual([numberedId(99), numberedId(501), numberedId(502)])
  })

  test('--follow ends with Ctrl-C', async () => {
    const cwd = await makeLog()
    const result = await runCli(['events', '--follow', '--json'], {
      cwd,
      onStart: (child) => child.stdout?.once('data', () => child.kill('SIGINT')),
    })
    expect(result).toMatchObject({ code: 130, stderr: '' })
    expect(ids(result)).toHaveLength(100)
  })

  test('ends quietly when nobody reads on', async () => {
    const cwd = makeFolder()
    writeFileSync(
      join(cwd, 'in.ndjson'),
      toLines(Array.from({ length: 20_000 }, (_, index) => wireEvent(index))),
    )
    await runCli(['import', 'in.ndjson'], { cwd })
    const result = await runCli(['events', '--json'], {
      cwd,
      onStart: (child) => child.stdout?.once('data', () => child.stdout?.destroy()),
    })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(parseLines(result.stdout.slice(0, result.stdout.lastIndexOf('\n'))).length).toBeLessThan(
      20_000,
    )
  })
})

/** Appends three events, one by one. */
async function appendLate(cwd: string): Promise<void> {
  await using store = sqlite(join(cwd, 'tidings.db'))
  const seal = (number: number) =>
    sealEnvelope(fromWire(wireEvent(number, { event_type: 'Late.Item.Created' })), undefined)
  for (const number of [501, 502, 503]) {
    const event = seal(number)
    const stream = `${event.envelope.aggregateType}/${event.envelope.aggregateId}`
    await store.append([{ stream, expectedVersion: 'any', events: [event] }])
  }
}

describe('show', () => {
  test('show prints one event, whole', async () => {
    const cwd = await makeLog()
    const json = await runCli(['show', numberedId(5).toUpperCase(), '--json'], { cwd })
    expect(JSON.parse(json.stdout)).toMatchObject({
      event_id: numberedId(5),
      position: 6,
      payload: { title: 'Event 5' },
    })
    const text = await runCli(['show', numberedId(5)], { cwd })
    expect(text.stdout).toContain('event_type\tTodo.Item.Created\n')
    expect(text.stdout).toContain('"title": "Event 5"')
  })
})

describe('streams, types, stats, export', () => {
  test('say what is in the log', async () => {
    const cwd = await makeLog()
    const streams = parseLines(
      (await runCli(['streams', '--json', '--prefix', 'Todo.Item/', '--limit', '2'], { cwd }))
        .stdout,
    )
    expect(streams).toMatchObject([
      { stream: 'Todo.Item/item-0', version: 15 },
      { stream: 'Todo.Item/item-1', version: 15 },
    ])
    const rest = parseLines(
      (await runCli(['streams', '--json', '--after', 'Todo.Item/item-1'], { cwd })).stdout,
    )
    expect(rest).toHaveLength(5)
    const types = await runCli(['types'], { cwd })
    expect(types.stdout).toBe(
      'Todo.Item.Created\t90\t1\t2026-01-01T01:00:00.000Z\t2026-01-05T03:00:00.000Z\nTodo.Item.Completed\t10\t1\t2026-01-01T00:00:00.000Z\t2026-01-04T18:00:00.000Z\n',
    )
    const stats = JSON.parse((await runCli(['stats', '--json'], { cwd })).stdout) as Row
    expect(stats).toMatchObject({ events: 100, streams: 7, types: 2, commands: 0, head: 100 })
    expect(stats['bytes']).toBeGreaterThan(4096)
  })

  test('export takes filters, and leaves no file when it is stopped', async () => {
    const cwd = await makeLog()
    const some = await runCli(['export', '--type', 'Todo.Item.Completed'], { cwd })
    expect(ids(some)).toHaveLength(10)
    const failed = await runCli(['export', '--out', 'missing/folder/x.ndjson'], { cwd })
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('cannot be written')
  })
})

describe('verify', () => {
  test('prints what is wrong, by what applications declared', async () => {
    const cwd = await makeLog()
    {
      await using store = sqlite(join(cwd, 'tidings.db'))
      const schema = {
        type: 'object',
        properties: { title: { type: 'string', maxLength: 7 } },
        required: ['title'],
      }
      const contract = {
        version: 1,
        kind: 'event' as const,
        aliases: [],
        topic: undefined,
        schemaHash: undefined,
        inputSchema: schema,
        outputSchema: schema,
      }
      await store.contracts.declare([
        { ...contract, type: 'Todo.Item.Created', sensitive: ['/title'] },
        { ...contract, type: 'Todo.Item.Completed', sensitive: [] },
      ])
    }
    const result = await runCli(['verify', '--json'], { cwd })
    expect(result.code).toBe(1)
    const rows = parseLines<Row>(result.stdout)
    const summary = rows.pop()
    // 'Event 9' fits 7 characters, 'Event 10' does not.
    expect(summary).toEqual({
      ok: false,
      events: 100,
      faults: 90,
      payloads_checked: 100,
      payloads_unchecked: 0,
    })
    expect(rows.every(({ code }) => code === 'payload')).toBe(true)
    expect(rows[0]).toMatchObject({
      position: 11,
      message: 'Todo.Item.Completed: at /title expected at most 7 characters, got "Event 10"',
    })
    expect(rows[1]).toMatchObject({
      position: 12,
      message: 'Todo.Item.Created: at /title expected at most 7 characters, got [sensitive]',
    })
  })

  test('finds a log that was tampered with', async () => {
    const cwd = await makeLog()
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(join(cwd, 'tidings.db'))
    database.exec('update event_log set version = 90 where position = 50')
    database.close()
    const result = await runCli(['verify'], { cwd })
    expect(result.code).toBe(1)
    expect(result.stdout).toContain('version-gap')
  })
})

describe('lint-names', () => {
  test('takes names, the log, or contracts', async () => {
    const cwd = await makeLog()
    expect((await runCli(['lint-names'], { cwd })).code).toBe(0)
    const bad = await runCli(['lint-names', 'Todo.Item.Create', 'Todo.Item.Nudged'], { cwd })
    expect(bad.code).toBe(1)
    expect(bad.stdout).toContain('Todo.Item.Created')
    const json = parseLines(
      (await runCli(['lint-names', 'Todo.Item.Create', '--json'], { cwd })).stdout,
    )
    expect(json).toMatchObject([
      { name: 'Todo.Item.Create', ok: false, reasons: [{ code: 'tense', part: 'Create' }] },
    ])
    expect(
      (await runCli(['lint-names', 'Todo.Item.Nudged', '--verb', 'Nudged'], { cwd })).code,
    ).toBe(0)
  })
})

describe('doctor and backup', () => {
  test('doctor finds a sound log sound', async () => {
    const cwd = await makeLog()
    const result = await runCli(['doctor', '--json'], { cwd })
    expect(result.code).toBe(0)
    const { ok, checks } = JSON.parse(result.stdout) as {
      ok: boolean
      checks: { check: string; state: string; text: string }[]
    }
    expect(ok).toBe(true)
    expect(checks.filter(({ check, state }) => state !== 'ok' && check !== 'disk')).toEqual([])
    expect(checks.map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'node',
        'sqlite',
        'file',
        'wal',
        'rights',
        'disk',
        'journal',
        'schema',
        'pages',
        'log',
        'clock',
      ]),
    )
  })

  test('doctor says what is wrong with a file, and what to do', async () => {
    const cwd = makeFolder()
    writeFileSync(
      join(cwd, 'tidings.db'),
      'no database at all, but some text that is long enough to look like a header'.repeat(20),
    )
    const result = await runCli(['doctor'], { cwd })
    expect(result.code).toBe(1)
    expect(result.stdout).toMatch(/FAIL {2}database: .*\n {6}→ Restore a backup/)
  })

  test('doctor sends nobody to a backup for want of a right: that would lose what the file holds', async () => {
    const cwd = makeFolder()
    const t = await loadTexts('en')
    const [finding, ...others] = checkDatabase(join(cwd, 'closed', 'tidings.db'), t)
    expect(others).toEqual([])
    expect(finding).toMatchObject({ check: 'database', state: 'fail' })
    expect(finding?.todo).toBe(t('doctor.rights-missing-todo'))
  })

  test('backup makes a copy that opens, and never replaces a file', async () => {
    const cwd = await makeLog()
    const made = await runCli(['backup', 'copy.db', '--json'], { cwd })
    expect(JSON.parse(made.stdout)).toEqual({
      file: join(cwd, 'copy.db'),
      bytes: statSync(join(cwd, 'copy.db')).size,
    })
    expect(
      ids(await runCli(['events', '--json', '--store', 'sqlite:copy.db'], { cwd })),
    ).toHaveLength(100)
    const before = readFileSync(join(cwd, 'copy.db'))
    const again = await runCli(['backup', 'copy.db'], { cwd })
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('already')
    expect(readFileSync(join(cwd, 'copy.db')).equals(before)).toBe(true)
  })
})
