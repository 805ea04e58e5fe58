import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { makeFolder, parseLines, runCli } from './support/cli.ts'
import { readLog } from './support/log.ts'

const root = join(import.meta.dirname, '../../..')
const permits = join(root, '../shared/data/permits.ndjson')

const ALL = { read: 8577, stored: 8577, duplicates: 0, rejected: 0, streams: 1434, types: 27 }

type WireEvent = Record<string, unknown> & { aggregate_type: string; aggregate_id: string }

let whole: Buffer | undefined

/** A log of all of them, imported in one go: once, and then copied. */
async function importWhole(cwd: string, name: string): Promise<void> {
  const file = join(cwd, name)
  if (whole !== undefined) return writeFileSync(file, whole)
  const { code } = await runCli(['import', permits, '--store', `sqlite:${name}`], { cwd })
  expect(code).toBe(0)
  expect(existsSync(`${file}-wal`)).toBe(false)
  whole = readFileSync(file)
}

/** Everything that an event says, where this log has it left out. */
async function exported(cwd: string, store: string, format = 'tidings'): Promise<WireEvent[]> {
  const result = await runCli(['export', '--store', store, '--format', format], { cwd })
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return parseLines<WireEvent>(result.stdout).map(
    ({ position: _p, recorded_at: _r, logposition: _l, recordedtime: _t, ...event }) =>
      event as WireEvent,
  )
}

/** Events stored so far, asked of the file itself; 0 before there is one. */
function countStored(file: string): number {
  if (!existsSync(file)) return 0
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  try {
    const row = database
      .prepare("select count(*) as n from sqlite_schema where name = 'event_log'")
      .get()
    return row?.['n'] === 0
      ? 0
      : Number(database.prepare('select count(*) as n from event_log').get()?.['n'])
  } catch (error) {
    // The store is making its tables at this moment.
    if ((error as { errcode?: number }).errcode === 5) return 0
    throw error
  } finally {
    database.close()
  }
}

/** Gives an import the first lines through a pipe that stays open, and calls `strike` once some are stored. */
async function interruptImport(cwd: string, strike: 'SIGKILL' | 'SIGINT', bytes: number) {
  const file = join(cwd, 'log.db')
  return runCli(['import', '-', '--store', 'sqlite:log.db', '--json'], {
    cwd,
    onStart: (child) => {
      const { stdin } = child
      if (stdin === null) throw new Error('the child has no stdin')
      createReadStream(permits, { end: bytes }).pipe(stdin, { end: false })
      const poll = setInterval(() => {
        if (countStored(file) === 0) return
        clearInterval(poll)
        child.kill(strike)
      }, 5)
      child.on('close', () => clearInterval(poll))
    },
    keepOpen: true,
  })
}

// Where it is not required, the log may be missing: it is not part of the repository.
test.runIf(process.env['TIDINGS_REQUIRE_SERVICES'] === '1')('the real events are there', () => {
  expect(existsSync(permits), `${permits} is missing`).toBe(true)
})

describe.runIf(existsSync(permits))('8,577 real events', () => {
  test('imported twice: the second time everything is there already', async () => {
    const cwd = makeFolder()
    const importing = ['import', permits, '--json', '--rejects', join(cwd, 'rejects.ndjson')]
    expect(JSON.parse((await runCli(importing, { cwd })).stdout)).toMatchObject(ALL)
    const second = await runCli(importing, { cwd })
    expect(second.code).toBe(0)
    expect(JSON.parse(second.stdout)).toMatchObject({ ...ALL, stored: 0, duplicates: 8577 })
    const stats = await runCli(['stats', '--json'], { cwd })
    expect(JSON.parse(stats.stdout)).toMatchObject({ events: 8577, streams: 1434, types: 27 })
    const verified = await runCli(['verify', '--json'], { cwd })
    expect(parseLines(verified.stdout)).toEqual([
      { ok: true, events: 8577, faults: 0, payloads_checked: 0, payloads_unchecked: 8577 },
    ])
  })

  test.each(['tidings', 'cloudevents'])(
    'exported as %s and imported elsewhere: equal in every field and in order',
    async (format) => {
      const cwd = makeFolder()
      await importWhole(cwd, 'a.db')
      const out = await runCli(
        [
          'export',
          '--store',
          'sqlite:a.db',
          '--format',
          format,
          '--out',
          'all.ndjson.gz',
          '--json',
        ],
        { cwd },
      )
      expect(JSON.parse(out.stdout)).toMatchObject({ events: 8577 })
      const again = await runCli(['import', 'all.ndjson.gz', '--store', 'sqlite:b.db', '--json'], {
        cwd,
      })
      expect(JSON.parse(again.stdout)).toMatchObject(ALL)
      // The logs themselves: two exports that both leave something out would be equal too.
      const [a, b] = [await readLog(join(cwd, 'a.db')), await readLog(join(cwd, 'b.db'))]
      expect(a).toHaveLength(8577)
      expect(b).toEqual(a)
      // The copy, brought back to where it came from, adds nothing.
      const back = await runCli(['import', 'all.ndjson.gz', '--store', 'sqlite:a.db', '--json'], {
        cwd,
      })
      expect(JSON.parse(back.stdout)).toMatchObject({ stored: 0, duplicates: 8577, rejected: 0 })
    },
  )

  test('an export as CloudEvents gives every attribute of the original back', async () => {
    const cwd = makeFolder()
    await importWhole(cwd, 'a.db')
    const original = parseLines(readFileSync(permits, 'utf8'))
    const given = await exported(cwd, 'sqlite:a.db', 'cloudevents')
    for (const [index, event] of original.entries()) expect(given[index]).toMatchObject(event)
  })

  test('killed in the middle and run again: the same log as in one go', async () => {
    const cwd = makeFolder()
    const killed = await interruptImport(cwd, 'SIGKILL', 3_000_000)
    expect(killed.code).toBeNull()
    const before = countStored(join(cwd, 'log.db'))
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(8577)
    const rest = await runCli(['import', permits, '--store', 'sqlite:log.db', '--json'], { cwd })
    expect(JSON.parse(rest.stdout)).toMatchObject({
      ...ALL,
      stored: 8577 - before,
      duplicates: before,
    })
    await importWhole(cwd, 'whole.db')
    expect(await readLog(join(cwd, 'log.db'))).toEqual(await readLog(join(cwd, 'whole.db')))
    expect((await runCli(['verify', '--store', 'sqlite:log.db'], { cwd })).code).toBe(0)
  })

  test('stopped by Ctrl-C: says where it is, and goes on from there', async () => {
    const cwd = makeFolder()
    const stopped = await interruptImport(cwd, 'SIGINT', 3_000_000)
    expect(stopped.code).toBe(130)
    const figures = JSON.parse(stopped.stdout) as {
      read: number
      stored: number
      interrupted: boolean
    }
    expect(figures).toMatchObject({ interrupted: true, rejected: 0 })
    expect(figures.stored).toBe(countStored(join(cwd, 'log.db')))
    const rest = await runCli(['import', permits, '--store', 'sqlite:log.db', '--json'], { cwd })
    expect(JSON.parse(rest.stdout)).toMatchObject({
      stored: 8577 - figures.stored,
      duplicates: figures.stored,
    })
  })

  test('imported by three processes at once: each event once', async () => {
    const cwd = makeFolder()
    const importing = () =>
      runCli(['import', permits, '--store', 'sqlite:log.db', '--json'], { cwd })
    const results = await Promise.all([importing(), importing(), importing()])
    expect(results.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
      [0, ''],
    ])
    const figures = results.map(
      ({ stdout }) => JSON.parse(stdout) as { stored: number; duplicates: number },
    )
    expect(figures.reduce((sum, { stored }) => sum + stored, 0)).toBe(8577)
    expect(figures.every(({ stored, duplicates }) => stored + duplicates === 8577)).toBe(true)
    expect((await runCli(['verify', '--store', 'sqlite:log.db'], { cwd })).code).toBe(0)
  })

  test('mutilated: every good line stored, every bad one named', async () => {
    const cwd = makeFolder()
    const lines = readFileSync(permits, 'utf8').trimEnd().split('\n')
    const ways: ((line: string) => Buffer | string)[] = [
      (line) => line.slice(0, Math.floor(line.length * 0.6)),
      (line) => line.slice(0, -1),
      (line) =>
        Buffer.concat([
          Buffer.from(line.slice(0, 40)),
          Buffer.from([0xc3, 0x28]),
          Buffer.from(line.slice(40)),
        ]),
      (line) => line.replace(/"id":"[^"]*"/, '"id":7'),
      (line) => line.replace(/"id":"[^"]*",/, ''),
      (line) => line.replace(/"time":"[^"]*"/, '"time":"2011-02-30T00:00:00Z"'),
      (line) => line.replace(/"source":"[^"]*"/, '"source":"/"'),
      (line) => line.replace(/"task":"[^"]*"/, '"task":NaN'),
      (line) => line.replace(/"task":"[^"]*"/, '"task":"a\\u0000b"'),
      (line) => line.replace(/"task":"[^"]*"/, '"task":"\\ud800"'),
      (line) => `${line}${line}`,
      () => 'null',
    ]
    const bad = new Set<number>()
    const mutilated = lines.map((line, index) => {
      if (index % 23 !== 5) return line
      bad.add(index + 1)
      return ways[bad.size % ways.length]!(line)
    })
    writeFileSync(
      join(cwd, 'bad.ndjson'),
      Buffer.concat(mutilated.flatMap((line) => [Buffer.from(line), Buffer.from('\n')])),
    )
    const result = await runCli(['import', 'bad.ndjson', '--json'], { cwd })
    expect(result).toMatchObject({ code: 3, stderr: '' })
    expect(JSON.parse(result.stdout)).toMatchObject({
      read: 8577,
      stored: 8577 - bad.size,
      duplicates: 0,
      rejected: bad.size,
    })
    const rejects = parseLines<{ line: number; code: string; reason: string }>(
      readFileSync(join(cwd, 'bad.ndjson.rejects.ndjson'), 'utf8'),
    )
    expect(rejects.map(({ line }) => line)).toEqual([...bad])
    expect(
      rejects.every(({ code, reason }) => code.startsWith('TIDINGS_') && reason.length > 20),
    ).toBe(true)
    const stored = await exported(cwd, 'sqlite:tidings.db')
    expect(stored).toHaveLength(8577 - bad.size)
    // Mended, the rejected lines are all that the next run stores.
    const mended = await runCli(['import', permits, '--json', '--rejects', 'none.ndjson'], { cwd })
    expect(JSON.parse(mended.stdout)).toMatchObject({
      stored: bad.size,
      duplicates: 8577 - bad.size,
      rejected: 0,
    })
  })
})
