import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { makeFolder, parseLines, runCli } from './support/cli.ts'
import { figures, rejectsOf } from './support/import-results.ts'
import { readLog } from './support/log.ts'
import { numberedId, toLines, wireEvent } from './support/events.ts'

const many = (count: number) => Array.from({ length: count }, (_, index) => wireEvent(index))

describe('import', () => {
  test('stores a file once, however often it comes', async () => {
    const cwd = makeFolder()
    writeFileSync(join(cwd, 'in.ndjson'), toLines(many(2500)))
    const first = await runCli(['import', 'in.ndjson', '--json'], { cwd })
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(figures(first)).toEqual({
      read: 2500,
      stored: 2500,
      duplicates: 0,
      rejected: 0,
      streams: 7,
      types: 1,
    })
    const second = await runCli(['import', 'in.ndjson', '--json'], { cwd })
    expect(second.code).toBe(0)
    expect(figures(second)).toEqual({
      read: 2500,
      stored: 0,
      duplicates: 2500,
      rejected: 0,
      streams: 7,
      types: 1,
    })
    expect(existsSync(join(cwd, 'in.ndjson.rejects.ndjson'))).toBe(false)
  })

  test('positions follow the order of the file, across streams that take turns', async () => {
    const cwd = makeFolder()
    writeFileSync(join(cwd, 'in.ndjson'), toLines(many(1200)))
    await runCli(['import', 'in.ndjson'], { cwd })
    const events = parseLines<{ event_id: string; position: number }>(
      (await runCli(['events', '--json'], { cwd })).stdout,
    )
    expect(events.map(({ event_id }) => event_id)).toEqual(
      many(1200).map(({ event_id }) => event_id),
    )
  })

  test('fills the gaps of a log that has some of the events', async () => {
    const cwd = makeFolder()
    const events = many(1500)
    writeFileSync(
      join(cwd, 'some.ndjson'),
      toLines(events.filter((_, index) => index < 300 || index % 50 === 0)),
    )
    writeFileSync(join(cwd, 'all.ndjson'), toLines(events))
    const some = figures(await runCli(['import', 'some.ndjson', '--json'], { cwd }))
    const all = figures(await runCli(['import', 'all.ndjson', '--json'], { cwd }))
    expect(all.duplicates).toBe(some.stored)
    expect(all.stored).toBe(1500 - some.stored)
  })

  test('reads gzip, CRLF, a byte order mark and blank lines, from a file and from a pipe', async () => {
    const cwd = makeFolder()
    const text = `\ufeff\r\n${many(20)
      .map((event) => JSON.stringify(event))
      .join('\r\n\r\n')}\r\n   \r\n`
    writeFileSync(join(cwd, 'in.ndjson.gz'), gzipSync(text))
    const zipped = await runCli(['import', 'in.ndjson.gz', '--json'], { cwd })
    expect(figures(zipped)).toMatchObject({ read: 20, stored: 20, rejected: 0 })
    const piped = await runCli(['import', '-', '--json'], { cwd, input: text })
    expect(figures(piped)).toMatchObject({ read: 20, stored: 0, duplicates: 20, rejected: 0 })
  })

  test('names every bad line, and stores every good one', async () => {
    const cwd = makeFolder()
    const good = [1, 2, 3].map((number) => JSON.stringify(wireEvent(number)))
    const bad: [line: string, code: string, pointer: string][] = [
      [JSON.stringify(wireEvent(10)).slice(0, 90), 'TIDINGS_EVENT_UNREADABLE', ''],
      ['[1,2,3]', 'TIDINGS_ENVELOPE_INVALID', ''],
      ['"text"', 'TIDINGS_ENVELOPE_INVALID', ''],
      [
        JSON.stringify(wireEvent(11, { event_id: 'not-a-uuid' })),
        'TIDINGS_ENVELOPE_INVALID',
        '/event_id',
      ],
      [
        JSON.stringify(wireEvent(12, { event_id: undefined })),
        'TIDINGS_ENVELOPE_INVALID',
        '/event_id',
      ],
      [
        JSON.stringify(wireEvent(13, { timestamp: 'soon' })),
        'TIDINGS_ENVELOPE_INVALID',
        '/timestamp',
      ],
      [
        JSON.stringify(wireEvent(14, { event_version: 0 })),
        'TIDINGS_ENVELOPE_INVALID',
        '/event_version',
      ],
      [
        JSON.stringify(wireEvent(15, { aggregate_type: 'a/b' })),
        'TIDINGS_ENVELOPE_INVALID',
        '/aggregate_type',
      ],
      [JSON.stringify(wireEvent(16, { metadata: 7 })), 'TIDINGS_ENVELOPE_INVALID', '/metadata'],
      [JSON.stringify(wireEvent(17)).replace('"Event 17"', 'NaN'), 'TIDINGS_EVENT_UNREADABLE', ''],
      [
        JSON.stringify(wireEvent(18, { payload: { title: 'a\0b' } })),
        'TIDINGS_PAYLOAD_NOT_JSON',
        '/payload/title',
      ],
      [
        JSON.stringify(wireEvent(19, { payload: { n: 1 } })).replace('"n":1', '"n":1e999'),
        'TIDINGS_PAYLOAD_NOT_JSON',
        '/payload/n',
      ],
      [
        JSON.stringify(wireEvent(20, { payload: { text: 'x'.repeat(900_001) } })),
        'TIDINGS_EVENT_TOO_LARGE',
        '',
      ],
      [
        JSON.stringify(wireEvent(2, { payload: { title: 'another' } })),
        'TIDINGS_EVENT_ID_CONFLICT',
        '/payload',
      ],
    ]
    const lines = [
      good[0],
      ...bad.slice(0, 7).map(([line]) => line),
      '',
      good[1],
      ...bad.slice(7).map(([line]) => line),
      good[2],
    ]
    writeFileSync(join(cwd, 'in.ndjson'), lines.join('\n'))
    const result = await runCli(['import', 'in.ndjson', '--json'], { cwd })
    expect(result).toMatchObject({ code: 3, stderr: '' })
    expect(figures(result)).toMatchObject({ read: 17, stored: 3, duplicates: 0, rejected: 14 })
    const rejects = rejectsOf(cwd)
    expect(rejects.map(({ raw, code, pointer }) => [raw, code, pointer])).toEqual(bad)
    expect(rejects.map(({ line, raw }) => lines[line - 1] === raw)).toEqual(bad.map(() => true))
    for (const { reason } of rejects) expect(reason).toMatch(/\w+ \w+/)
  })

  test('gives bytes that are no UTF-8 back as base64', async () => {
    const cwd = makeFolder()
    const bad = Buffer.concat([
      Buffer.from('{"event_id":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ])
    writeFileSync(
      join(cwd, 'in.ndjson'),
      Buffer.concat([Buffer.from(toLines(many(1))), bad, Buffer.from('\n')]),
    )
    const result = await runCli(['import', 'in.ndjson', '--json'], { cwd })
    expect(figures(result)).toMatchObject({ stored: 1, rejected: 1 })
    const [reject] = rejectsOf(cwd)
    expect(reject).toMatchObject({ line: 2, code: 'TIDINGS_EVENT_UNREADABLE', encoding: 'base64' })
    expect(Buffer.from(reject!.raw, 'base64')).toEqual(bad)
  })

  test('reads past a line of more than 16 MiB, and takes larger events when it is told to', async () => {
    const cwd = makeFolder()
    const large = wireEvent(1, { payload: { text: 'x'.repeat(2_000_000) } })
    const huge = wireEvent(2, { payload: { text: 'x'.repeat(17 * 1024 * 1024) } })
    writeFileSync(join(cwd, 'in.ndjson'), toLines([large, huge, wireEvent(3)]))
    const result = await runCli(
      ['import', 'in.ndjson', '--max-event-bytes', '3000000', '--json', '--rejects', 'out.ndjson'],
      { cwd },
    )
    expect(result.code).toBe(3)
    expect(figures(result)).toMatchObject({ read: 3, stored: 2, rejected: 1 })
    const [reject] = rejectsOf(cwd, 'out.ndjson')
    expect(reject).toMatchObject({
      line: 2,
      code: 'TIDINGS_EVENT_TOO_LARGE',
      cut: true,
      bytes: JSON.stringify(huge).length,
    })
    expect(reject!.raw).toHaveLength(1024)
  })

  test.each(['tidings', 'cloudevents'])(
    'what %s can say survives export and import: every field, metadata and originals too',
    async (format) => {
      const cwd = makeFolder()
      const rich = [
        wireEvent(1, { causation_id: numberedId(50), event_version: 3 }),
        wireEvent(2, { correlation_id: 'order 42', causation_id: 'a foreign cause' }),
        wireEvent(3, { timestamp: '2026-01-01T01:00:00.123456+02:00' }),
        wireEvent(4, { payload: null, metadata: { version: 1 } }),
        wireEvent(5, {
          payload: ['a', { deep: [1.5, true, null, '事件\n'] }],
          event_type: 'Not a dotted name',
        }),
        wireEvent(6, {
          aggregate_id: 'with/slashes and spaces',
          metadata: {
            source: '/orders',
            tenant: 'acme',
            actor: 'eve',
            trace_id: 'abc',
            traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
            subject: 'a reserved word',
            nested: { a: [1, { b: null }] },
            count: 7,
            flag: false,
            'odd name!': 'x',
          },
        }),
        wireEvent(7, { a_member_of_tomorrow: { x: 1 } }),
      ]
      writeFileSync(join(cwd, 'in.ndjson'), toLines(rich))
      expect(
        figures(await runCli(['import', 'in.ndjson', '--json', '--store', 'sqlite:a.db'], { cwd })),
      ).toMatchObject({ stored: 7 })
      const { stdout } = await runCli(['export', '--store', 'sqlite:a.db', '--format', format], {
        cwd,
      })
      const copied = await runCli(['import', '-', '--store', 'sqlite:b.db', '--json'], {
        cwd,
        input: stdout,
      })
      expect(figures(copied)).toMatchObject({ stored: 7, rejected: 0 })
      expect(await readLog(join(cwd, 'b.db'))).toEqual(await readLog(join(cwd, 'a.db')))
      const back = await runCli(['import', '-', '--store', 'sqlite:a.db', '--json'], {
        cwd,
        input: stdout,
      })
      expect(figures(back)).toMatchObject({ stored: 0, duplicates: 7, rejected: 0 })
    },
  )

  test('counts an event that comes twice in a file once', async () => {
    const cwd = makeFolder()
    writeFileSync(join(cwd, 'in.ndjson'), toLines([...many(5), ...many(5)]))
    expect(figures(await runCli(['import', 'in.ndjson', '--json'], { cwd }))).toMatchObject({
      stored: 5,
      duplicates: 5,
      rejected: 0,
    })
  })

  test('keeps what was stored before a gzip file breaks off, and says so', async () => {
    const cwd = makeFolder()
    const noise = Array.from({ length: 20_000 }, (_, index) =>
      wireEvent(index, { payload: { noise: numberedId((index * 7919 * 104_729) % 2 ** 40) } }),
    )
    const zipped = gzipSync(toLines(noise))
    writeFileSync(join(cwd, 'in.gz'), zipped.subarray(0, Math.floor(zipped.length * 0.8)))
    const broken = await runCli(['import', 'in.gz', '--json'], { cwd })
    expect(broken.code).toBe(1)
    const { error } = JSON.parse(broken.stderr) as {
      error: { code: string; stored: number; line: number; hint: string }
    }
    expect(error.code).toBe('TIDINGS_CLI_INPUT')
    expect(error.stored).toBeGreaterThan(0)
    expect(error.line).toBe(error.stored)
    expect(error.hint).toContain('Run the same command again to go on.')
    writeFileSync(join(cwd, 'in.gz'), zipped)
    const whole = figures(await runCli(['import', 'in.gz', '--json'], { cwd }))
    expect(whole.duplicates).toBe(error.stored)
    expect(whole.duplicates + whole.stored).toBe(20_000)
  })

  test('rehearses with memory:', async () => {
    const cwd = makeFolder()
    const result = await runCli(['import', '-', '--store', 'memory:', '--json'], {
      cwd,
      input: toLines(many(10)),
    })
    expect(figures(result)).toMatchObject({ stored: 10 })
    expect(existsSync(join(cwd, 'tidings.db'))).toBe(false)
  })
})
