import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { encodeEvent } from '../contract/codec.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import type { EventRef } from '../store/retention-store.ts'

/** Where events are written before they are deleted. */
export interface EventArchive {
  /** For messages. */
  readonly location: string
  /** Writes events, and comes back when they are there to stay: only then are they deleted. */
  write(events: readonly StoredEnvelope[]): Promise<void>
  /** What was written last, in order. A process that died may not have come to delete it. */
  last(): Promise<readonly EventRef[]>
}

/** What has been done when a step is told: to end a process there. */
export type ArchiveStep = 'opened' | 'written' | 'synced' | 'named'

export interface ArchiveFolderOptions {
  /** Compress each file; false by default. */
  readonly gzip?: boolean
  /** For tests. */
  readonly onStep?: (step: ArchiveStep) => void
}

const NAME = /^events-(\d{6,})-\d+-\d+\.ndjson(?:\.gz)?$/

/**
 * An archive of NDJSON files in a folder, `events-000001-<first position>-<last position>.ndjson`, each as
 * `tidings import` reads it. A file has its name only once all of it is on the disk, and is never written
 * again. The folder is made when it is first written to.
 */
export function archiveFolder(folder: string, options: ArchiveFolderOptions = {}): EventArchive {
  const location = resolve(folder)
  const step = options.onStep ?? (() => undefined)
  return {
    location,
    async write(events) {
      const made = await mkdir(location, { recursive: true })
      if (made !== undefined) await syncFolder(dirname(made))
      const names = await listFiles(location)
      const part = join(location, 'next.part')
      // It may be the other name of a file that was just named: to write into it would empty that one.
      await rm(part, { force: true })
      await writeWhole(part, await encodeAll(events, options), step)
      const number = Number(NAME.exec(names.at(-1) ?? '')?.[1] ?? 0) + 1
      const range = `${events[0]!.position}-${events.at(-1)!.position}`
      const ending = options.gzip === true ? '.ndjson.gz' : '.ndjson'
      const name = `events-${String(number).padStart(6, '0')}-${range}${ending}`
      // Fails where the name is taken: what was archived is never written over.
      await link(part, join(location, name))
      await rm(part)
      await syncFolder(location)
      step('named')
    },
    async last() {
      const name = (await listFiles(location)).at(-1)
      return name === undefined ? [] : readRefs(join(location, name))
    },
  }
}

async function listFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => NAME.test(name)).sort(byNumber)
}

function byNumber(a: string, b: string): number {
  return Number(NAME.exec(a)?.[1]) - Number(NAME.exec(b)?.[1])
}

async function encodeAll(
  events: readonly StoredEnvelope[],
  options: ArchiveFolderOptions,
): Promise<Buffer> {
  const text = Buffer.from(events.map((event) => `${encodeEvent(event)}\n`).join(''))
  return options.gzip === true ? promisify(gzip)(text) : text
}

async function writeWhole(
  file: string,
  bytes: Buffer,
  step: (step: ArchiveStep) => void,
): Promise<void> {
  const handle = await open(file, 'w')
  try {
    step('opened')
    await handle.writeFile(bytes)
    step('written')
    await handle.sync()
    step('synced')
  } finally {
    await handle.close()
  }
}

/** A name too is there to stay only when its folder is on the disk. */
async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders, and writes names by itself.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function readRefs(file: string): Promise<readonly EventRef[]> {
  const bytes = await readFile(file)
  const text = file.endsWith('.gz') ? await promisify(gunzip)(bytes) : bytes
  return text
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      // Of what import reads the position is no part: every log gives its own.
      const { event_id: eventId, position } = JSON.parse(line) as {
        readonly event_id: string
        readonly position: number
      }
      return { eventId, position }
    })
}
