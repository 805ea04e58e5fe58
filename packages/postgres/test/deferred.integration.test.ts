import { inspectServer } from '@tidings/postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SealedEvent } from 'tidings'
import { ForeignLog } from './kit/foreign-log.ts'
import { appendTo, makeEvent } from './kit/sample.ts'

const log = new ForeignLog()

beforeAll(() => log.start())
afterAll(() => log.stop())
beforeEach(() => log.next())
afterEach(() => log.end())

async function leave(...events: readonly SealedEvent[]): Promise<void> {
  const client = await log.begin()
  for (const event of events) {
    await log.store.appendIn(client, [appendTo(event.envelope.aggregateId, event)], {
      deferred: true,
    })
  }
  await client.query('commit')
}

async function refused(): Promise<readonly string[]> {
  const sql = `select refused from ${log.schema}.deferred_appends where refused is not null order by id`
  const { rows } = await log.admin.query<{ refused: string }>(sql)
  return rows.map(({ refused }) => refused)
}

describe('what can never be appended is put aside, and holds up nobody', () => {
  test('what no column takes', async () => {
    const { envelope, ...rest } = makeEvent('bad')
    const tenant = Array.from({ length: 3000 }, (_, n) =>
      String.fromCharCode(200 + ((n * 7919) % 5000)),
    ).join('')
    const bad = { ...rest, envelope: { ...envelope, metadata: { tenant } } }
    await leave(makeEvent('1'), bad, makeEvent('2'))
    await expect.poll(() => log.versionOf('2')).toBe(1)
    expect(await log.versionOf('1')).toBe(1)
    expect(await log.versionOf('bad')).toBe(0)
    expect(await refused()).toEqual([expect.stringContaining('event_log_tenant')])
    const { deferred } = await inspectServer({ connection: log.database.url, schema: log.schema })
    expect(deferred).toMatchObject({ waiting: 0, refused: 1 })
  })

  test('what is no append at all', async () => {
    for (const call of ['null', '{}', '[]', '[{"stream":"Sample.Counter/1"}]']) {
      await log.admin.query(`insert into ${log.schema}.deferred_appends (call) values ($1)`, [call])
    }
    await leave(makeEvent('1'))
    await expect.poll(() => log.versionOf('1')).toBe(1)
    await expect.poll(refused).toHaveLength(4)
  })
})

test('constraints that are made immediate append at once, and nothing twice', async () => {
  const client = await log.begin()
  await log.store.appendIn(client, [appendTo('1', makeEvent('1'))])
  await client.query('set constraints all immediate')
  await log.store.appendIn(client, [appendTo('1', makeEvent('1'))])
  await client.query('commit')
  expect(await log.versionOf('1')).toBe(2)
})
