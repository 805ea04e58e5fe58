import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { defineEvent, defineTask, type StoredEnvelope } from 'tidings'
import { sealDraft } from 'tidings/contract'
import { sqlite } from 'tidings/sqlite'
import { seededIds } from '@tidings/testing'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import type { ArchivePlan } from './archiver.ts'

const run = promisify(execFile)
const STREAMS = 30
const EACH = 200
const job = defineTask('Crash.Job.Requested', { payload: z.object({ n: z.number() }), results: [] })
const fact = defineEvent('Crash.Job.Finished', { payload: z.object({ n: z.number() }) })

/** Work of many streams, in turn, and a fact at the end, which stays. */
async function fill(file: string): Promise<readonly StoredEnvelope[]> {
  await using store = sqlite(file)
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

async function archive(plan: ArchivePlan): Promise<string> {
  const script = join(import.meta.dirname, 'archiver.ts')
  const args = ['--conditions=@tidings/source', script, JSON.stringify(plan)]
  try {
    const { stdout } = await run(process.execPath, args)
    return stdout
  } catch (error) {
    const { signal, stderr } = error as { signal?: string; stderr?: string }
    if (signal === 'SIGKILL') return 'killed'
    throw new Error(`The archiver failed: ${stderr}`, { cause: error })
  }
}

function linesOf(folder: string): string[] {
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

async function tidings(folder: string, ...args: string[]): Promise<Record<string, unknown>> {
  const main = join(import.meta.dirname, '../../../packages/cli/src/main.ts')
  const { stdout } = await run(
    process.execPath,
    ['--conditions=@tidings/source', main, ...args, '--json'],
    { cwd: folder },
  )
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
}

/** What an import gives anew: its place in the log, and when that took it. */
function content(event: StoredEnvelope): unknown {
  return { ...event, position: 0, recordedAt: '', schemaHash: '' }
}

it('an archive that is killed at any step loses nothing, and has nothing twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-archive-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'log.db')
  const target = join(folder, 'archive')
  const work = await fill(file)
  const kills = [
    { step: 'opened', hit: 1 },
    { step: 'written', hit: 1 },
    { step: 'synced', hit: 1 },
    { step: 'named', hit: 1 },
    { step: 'removed', hit: 1 },
    { step: 'removed', hit: 7 },
    { step: 'named', hit: 1 },
  ]
  for (const [index, kill] of kills.entries()) {
    const gzip = index % 2 === 0
    expect(await archive({ file, folder: target, gzip, kill }), kill.step).toBe('killed')
    const store = sqlite(file)
    const kept = await store.readAll().toArray()
    expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
    await store.close()
    const archived = index < 3 ? [] : idsOf(linesOf(target))
    expect(new Set(archived).size, 'nothing is archived twice').toBe(archived.length)
    const found = new Set([...archived, ...kept.map(({ eventId }) => eventId)])
    expect(
      work.filter(({ eventId }) => !found.has(eventId)),
      'nothing is lost',
    ).toEqual([])
  }
  const last = JSON.parse(await archive({ file, folder: target, gzip: true, kill: undefined }))
  expect(last.removed).toBeGreaterThan(0)
  const lines = linesOf(target)
  expect(idsOf(lines), 'each once, in the order of the log').toEqual(
    work.map((event) => event.eventId),
  )
  const all = join(folder, 'all.ndjson')
  writeFileSync(all, `${lines.join('\n')}\n`)
  const again = 'sqlite:again.db'
  const imported = await tidings(folder, 'import', all, '--store', again)
  expect(imported).toMatchObject({ stored: work.length, duplicates: 0, rejected: 0 })
  const repeated = await tidings(folder, 'import', all, '--store', again)
  expect(repeated).toMatchObject({ stored: 0, duplicates: work.length, rejected: 0 })
  await using copy = sqlite(join(folder, 'again.db'))
  const back = await copy.readAll().toArray()
  expect(back.map(content)).toEqual(work.map(content))
  await using store = sqlite(file)
  expect((await store.readAll().toArray()).map(({ eventType }) => eventType)).toEqual([fact.type])
  expect(await store.retention.removed('Crash.Job/7')).toEqual([{ first: 1, last: EACH }])
  process.stdout.write(`archived ${work.length} events over ${kills.length} kills, each once\n`)
})
