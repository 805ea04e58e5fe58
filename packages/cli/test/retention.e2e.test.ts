import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { defineEvent, defineTask } from 'tidings'
import { createRegistry, sealEnvelope, type AnyEventDefinition } from 'tidings/contract'
import { sqlite } from 'tidings/sqlite'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { makeFolder, parseLines, runCli } from './support/cli.ts'
import { numberedId } from './support/events.ts'

const payload = z.object({ name: z.string() })
const Asked = defineTask('Shop.Mail.Requested', { payload, results: [] })
const Moved = defineEvent('Shop.Customer.Moved', { payload })
const ALWAYS = '2100-01-01'

function event(n: number, stream: string, definition: AnyEventDefinition, causationId?: string) {
  const [aggregateType = '', aggregateId = ''] = stream.split('/')
  const envelope = {
    eventId: numberedId(n),
    eventType: definition.type,
    eventVersion: 1,
    timestamp: '2026-01-01T00:00:00.000Z',
    aggregateType,
    aggregateId,
    correlationId: numberedId(1),
    ...(causationId === undefined ? {} : { causationId }),
    payload: { name: 'Ann' },
    metadata: {},
  }
  return {
    stream,
    expectedVersion: 'any' as const,
    events: [sealEnvelope(envelope, definition)],
  }
}

/** A customer who moved twice, three mails, and a subscription that has handled two of them. */
async function makeLog(): Promise<string> {
  const cwd = makeFolder()
  await using store = sqlite(join(cwd, 'app.db'))
  await store.contracts.declare(createRegistry([Asked, Moved]).declared())
  await store.append([event(1, 'Shop.Customer/ann', Moved)])
  for (const n of [2, 3, 4]) await store.append([event(n, `Shop.Mail/${n}`, Asked, numberedId(1))])
  await store.append([event(5, 'Shop.Customer/ann', Moved, numberedId(2))])
  await store.subscriptions.claim({ name: 'mail', token: 1, owner: 'test', startAt: 3 })
  return cwd
}

const at = ['--store', 'sqlite:app.db'] as const

test('retention says what would go, asks, archives, deletes; verify and import agree', async () => {
  const cwd = await makeLog()
  const look = await runCli(['retention', ...at], { cwd })
  expect(look.stdout).toBe(
    'Deleted so far: 0 events, 0 outcomes of commands.\nThe subscription mail has read up to position 3.\n',
  )
  const dry = ['retention', '--older-than', ALWAYS, '--dry-run', '--json', ...at]
  expect(parseLines((await runCli(dry, { cwd })).stdout)).toEqual([
    {
      due: 2,
      events_deleted: 0,
      commands_deleted: 0,
      holds: [{ kind: 'subscription', name: 'mail', position: 3, count: null }],
    },
  ])
  const refused = await runCli(['retention', '--older-than', ALWAYS, ...at], { cwd })
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('Delete 2 events')])
  const archive = ['--archive', 'old', '--gzip', '--yes', '--json']
  const done = await runCli(['retention', '--older-than', ALWAYS, ...archive, ...at], { cwd })
  expect(parseLines(done.stdout)).toEqual([{ events: 2, commands: 0, archived: 2, archive: 'old' }])
  expect(readdirSync(join(cwd, 'old'))).toEqual(['events-000001-2-3.ndjson.gz'])
  const file = 'old/events-000001-2-3.ndjson.gz'
  const back = await runCli(['import', file, '--store', 'sqlite:copy.db', '--json'], { cwd })
  expect(JSON.parse(back.stdout)).toMatchObject({ read: 2, stored: 2, rejected: 0 })
  // The cause of the last event was deleted.
  const verified = await runCli(['verify', '--json', ...at], { cwd })
  expect([verified.code, parseLines(verified.stdout)]).toEqual([
    0,
    [expect.objectContaining({ ok: true, events: 3, events_deleted: 2 })],
  ])
  const chinese = await runCli(['retention', '--lang', 'zh', ...at], { cwd })
  expect(chinese.stdout).toBe('迄今已删除：2 个事件，0 个命令结局。\n订阅 mail 已读到位置 3。\n')
})

test('erase says what it would empty, asks, and keeps that it did', async () => {
  const cwd = await makeLog()
  const stream = ['--stream', 'Shop.Customer/ann']
  const dry = await runCli(['erase', ...stream, '--dry-run', ...at], { cwd })
  expect(dry.stdout).toBe(
    'Would empty: 5 events, 0 snapshots, 0 parked, 0 outcomes of commands, 0 timers\n',
  )
  const why = [...stream, '--because', 'request 17', '--by', 'dpo']
  expect(await runCli(['erase', ...why, ...at], { cwd })).toMatchObject({ code: 1 })
  const done = await runCli(['erase', ...why, '--yes', '--json', ...at], { cwd })
  expect(parseLines(done.stdout)).toMatchObject([
    { events: 5, requested_by: 'dpo', reason: 'request 17' },
  ])
  const events = await runCli(['events', '--json', ...at], { cwd })
  expect(parseLines<{ payload: unknown }>(events.stdout).map((one) => one.payload)).toEqual(
    Array.from({ length: 5 }, () => null),
  )
  const list = await runCli(['erase', '--list', ...at], { cwd })
  expect(list.stdout).toMatch(/dpo: request 17\n {2}5 events, 0 snapshots/)
  expect((await runCli(['verify', ...at], { cwd })).code).toBe(0)
})

test.each([
  [['retention', '--archive', 'old'], '--older-than is missing'],
  [['retention', '--dry-run'], '--older-than or --commands is missing'],
  [['retention', '--older-than', '1d', '--gzip'], '--gzip is about the files'],
  [['erase'], '--stream or --event is missing'],
  [['erase', '--event', 'x'], '--because is missing'],
])('%s is wrong', async (args, says) => {
  const cwd = makeFolder()
  const result = await runCli([...args, ...at], { cwd })
  expect([result.code, result.stderr]).toEqual([2, expect.stringContaining(says)])
})
