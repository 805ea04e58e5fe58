import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { sqlite } from '../../src/sqlite.ts'
import { append, event, scratch } from './log-fixture.ts'

/** https://www.sqlite.org/fileformat2.html#walformat */
const WAL_HEADER = 32
const FRAME_HEADER = 24
const PAGE = 4096

let folder: ReturnType<typeof scratch>

beforeEach(() => {
  folder = scratch()
})

afterEach(() => folder.remove())

/** Appends of one to three events, each a transaction of its own; the files as they are then. */
async function writeLog(): Promise<{ db: string; wal: Buffer; commits: readonly number[] }> {
  const file = folder.path('log.db')
  const store = sqlite(file)
  await store.open()
  const commits = [0]
  for (let index = 0; index < 30; index++) {
    const stream = `A/${index}`
    const events = Array.from({ length: 1 + (index % 3) }, () =>
      event(stream, { payload: { text: 'x'.repeat((index % 5) * 1500) } }),
    )
    const [result] = await store.append([append(stream, 0, ...events)], {})
    commits.push(result?.positions.at(-1) ?? 0)
  }
  copyFileSync(file, folder.path('base.db'))
  const wal = readFileSync(`${file}-wal`)
  await store.close()
  return { db: folder.path('base.db'), wal, commits }
}

/** Opens the database with a part of its WAL, as after a power failure. */
async function openCut(
  db: string,
  wal: Buffer,
): Promise<{ head: number; faults: readonly unknown[] }> {
  const file = folder.path('cut.db')
  copyFileSync(db, file)
  writeFileSync(`${file}-wal`, wal)
  truncateSync(`${file}-wal`, wal.length)
  const store = sqlite(file)
  const faults = await Array.fromAsync(store.catalog.verify())
  const head = await store.head()
  const events = await store.readAll().toArray()
  expect(events).toHaveLength(head)
  await store.append([append('After/1', 0)])
  await store.close()
  return { head, faults }
}

test('a WAL cut at and inside each frame opens, verifies, and holds a prefix of the commits', async () => {
  const { db, wal, commits } = await writeLog()
  const frames = (wal.length - WAL_HEADER) / (FRAME_HEADER + PAGE)
  expect(statSync(db).size % PAGE).toBe(0)
  expect(frames).toBeGreaterThan(100)
  // Every frame by TIDINGS_EVERY_FRAME=1; every seventh otherwise, which hits each place in a commit.
  const step = process.env['TIDINGS_EVERY_FRAME'] === '1' ? 1 : 7
  const seen = new Set<number>()
  let before = 0
  for (let frame = 0; frame <= frames; frame += step) {
    const start = WAL_HEADER + frame * (FRAME_HEADER + PAGE)
    for (const cut of [start, start + 10, start + FRAME_HEADER + 2000]) {
      if (cut > wal.length) continue
      const { head, faults } = await openCut(db, wal.subarray(0, cut))
      expect(faults, `cut at byte ${cut}`).toEqual([])
      expect(commits, `cut at byte ${cut}`).toContain(head)
      expect(head).toBeGreaterThanOrEqual(before)
      before = head
      seen.add(head)
    }
  }
  // The cuts lay all over the log, not only at its ends.
  expect(seen.size).toBeGreaterThan(10)
})

test('a frame of rubbish ends the log there, and what was before is whole', async () => {
  const { db, wal, commits } = await writeLog()
  const frames = (wal.length - WAL_HEADER) / (FRAME_HEADER + PAGE)
  const middle = WAL_HEADER + Math.floor(frames / 2) * (FRAME_HEADER + PAGE) + FRAME_HEADER
  const broken = Buffer.from(wal)
  broken.fill(0x5a, middle + 100, middle + 200)
  const { head, faults } = await openCut(db, broken)
  expect(faults).toEqual([])
  expect(commits).toContain(head)
  expect(head).toBeLessThan(commits.at(-1) ?? 0)
  expect(head).toBeGreaterThan(0)
})
