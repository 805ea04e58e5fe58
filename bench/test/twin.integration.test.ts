import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openConnection } from '../../packages/core/src/sqlite/connection.ts'
import { readOptions } from '../../packages/core/src/sqlite/options.ts'
import { compareLogs } from '../twins/compare-logs.ts'
import { openOurs } from '../twins/ours.ts'
import { openRawDatabase, RawLog, type RawAppend } from '../twins/sqlite-log.ts'
import { toRaw } from '../twins/to-raw.ts'
import { AppendMaker, drive } from '../workload/appends.ts'
import { commandFor } from '../workload/commands.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-bench-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const load = { callers: 4, eventsPerCall: 2, calls: 40 }

async function writeOurs(): Promise<string> {
  const file = join(folder, 'ours.db')
  const store = await openOurs(file)
  await drive(new AppendMaker(load).next(), (append) =>
    store.append([append], { command: commandFor(append) }),
  )
  await store.close()
  return file
}

async function writeTwin(
  change: (append: RawAppend) => RawAppend = (append) => append,
): Promise<string> {
  const file = join(folder, 'twin.db')
  const log = new RawLog(file, { grouped: true })
  await drive(new AppendMaker(load).next(), (append) =>
    log.append(change(toRaw(append, commandFor(append)))),
  )
  log.close()
  return file
}

/** What a table and its indexes are made of, in a form that can be compared. */
function describeTable(database: DatabaseSync, table: string): unknown {
  const indexes = database
    .prepare('select name, "unique" from pragma_index_list(?) order by name')
    .all(table)
  return {
    columns: database
      .prepare('select name, type, "notnull", pk from pragma_table_xinfo(?)')
      .all(table),
    indexes: indexes.map((index) => ({
      ...index,
      columns: database
        .prepare('select name, desc from pragma_index_xinfo(?)')
        .all(String(index['name'])),
    })),
    kind: database.prepare('select wr, strict from pragma_table_list where name = ?').get(table),
  }
}

describe('the twin is a fair one', () => {
  test('its tables have the columns and indexes of ours', async () => {
    const ours = new DatabaseSync(await writeOurs(), { readOnly: true })
    const twin = new DatabaseSync(await writeTwin(), { readOnly: true })
    for (const table of [
      'event_log',
      'event_types',
      'schema_hashes',
      'topics',
      'commands',
      'command_types',
    ]) {
      expect(describeTable(twin, table), table).toEqual(describeTable(ours, table))
    }
    ours.close()
    twin.close()
  })

  test('its connection has the settings of ours, durability above all', () => {
    const ours = openConnection(readOptions(join(folder, 'a.db')), 'writer')
    const twin = openRawDatabase(join(folder, 'b.db'))
    const settings = [
      'journal_mode',
      'synchronous',
      'wal_autocheckpoint',
      'busy_timeout',
      'cache_size',
      'temp_store',
      'foreign_keys',
      'page_size',
      'mmap_size',
    ]
    const read = (database: DatabaseSync): unknown =>
      settings.map((name) => [
        name,
        Object.values(database.prepare(`pragma ${name}`).get() ?? {})[0],
      ])
    expect(read(twin)).toEqual(read(ours.db))
    ours.close()
    twin.close()
  })

  test('it writes the rows that ours writes', async () => {
    const [ours, twin] = [await writeOurs(), await writeTwin()]
    compareLogs(ours, twin)
    const database = new DatabaseSync(twin, { readOnly: true })
    expect(database.prepare('select count(*) as n from event_log').get()).toEqual({ n: 80 })
    expect(database.prepare('select count(*) as n from commands').get()).toEqual({ n: 40 })
    database.close()
  })

  test('a twin that writes something else is found out', async () => {
    const ours = await writeOurs()
    const twin = await writeTwin((append) => ({
      ...append,
      events: append.events.map((event) => ({ ...event, metadata: null })),
    }))
    expect(() => compareLogs(ours, twin)).toThrow(/deep-equal/)
  })

  test('a twin that writes less is found out', async () => {
    const ours = await writeOurs()
    const twin = await writeTwin((append) => ({ ...append, command: undefined }))
    expect(() => compareLogs(ours, twin)).toThrow()
  })

  test('it refuses a stale version, with group commit and without', async () => {
    for (const grouped of [true, false]) {
      const log = new RawLog(join(folder, `${grouped}.db`), { grouped })
      const [[append]] = new AppendMaker({ ...load, callers: 1 }).next() as [[never]]
      await log.append(toRaw(append, undefined))
      await expect(log.append(toRaw(append, undefined))).rejects.toThrow(/is at 2, not at 0/)
      log.close()
    }
  })
})
