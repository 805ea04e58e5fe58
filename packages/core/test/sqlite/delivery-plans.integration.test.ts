import { DatabaseSync } from 'node:sqlite'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { Connection } from '../../src/sqlite/connection.ts'
import { deliveryTables, type DeliveryTables } from '../../src/sqlite/delivery-tables.ts'
import { writeProgress } from '../../src/sqlite/progress.ts'
import { migrations } from '../../src/sqlite/schema/migrations.ts'
import type { ParkedEvent } from '../../src/store/parked-store.ts'
import type { TimerRecord } from '../../src/store/timer-store.ts'

let connection: Connection
let tables: DeliveryTables
let texts: Set<string>

beforeEach(() => {
  const db = new DatabaseSync(':memory:')
  for (const { sql } of migrations) db.exec(sql)
  texts = new Set()
  connection = new Recording(db, texts)
  tables = deliveryTables({
    read: async (work) => work(connection),
    write: async (work) => work(connection),
    now: () => 0,
  })
})

afterEach(() => connection.close())

/** Remembers what it was asked to prepare. */
class Recording extends Connection {
  readonly #texts: Set<string>

  constructor(db: DatabaseSync, texts: Set<string>) {
    super(db)
    this.#texts = texts
  }

  override statement(sql: string): ReturnType<Connection['statement']> {
    this.#texts.add(sql)
    return super.statement(sql)
  }

  override rows(sql: string): ReturnType<Connection['rows']> {
    this.#texts.add(sql)
    return super.rows(sql)
  }
}

/** The steps of all that was prepared. */
function steps(): string[] {
  return [...texts].flatMap((sql) =>
    connection.db
      .prepare(`explain query plan ${sql}`)
      .all()
      .map((row) => `${String(row['detail'])}: ${sql}`),
  )
}

/** Steps that walk through a whole table, or sort. Parameters, and what an inner query found, are few. */
function badSteps(): string[] {
  return steps().filter((step) => /^SCAN (?!json_each|\(subquery|g:)|TEMP B-TREE/.test(step))
}

const parked = { subscription: 'mail', generation: 1, sequence: 5, parkedId: 'p' } as ParkedEvent
const timer = { dueAt: 5, timerId: 't' } as TimerRecord

async function askAsRunning(): Promise<void> {
  await tables.subscriptions.claim({ name: 'mail', token: 1, owner: 'a', startAt: 0 })
  const fence = { subscription: 'mail', generation: 1, token: 1 }
  await tables.subscriptions.describe(fence, { state: 'live', reason: '' })
  await tables.subscriptions.begin(fence, 3)
  writeProgress(connection, { ...fence, ahead: [3, 4] })
  writeProgress(connection, { ...fence, mark: { from: 0, to: 5 } })
  await tables.subscriptions.reset(fence, 0)
  const lease = await tables.leases.acquire('mail', 'a', 1000)
  await tables.leases.renew(lease!, 1000)
  const unfinished = { states: ['parked', 'redriving'] } as const
  await tables.parked.head('mail', 1, 'k')
  await tables.parked.count({ subscription: 'mail', generation: 1, ...unfinished })
  await tables.parked.list({ subscription: 'mail' }, { after: parked, limit: 10 })
  await tables.parked.list({ subscription: 'mail', generation: 1 }, { after: parked, limit: 10 })
  await tables.parked.sweep('2026-11-21T09:00:00.000Z')
  await tables.operations.list({}, { after: 'o', limit: 10 })
  await tables.timers.due(0, 10)
  await tables.timers.next()
  await tables.timers.sweep(0)
  await tables.inbox.sweep('mail', '2026-11-21T09:00:00.000Z')
}

/** These sort, but no more than the rows that they are about. */
async function askAsTool(): Promise<void> {
  await tables.parked.keys('mail', 1)
  await tables.parked.list({ ids: ['p'] })
  await tables.operations.list({ subscription: 'mail', states: ['requested', 'running'] })
  await tables.timers.list({ states: ['waiting'], after: timer, limit: 10 })
}

test('what a running subscription asks for is found by an index, without sorting', async () => {
  await askAsRunning()
  expect(texts.size).toBeGreaterThan(20)
  expect(badSteps()).toEqual([])
})

test('tools walk through no more than the rows that they ask about', async () => {
  await askAsTool()
  expect(badSteps().filter((step) => step.startsWith('SCAN'))).toEqual([])
  texts.clear()
  await tables.parked.groups({})
  expect(badSteps().filter((step) => step.startsWith('SCAN'))).toEqual([
    expect.stringMatching(/^SCAN parked USING INDEX parked_unfinished/),
  ])
})

test('an outbox is read from the mark of its relay on, by position', () => {
  texts.add('select * from event_outbox order by position limit 10')
  expect(badSteps()).toEqual([])
})

test('each index is there for something', async () => {
  await askAsRunning()
  await askAsTool()
  const indexes = connection.db
    .prepare(
      "select name from sqlite_schema where type = 'index' and sql is not null and name not like 'event%'",
    )
    .all()
    .map((row) => String(row['name']))
    .filter((name) => !name.startsWith('commands'))
  const unused = indexes.filter((name) => !steps().some((step) => step.includes(` INDEX ${name} `)))
  expect(indexes.length).toBe(6)
  expect(unused).toEqual([])
})

test.each(['parked_order', 'parked_finished', 'timers_due'])(
  'without the index %s the check of plans fails',
  async (index) => {
    connection.db.exec(`drop index ${index}`)
    await askAsRunning()
    expect(badSteps()).not.toEqual([])
  },
)
