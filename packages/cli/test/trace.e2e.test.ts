import { join } from 'node:path'
import { sqlite } from 'tidings/sqlite'
import { fromWire, sealEnvelope } from 'tidings/contract'
import { describe, expect, test } from 'vitest'
import { makeFolder, parseLines, runCli } from './support/cli.ts'
import { numberedId, wireEvent } from './support/events.ts'

const failedCommand = {
  causationId: undefined,
  actor: undefined,
  createdAt: '2026-01-01T00:00:00.000Z',
  requestHash: 'aa',
  outcome: 'failed',
  stream: undefined,
  streamVersion: undefined,
  firstPosition: undefined,
  lastPosition: undefined,
} as const

describe('trace', () => {
  test('trace says why a command failed: by its code, else by its message', async () => {
    const cwd = makeFolder()
    const correlationId = numberedId(778)
    {
      await using store = sqlite(join(cwd, 'tidings.db'))
      const results = [
        '{"name":"E","message":"too late","fields":{"code":"TOO_LATE"}}',
        '{"name":"Error","message":"no \\u001b[2J","fields":{}}',
        'no JSON',
      ]
      for (const [index, result] of results.entries()) {
        const commandId = numberedId(200 + index)
        const command = { commandId, type: 'Todo.Item.Create', correlationId, result }
        await store.append([], { command: { ...failedCommand, ...command } })
      }
    }
    const { stdout } = await runCli(['trace', correlationId], { cwd })
    expect(stdout).toMatch(/ {2}failed: TOO_LATE\n.* {2}failed: no \\u001b\[2J\n.* {2}failed\n$/)
    const rows = parseLines((await runCli(['trace', correlationId, '--json'], { cwd })).stdout)
    expect(rows.map(({ outcome, failure }) => [outcome, failure])).toEqual([
      ['failed', 'TOO_LATE'],
      ['failed', 'no \u001b[2J'],
      ['failed', undefined],
    ])
  })

  test('trace shows the causal tree with its commands, from an event, a command or a correlation', async () => {
    const cwd = makeFolder()
    const correlation = numberedId(777)
    const place = { correlation_id: correlation }
    {
      await using store = sqlite(join(cwd, 'tidings.db'))
      const append = async (
        numbers: readonly number[],
        causationId: string,
        commandId?: string,
      ) => {
        const events = numbers.map((number) =>
          sealEnvelope(
            fromWire(
              wireEvent(number, {
                ...place,
                aggregate_id: `t${number}`,
                causation_id: causationId,
              }),
            ),
            undefined,
          ),
        )
        const appends = events.map((event) => ({
          stream: `Todo.Item/${event.envelope.aggregateId}`,
          expectedVersion: 'any' as const,
          events: [event],
        }))
        const command =
          commandId === undefined
            ? undefined
            : {
                commandId,
                type: 'Todo.Item.Create',
                correlationId: correlation,
                causationId: causationId === commandId ? undefined : causationId,
                actor: undefined,
                createdAt: '2026-01-01T00:00:00.000Z',
                requestHash: 'aa',
                outcome: 'done' as const,
                stream: undefined,
                streamVersion: undefined,
                firstPosition: undefined,
                lastPosition: undefined,
                result: undefined,
              }
        await store.append(appends, { command })
      }
      await append([1, 2], numberedId(100), numberedId(100))
      await append([3], numberedId(2))
      await append([4], numberedId(12345))
    }
    const shape = [
      [0, 'command', numberedId(100)],
      [1, 'event', numberedId(1)],
      [1, 'event', numberedId(2)],
      [2, 'event', numberedId(3)],
      [0, 'event', numberedId(4)],
    ]
    for (const id of [numberedId(3), numberedId(100), correlation]) {
      const rows = parseLines<{ depth: number; kind: string; id: string }>(
        (await runCli(['trace', id, '--json'], { cwd })).stdout,
      )
      expect(rows.map(({ depth, kind, id }) => [depth, kind, id])).toEqual(shape)
    }
    const text = (await runCli(['trace', numberedId(3)], { cwd })).stdout.split('\n')
    expect(text[1]).toMatch(/^⌘ Todo\.Item\.Create /)
    expect(text[2]).toMatch(/^├─ Todo\.Item\.Created .*019b0000-0000-7000-8000-000000000001$/)
    expect(text[3]).toMatch(/^└─ Todo\.Item\.Created /)
    expect(text[4]).toMatch(/^ {3}└─ Todo\.Item\.Created /)
    expect(text[5]).toContain(`cause not in this trace: ${numberedId(12345)}`)
    // The missing cause is a fault of the log, unless it is a part of a larger one.
    const faults = await runCli(['verify', '--json'], { cwd })
    expect(faults.code).toBe(1)
    expect(parseLines(faults.stdout)).toMatchObject([
      { code: 'cause-missing', event_id: numberedId(4) },
      { ok: false, faults: 1 },
    ])
    expect((await runCli(['verify', '--partial'], { cwd })).code).toBe(0)
  })
})
