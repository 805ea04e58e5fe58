import { fork } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { migrations } from '../../src/sqlite/schema/migrations.ts'
import { SCHEMA_NUMBER } from '../../src/sqlite/schema/schema-version.ts'
import { sqlite, type SqliteStore } from '../../src/sqlite.ts'
import { failureOf } from './fault-fixture.ts'
import { append, event, scratch } from './log-fixture.ts'

let folder: ReturnType<typeof scratch>
let file: string

beforeEach(() => {
  folder = scratch()
  file = folder.path('log.db')
})

afterEach(() => folder.remove())

const big = (stream: string): ReturnType<typeof append> =>
  append(stream, 'any', event(stream, { payload: { text: 'x'.repeat(20_000) } }))

async function filled(events = 1): Promise<SqliteStore> {
  const store = sqlite(file)
  for (let index = 0; index < events; index++) await store.append([big(`A/${index}`)])
  return store
}

describe('a full disk', () => {
  test('refuses what does not fit, keeps what was acknowledged, and goes on when there is room', async () => {
    const store = sqlite({ file, maxPages: 120 })
    let acknowledged = 0
    let failure
    while (failure === undefined) {
      const outcome = await store.append([big(`A/${acknowledged}`)]).then(
        () => undefined,
        () => failureOf(store.append([big(`A/${acknowledged}`)])),
      )
      if (outcome === undefined) acknowledged++
      else failure = outcome
    }
    expect(failure).toMatchObject({ code: 'TIDINGS_STORE_FULL', location: `sqlite:${file}` })
    expect(failure.message).toMatch(/full.*Make room/s)
    expect(acknowledged).toBeGreaterThan(5)
    expect(await store.readAll().toArray()).toHaveLength(acknowledged)
    await store.close()

    const roomy = sqlite({ file })
    await roomy.append([big('B/1')])
    expect(await roomy.head()).toBe(acknowledged + 1)
    expect(await Array.fromAsync(roomy.catalog.verify())).toEqual([])
    await roomy.close()
  })

  test('a neighbour in the same transaction that fits is stored', async () => {
    const store = sqlite({ file, maxPages: 120 })
    const huge = event('A/1', { payload: { text: 'x'.repeat(800_000) } })
    const [small, large, other] = await Promise.allSettled([
      store.append([append('B/1', 0)]),
      store.append([append('A/1', 0, huge)]),
      store.append([append('B/2', 0)]),
    ])
    expect(small.status).toBe('fulfilled')
    expect(other.status).toBe('fulfilled')
    expect(large).toMatchObject({ status: 'rejected', reason: { code: 'TIDINGS_STORE_FULL' } })
    // The same process goes on, and so does a transaction after one that did not fit.
    const failing = store.transaction(async (tx) => {
      await tx.sql`create table blob_of_mine (b blob)`
      await tx.sql`insert into blob_of_mine values (${new Uint8Array(1_000_000)})`
    })
    await expect(failing).rejects.toMatchObject({ code: 'TIDINGS_STORE_FULL' })
    await store.append([append('B/2', 1)])
    expect(await store.head()).toBe(3)
    await store.close()
  })

  // A real file system that fills up: /dev/shm is one, too large to fill, so a mount of our own.
  test('of a small file system: the same, and it goes on without a restart', async () => {
    const script = fileURLToPath(new URL('small-disk-process.ts', import.meta.url))
    const child = fork(script, [], { execArgv: ['--conditions=@tidings/source'] })
    const [report] = (await once(child, 'message')) as [SmallDiskReport]
    await once(child, 'exit')
    if (report.mounted) {
      expect(report).toMatchObject({
        code: 'TIDINGS_STORE_FULL',
        kept: true,
        wentOn: true,
        faults: 0,
      })
      expect(report.acknowledged).toBeGreaterThan(5)
    } else {
      // Only a user who may mount can see this; a limit of the file stands for it elsewhere.
      expect(report.reason).toMatch(/mount/)
    }
  })
})

interface SmallDiskReport {
  readonly mounted: boolean
  readonly reason?: string
  readonly acknowledged?: number
}

describe('a file that is not there', () => {
  test('a missing folder is named', async () => {
    const store = sqlite(folder.path('no/such/log.db'))
    const failure = await failureOf(store.open())
    expect(failure).toMatchObject({ code: 'TIDINGS_STORE_MISSING' })
    expect(failure.message).toContain(`'${folder.path('no/such')}' is not there`)
    // Once it is there, the same store works.
    mkdirSync(folder.path('no/such'), { recursive: true })
    await store.append([append('A/1', 0)])
    await store.close()
  })

  test('mustExist does not make one', async () => {
    const store = sqlite({ file, mustExist: true })
    expect(await failureOf(store.head())).toMatchObject({ code: 'TIDINGS_STORE_MISSING' })
    expect(existsSync(file)).toBe(false)
    await store.close()
  })

  test('a folder is no file', async () => {
    mkdirSync(file)
    const failure = await failureOf(sqlite(file).open())
    expect(failure.code).toBe('TIDINGS_STORE_MISSING')
    expect(failure.message).toContain('cannot be opened')
  })

  test('deleted while open: nothing is acknowledged any more', async () => {
    const store = await filled()
    rmSync(file)
    const failure = await failureOf(store.append([append('B/1', 0)]))
    expect(failure).toMatchObject({ code: 'TIDINGS_STORE_MISSING', location: `sqlite:${file}` })
    expect(failure.message).toMatch(/is not there any more.*restore a backup/s)
    await expect(store.transaction((tx) => tx.append([append('B/2', 0)]))).rejects.toMatchObject({
      code: 'TIDINGS_STORE_MISSING',
    })
    await expect(store.head()).rejects.toMatchObject({ code: 'TIDINGS_STORE_MISSING' })
    await store.close()
  })

  test('its WAL deleted while open: the same', async () => {
    const store = await filled()
    rmSync(`${file}-wal`)
    expect(await failureOf(store.append([append('B/1', 0)]))).toMatchObject({
      code: 'TIDINGS_STORE_MISSING',
    })
    await store.close()
  })

  test('replaced while open: the same', async () => {
    const store = await filled()
    copyFileSync(file, folder.path('other.db'))
    renameSync(folder.path('other.db'), file)
    const failure = await failureOf(store.append([append('B/1', 0)]))
    expect(failure.message).toContain('is another file now')
    await store.close()
  })
})

describe('a damaged file', () => {
  function overwrite(offset: number, bytes: Uint8Array): void {
    const descriptor = openSync(file, 'r+')
    writeSync(descriptor, bytes, 0, bytes.length, offset)
    closeSync(descriptor)
  }

  test('text is no database', async () => {
    writeFileSync(file, 'this is a letter to my mother. '.repeat(200))
    const failure = await failureOf(sqlite(file).open())
    expect(failure).toMatchObject({ code: 'TIDINGS_STORE_CORRUPT', location: `sqlite:${file}` })
    expect(failure.message).toMatch(/no SQLite database.*Check the path/s)
    expect(failure.cause).toMatchObject({ errcode: 26 })
  })

  test('a header of rubbish is told so', async () => {
    await (await filled()).close()
    overwrite(0, new Uint8Array(100).fill(0xa5))
    expect(await failureOf(sqlite(file).open())).toMatchObject({ code: 'TIDINGS_STORE_CORRUPT' })
  })

  test('rubbish in a page: reading fails, verify names it, nothing is made up', async () => {
    await (await filled(50)).close()
    // The log's own pages: its b-tree begins where the first payload is.
    const db = new DatabaseSync(file)
    const root = db.prepare("select rootpage from sqlite_schema where name = 'event_log'").get()
    db.close()
    overwrite(((root?.['rootpage'] as number) - 1) * 4096, new Uint8Array(4096).fill(0xa5))
    const store = sqlite(file)
    const failure = await failureOf(store.readAll().toArray())
    expect(failure).toMatchObject({ code: 'TIDINGS_STORE_CORRUPT' })
    expect(failure.message).toContain('restore a backup')
    const faults = await Array.fromAsync(store.catalog.verify())
    expect(faults).toContainEqual(expect.objectContaining({ code: 'database' }))
    await store.close()
  })

  test('a file cut in half is damaged too', async () => {
    await (await filled(50)).close()
    truncateSync(file, Math.floor(statSync(file).size / 2))
    const store = sqlite(file)
    const work = store.readAll().toArray()
    expect(await failureOf(work)).toMatchObject({ code: 'TIDINGS_STORE_CORRUPT' })
    await store.close()
  })

  test('a payload that is no JSON any more is told so', async () => {
    await (await filled()).close()
    const db = new DatabaseSync(file)
    db.exec("update event_log set payload = '{'")
    db.close()
    const store = sqlite(file)
    expect(await failureOf(store.readAll().toArray())).toMatchObject({
      code: 'TIDINGS_STORE_CORRUPT',
    })
    await store.close()
  })
})

describe('a file that cannot be written', () => {
  // Root may write what it likes, so a process of another user looks.
  test.each(['file', 'folder'] as const)('a read-only %s: refused at the door', async (what) => {
    await (await filled()).close()
    chmodSync(file, what === 'file' ? 0o444 : 0o666)
    chmodSync(folder.path('.'), what === 'folder' ? 0o555 : 0o777)
    const script = fileURLToPath(new URL('read-only-process.ts', import.meta.url))
    const child = fork(script, [file], { execArgv: ['--conditions=@tidings/source'] })
    const [report] = (await once(child, 'message')) as [{ code: string; message: string }]
    await once(child, 'exit')
    expect(report.code).toBe('TIDINGS_STORE_READ_ONLY')
    expect(report.message).toMatch(/cannot be written.*right to write/s)
    chmodSync(folder.path('.'), 0o777)
    const store = sqlite(file)
    expect(await store.head()).toBe(1)
    await store.close()
  })
})

describe('a file of another version', () => {
  function declareVersion(number: number, minimumReader: number): void {
    const db = new DatabaseSync(file)
    db.prepare('insert into schema_version values (?, ?, ?, ?)').run(
      number,
      minimumReader,
      '2030-01-01T00:00:00.000Z',
      'tidings 9.0.0',
    )
    db.close()
  }

  test('a newer one that needs a newer reader is refused, and says both numbers', async () => {
    await (await filled()).close()
    declareVersion(9, 7)
    const failure = await failureOf(sqlite(file).open())
    expect(failure).toMatchObject({ code: 'TIDINGS_STORE_TOO_NEW' })
    expect(failure.message).toContain('schema 9 and can be read by schema 7 or later')
    expect(failure.message).toContain(`has schema ${SCHEMA_NUMBER}.`)
  })

  test('a newer one that lets us read is worked with, and stays as it is', async () => {
    await (await filled()).close()
    declareVersion(9, 1)
    const store = sqlite(file)
    await store.append([append('B/1', 0)])
    expect(await store.head()).toBe(2)
    await store.close()
    const db = new DatabaseSync(file)
    expect(db.prepare('select max(number) as n from schema_version').get()).toEqual({ n: 9 })
    db.close()
  })

  test('ours says when and by which version it was made', async () => {
    await (await filled()).close()
    const db = new DatabaseSync(file)
    expect(db.prepare('select * from schema_version order by number').all()).toEqual(
      migrations.map(({ number, minimumReader }) => ({
        number,
        minimum_reader: minimumReader,
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        by: expect.stringMatching(/^tidings \d+\.\d+\.\d+/),
      })),
    )
    db.close()
  })

  test("a user's own database takes the log beside its tables", async () => {
    const db = new DatabaseSync(file)
    db.exec('create table person (name text)')
    db.close()
    const store = sqlite(file)
    await store.transaction((tx) => tx.sql`insert into person values ('Ann')`)
    await store.append([append('A/1', 0)])
    await store.close()
  })
})
