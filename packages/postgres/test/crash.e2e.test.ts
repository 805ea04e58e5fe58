import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { postgres, type AppendStep } from '@tidings/postgres'
import { seededRandom } from '@tidings/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

const KILLS = 30
const steps: readonly AppendStep[] = ['before-append', 'appended', 'before-commit', 'acknowledged']

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase('crash')
})
afterAll(() => database.drop())

interface Life {
  readonly signal: string | null
  readonly lines: readonly string[]
  readonly errors: string
}

async function live(name: string, step: AppendStep, count: number): Promise<Life> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@tidings/source',
      join(import.meta.dirname, 'kit/writer.child.ts'),
      database.url,
      name,
      step,
      String(count),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const ended = new Promise<string | null>((resolve) =>
    child.once('close', (_, signal) => resolve(signal)),
  )
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { signal: await ended, lines: output.split('\n').filter((line) => line !== ''), errors }
}

test(`${KILLS} writers killed at the steps of an append: nothing acknowledged is lost, nothing is there in part`, async () => {
  const store = postgres(database.url)
  await store.transaction((tx) => tx.sql`create table public.rows (id uuid primary key)`)
  const random = seededRandom(6)
  const kills = new Map(steps.map((step) => [step, 0]))
  const said: string[] = []
  // Two at a time, so that each finds what the death of the other has left.
  for (let kill = 0; kill < KILLS; kill += 2) {
    const lives = await Promise.all(
      [kill, kill + 1].map((n) => {
        const step = steps[n % steps.length] as AppendStep
        kills.set(step, (kills.get(step) ?? 0) + 1)
        return live(`writer-${n}`, step, 1 + random.below(12))
      }),
    )
    for (const { signal, lines, errors } of lives) {
      expect(errors).toBe('')
      expect(signal).toBe('SIGKILL')
      said.push(...lines)
    }
  }
  const idsOf = (word: string): string[] =>
    said.filter((line) => line.startsWith(word)).map((line) => line.slice(word.length + 1))
  const [tried, acknowledged] = [new Set(idsOf('try')), idsOf('ack')]
  // Whoever appends next waits for what the dead have left on the server, if there is any.
  await store.append([
    { stream: 'Sample.Counter/last', expectedVersion: 'no-stream', events: [makeEvent('last')] },
  ])
  const events = (await store.readAll().toArray()).slice(0, -1).map(({ eventId }) => eventId)
  const there = new Set(events)
  expect(there.size).toBe(events.length)
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([])
  expect(events.filter((id) => !tried.has(id))).toEqual([])
  expect(await rowsWithoutEvent()).toEqual([])
  expect(await Array.fromAsync(store.catalog.verify())).toEqual([])
  await store.close()
  const hits = [...kills].map(([step, count]) => `${count} ${step}`).join(', ')
  console.log(
    `kills: ${hits}; ${acknowledged.length} acknowledged and there, ${events.length - acknowledged.length} more there of ${tried.size} tried`,
  )
  expect(acknowledged.length).toBeGreaterThan(KILLS)
})

/** Own rows whose event is not there; an event alone has no row, so the other way round says nothing. */
async function rowsWithoutEvent(): Promise<unknown[]> {
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string }>(
      'select id from public.rows r where not exists (select from tidings.event_log e where e.event_id = r.id)',
    )
    return rows
  } finally {
    await client.end()
  }
}
