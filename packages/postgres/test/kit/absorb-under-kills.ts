import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { postgres, type AppendStep, type PostgresStore } from '@tidings/postgres'
import { seededRandom } from '@tidings/testing'
import { createDatabase } from './server.ts'

const steps: readonly AppendStep[] = ['before-append', 'before-commit', 'acknowledged']

export interface AbsorbTotals {
  readonly kills: ReadonlyMap<AppendStep, number>
  readonly acknowledged: number
  /** Committed, and the process died before it could say so. */
  readonly more: number
}

/**
 * Kills processes, two at a time, that append what transactions of another library left to be appended, so
 * that each finds what the death of the other has left.
 *
 * @throws {AssertionError} something that was committed is not there, or is there twice, or in another order
 */
export async function absorbUnderKills(seed: number, kills: number): Promise<AbsorbTotals> {
  const database = await createDatabase('absorb')
  const admin = new pg.Client(database.url)
  await admin.connect()
  const store = postgres(database.url)
  try {
    await admin.query('create table public.rows (id uuid primary key)')
    await store.open()
    const random = seededRandom(seed)
    const counts = new Map(steps.map((step) => [step, 0]))
    const said: string[] = []
    for (let kill = 0; kill < kills; kill += 2) {
      const lives = [kill, kill + 1].map((n) => {
        const step = steps[n % steps.length] as AppendStep
        counts.set(step, (counts.get(step) ?? 0) + 1)
        return live([database.url, `deferrer-${n}`, step, String(1 + random.below(8))])
      })
      for (const lines of await Promise.all(lives)) said.push(...lines)
    }
    await absorbed(store, admin)
    const acknowledged = idsOf('ack', said)
    const more = await check(store, admin, { acknowledged, tried: idsOf('try', said) })
    return { kills: counts, acknowledged: acknowledged.length, more }
  } finally {
    await store.close()
    await admin.end()
    await database.drop()
  }
}

/** @returns what it said before it killed itself */
async function live(parameters: readonly string[]): Promise<readonly string[]> {
  const script = join(import.meta.dirname, 'deferrer.child.ts')
  const args = ['--conditions=@tidings/source', script, ...parameters]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<string | null>((resolve) =>
    child.once('close', (_, signal) => resolve(signal)),
  )
  const output = await text(child.stdout)
  assert.equal(await ended, 'SIGKILL')
  return output.split('\n')
}

function idsOf(word: string, lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line.startsWith(word)).map((line) => line.slice(word.length + 1))
}

/** Whoever waits for more sees what was left, also by those who are dead. */
async function absorbed(store: PostgresStore, admin: pg.Client): Promise<void> {
  const over = new AbortController()
  const waiting = store.waitBeyond(Number.MAX_SAFE_INTEGER, { signal: over.signal })
  const ended = assert.rejects(waiting)
  const count = async (): Promise<number> => {
    const sql = 'select count(*)::int as n from tidings.deferred_appends where refused is null'
    return (await admin.query<{ n: number }>(sql)).rows[0]?.n ?? 0
  }
  while ((await count()) > 0) await new Promise((resolve) => setImmediate(resolve))
  over.abort()
  await ended
}

interface Said {
  readonly acknowledged: readonly string[]
  /** In the order of each caller. */
  readonly tried: readonly string[]
}

/** @returns how many are there that nobody acknowledged */
async function check(
  store: PostgresStore,
  admin: pg.Client,
  { acknowledged, tried }: Said,
): Promise<number> {
  const { rows } = await admin.query<{ id: string }>('select id from public.rows')
  const log = await store.readAll().toArray()
  const ids = log.map(({ eventId }) => eventId)
  const committed = new Set(rows.map(({ id }) => id))
  assert.equal(new Set(ids).size, ids.length, 'each event once')
  assert.deepEqual(
    new Set(ids),
    committed,
    'an event for each row that was committed, and no other',
  )
  for (const id of acknowledged) assert.ok(committed.has(id), `${id} was acknowledged`)
  const place = new Map(tried.map((id, index) => [id, index]))
  const last = new Map<string, number>()
  for (const { eventId, aggregateId } of log) {
    const at = place.get(eventId) ?? -1
    assert.ok(at > (last.get(aggregateId) ?? -1), `in the order of their caller: ${eventId}`)
    last.set(aggregateId, at)
  }
  assert.deepEqual(await Array.fromAsync(store.catalog.verify()), [])
  const refused = await admin.query('select refused from tidings.deferred_appends')
  assert.deepEqual(refused.rows, [])
  return ids.length - acknowledged.length
}

export function describeAbsorbing({ kills, acknowledged, more }: AbsorbTotals): string {
  const hits = [...kills].map(([step, count]) => `${count} ${step}`).join(', ')
  return `killed while they appended what was left to them: ${hits}; ${acknowledged} acknowledged and there once, ${more} more committed and there once`
}
