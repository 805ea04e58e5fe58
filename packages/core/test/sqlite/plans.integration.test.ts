import { afterAll, beforeAll, expect, test } from 'vitest'

import type { EventFilter } from '../../src/store/store.ts'
import type { Cell } from '../../src/sqlite/connection.ts'
import { fillBatch } from '../../src/sqlite/index-filler.ts'
import { queryPages } from '../../src/sqlite/log-query.ts'
import { closeLog, openLog, type OpenLog } from '../../src/sqlite/open-log.ts'
import { readOptions } from '../../src/sqlite/options.ts'
import type { ReadSide } from '../../src/sqlite/reader.ts'
import { readStreamPages } from '../../src/sqlite/stream-reader.ts'
import { generateLog } from './generated-log.ts'
import { scratch } from './log-fixture.ts'

const EVENTS = 1_000_000
const MARK = EVENTS - 3000
const at = (index: number): string => new Date(1_700_000_000_000 + index * 1000).toISOString()

/** Every kind of filter that leads to few of the million events. */
const selective: Readonly<Record<string, { filter: EventFilter; events: number }>> = {
  stream: { filter: { stream: 'Todo.Item/00000010' }, events: 10 },
  correlation: { filter: { correlationId: 'corr-000000010' }, events: 20 },
  type: { filter: { types: ['Shop.Order.Disputed'] }, events: EVENTS / 5000 },
  glob: { filter: { types: ['Shop.**'] }, events: EVENTS / 5000 },
  'aggregate type': { filter: { aggregateType: 'Shop.Order' }, events: EVENTS / 5000 },
  topic: { filter: { topic: 'orders' }, events: EVENTS / 5000 },
  class: { filter: { class: 'work' }, events: 0 },
  time: { filter: { since: at(20_000), until: at(20_100) }, events: 100 },
  'time and type': {
    filter: { types: ['Shop.*.*'], since: at(20_000) },
    events: (EVENTS - 20_000) / 5000,
  },
  'tenant and time': { filter: { tenant: 't2', until: at(100) }, events: 25 },
}

let folder: ReturnType<typeof scratch>
let log: OpenLog

async function makeLog(name: string, events: number, mark: number): Promise<OpenLog> {
  const made = await openLog(readOptions(folder.path(name)), new Set())
  const { connection } = made.writer
  generateLog(connection.db, events)
  connection.db.exec('begin')
  while (fillBatch(made.writer, mark) < mark);
  connection.db.exec('commit')
  return made
}

beforeAll(async () => {
  folder = scratch()
  log = await makeLog('log.db', EVENTS, MARK)
}, 120_000)

afterAll(() => {
  closeLog(log)
  folder.remove()
})

interface Run {
  readonly sql: string
  readonly values: readonly Cell[]
}

/** The reading side, and what ran on it. */
function recorded(log: OpenLog): { side: ReadSide; runs: Run[] } {
  const runs: Run[] = []
  const { connection } = log.side
  const spy = new Proxy(connection, {
    get(target, name) {
      if (name !== 'rows') return Reflect.get(target, name, target) as unknown
      return (sql: string) => ({
        all: (...values: Cell[]) => {
          runs.push({ sql, values })
          return target.rows(sql).all(...values)
        },
        get: (...values: Cell[]) => {
          runs.push({ sql, values })
          return target.rows(sql).get(...values)
        },
      })
    },
  })
  return { side: { ...log.side, connection: spy }, runs }
}

/** What a plan says that costs more the longer the log is. */
function badSteps(sql: string, { side }: OpenLog = log): string[] {
  const plan = side.connection.db.prepare(`explain query plan ${sql}`).all()
  return (
    plan
      .map((row) => String(row['detail']))
      .filter(
        (detail) =>
          detail.startsWith('SCAN') ||
          detail.includes('TEMP B-TREE') ||
          // SQLite calls it a search when it walks the log by its primary key.
          (!isWalk(sql) && detail.includes('INTEGER PRIMARY KEY (rowid>')),
      )
      // A list of parameters, and the few combinations of types, topics and classes.
      .filter((detail) => !/^SCAN (json_each|event_kinds)\b/.test(detail))
  )
}

/** A statement that is meant to look at each event of a range. */
function isWalk(sql: string): boolean {
  return sql.includes('where e.position between')
}

/** Positions of the log that were looked at one by one. */
function walked({ sql, values }: Run): number {
  if (!isWalk(sql)) return 0
  return (values[1] as number) - (values[0] as number) + 1
}

for (const reverse of [false, true]) {
  for (const [kind, { filter, events }] of Object.entries(selective)) {
    test(`by ${kind}${reverse ? ', backwards,' : ''} an index leads to the events`, async () => {
      const { side, runs } = recorded(log)
      const found = await queryPages(async () => side, filter, { reverse }).toArray()
      expect(found).toHaveLength(events)
      for (const { sql } of runs) expect(badSteps(sql), sql).toEqual([])
      const total = runs.reduce((sum, run) => sum + walked(run), 0)
      // The tail beyond the mark, and one chunk of 1024 at either end of a time.
      expect(total).toBeLessThanOrEqual(EVENTS - MARK + 2 * 1024)
    })
  }
}

test('the whole log, a stream and a tenant are read page by page without sorting', async () => {
  const { side, runs } = recorded(log)
  const open = async (): Promise<ReadSide> => side
  for (const reverse of [false, true]) {
    for await (const page of queryPages(open, {}, { reverse }).pages())
      expect(page).toHaveLength(1000)
    await queryPages(open, { tenant: 't1', types: ['Todo.**'] }, { reverse }).toArray()
    await readStreamPages(open, 'Todo.Item/00000010', { reverse, pageSize: 3 }).toArray()
  }
  expect(runs.length).toBeGreaterThan(100)
  for (const sql of new Set(runs.map((run) => run.sql))) expect(badSteps(sql), sql).toEqual([])
})

test.each([
  ['event_log_stream', { stream: 'Todo.Item/00000010' }],
  ['event_log_correlation', { correlationId: 'corr-000000010' }],
])('without the index %s the check of plans fails', async (index, filter) => {
  const bare = await makeLog(`${index}.db`, 2000, 1000)
  const { side, runs } = recorded(bare)
  bare.writer.connection.db.exec(`drop index ${index}`)
  await queryPages(async () => side, filter).toArray()
  expect(runs.flatMap((run) => badSteps(run.sql, bare))).not.toEqual([])
  closeLog(bare)
})
