import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { defineEvent, defineTask, type StoredEnvelope } from 'tidings'
import { sealDraft } from 'tidings/contract'
import { seededIds } from '@tidings/testing'
import { z } from 'zod'
import { bundle } from '../../../tools/bundle.ts'
import { openLog, withLog } from '../delivery/log-place.ts'
import type { StoreKind } from '../delivery/plan-life.ts'
import type { ArchivePlan } from './archiver.ts'
import type { ArchiveKill } from './plan-archive.ts'

const run = promisify(execFile)
let program: Promise<string> | undefined
const STREAMS = 30
const EACH = 200
const job = defineTask('Crash.Job.Requested', { payload: z.object({ n: z.number() }), results: [] })
const fact = defineEvent('Crash.Job.Finished', { payload: z.object({ n: z.number() }) })

export interface ArchiveTotals {
  readonly events: number
  /** Those that were still at work when they were to be killed. */
  readonly killed: number
}

/**
 * Archives and deletes a log by processes that are killed one after the other, and one that finishes.
 *
 * @throws {AssertionError} something is lost, or archived twice, or does not come back by an import
 */
export async function archiveUnderKills(
  kind: StoreKind,
  kills: readonly ArchiveKill[],
): Promise<ArchiveTotals> {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-archive-'))
  try {
    return await withLog(kind, folder, async (log) => {
      const work = await fill(log)
      let killed = 0
      for (const [index, kill] of kills.entries()) {
        const plan = { log, folder: join(folder, 'archive'), gzip: index % 2 === 0, kill }
        if ((await archive(plan)) === 'killed') killed++
        await checkBetween(plan, work)
      }
      await archive({ log, folder: join(folder, 'archive'), gzip: true, kill: undefined })
      await checkEnd(log, folder, work)
      return { events: work.length, killed }
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Work of many streams, in turn, and a fact at the end, which stays. */
async function fill(log: string): Promise<readonly StoredEnvelope[]> {
  await using store = await openLog(log)
  const ids = seededIds(11)
  const origin = (aggregateType: string, aggregateId: string) => ({
    aggregateType,
    aggregateId,
    correlationId: ids.newId(1),
    causationId: undefined,
    metadata: { source: 'crash', actor: 'ann' },
    clock: { now: () => 1_700_000_000_000, sleep: async () => undefined },
    ids,
  })
  for (let round = 0; round < EACH / 20; round++) {
    const appends = Array.from({ length: STREAMS }, (_, stream) => ({
      stream: `Crash.Job/${stream}`,
      expectedVersion: 'any' as const,
      events: Array.from({ length: 20 }, (_, n) =>
        sealDraft(job({ n: round * 20 + n }), origin('Crash.Job', String(stream))),
      ),
    }))
    await store.append(appends)
  }
  const work = await store.readAll().toArray()
  const last = sealDraft(fact({ n: 1 }), origin('Crash.Other', '1'))
  await store.append([{ stream: 'Crash.Other/1', expectedVersion: 'any', events: [last] }])
  return work
}

/** Runs an archiver until it dies as it should, or has finished. */
async function archive(plan: ArchivePlan): Promise<'killed' | 'finished'> {
  program ??= bundle(join(import.meta.dirname, 'archiver.ts'))
  const args = [await program, JSON.stringify(plan)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<readonly [number | null, string | null]>((resolve) =>
    child.once('close', (code, signal) => resolve([code, signal])),
  )
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line !== 'ready' || plan.kill?.step !== 'moment') return
    setTimeout(() => child.kill('SIGKILL'), plan.kill.hit).unref()
  })
  const [code, signal] = await ended
  if (signal === 'SIGKILL') return 'killed'
  assert.equal(code, 0, `an archiver ends by SIGKILL or well, not by ${signal ?? code}`)
  return 'finished'
}

async function checkBetween(
  { log, folder }: ArchivePlan,
  work: readonly StoredEnvelope[],
): Promise<void> {
  await using store = await openLog(log)
  // First what is there, then what is archived: what goes meanwhile was archived before.
  const kept = await store.readAll().toArray()
  assert.deepEqual(await Array.fromAsync(store.catalog.verify()), [])
  const archived = idsOf(linesOf(folder))
  assert.equal(new Set(archived).size, archived.length, 'nothing is archived twice')
  const found = new Set([...archived, ...kept.map(({ eventId }) => eventId)])
  assert.deepEqual(
    work.filter(({ eventId }) => !found.has(eventId)),
    [],
    'nothing is lost',
  )
}

async function checkEnd(
  log: string,
  folder: string,
  work: readonly StoredEnvelope[],
): Promise<void> {
  const lines = linesOf(join(folder, 'archive'))
  const ids = work.map(({ eventId }) => eventId)
  assert.deepEqual(idsOf(lines), ids, 'each once, in the order of the log')
  await checkImport(folder, lines, work)
  await using store = await openLog(log)
  const left = await store.readAll().toArray()
  assert.deepEqual(
    left.map(({ eventType }) => eventType),
    [fact.type],
  )
  assert.deepEqual(await store.retention.removed('Crash.Job/7'), [{ first: 1, last: EACH }])
  assert.deepEqual(await store.retention.deleted(), { events: work.length, commands: 0 })
}

async function checkImport(
  folder: string,
  lines: readonly string[],
  work: readonly StoredEnvelope[],
): Promise<void> {
  const all = join(folder, 'all.ndjson')
  writeFileSync(all, `${lines.join('\n')}\n`)
  const importing = ['import', all, '--store', 'sqlite:again.db']
  const first = await tidings(folder, ...importing)
  const second = await tidings(folder, ...importing)
  const counts = ({ stored, duplicates, rejected }: Record<string, unknown>): unknown[] => [
    stored,
    duplicates,
    rejected,
  ]
  assert.deepEqual(counts(first), [work.length, 0, 0])
  assert.deepEqual(counts(second), [0, work.length, 0])
  await using copy = await openLog(join(folder, 'again.db'))
  assert.deepEqual((await copy.readAll().toArray()).map(content), work.map(content))
}

/** What an import gives anew: its place in the log, and when that took it. */
function content(event: StoredEnvelope): unknown {
  return { ...event, position: 0, recordedAt: '', schemaHash: '' }
}

async function tidings(folder: string, ...args: string[]): Promise<Record<string, unknown>> {
  const main = join(import.meta.dirname, '../../../packages/cli/src/main.ts')
  const { stdout } = await run(
    process.execPath,
    ['--conditions=@tidings/source', main, ...args, '--json'],
    { cwd: folder },
  )
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
}

function linesOf(folder: string): string[] {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder)
    .filter((name) => name.startsWith('events-'))
    .sort()
  return files.flatMap((name) => {
    const bytes = readFileSync(join(folder, name))
    const text = name.endsWith('.gz') ? gunzipSync(bytes) : bytes
    return text.toString().trimEnd().split('\n')
  })
}

function idsOf(lines: readonly string[]): string[] {
  return lines.map((line) => (JSON.parse(line) as { event_id: string }).event_id)
}
