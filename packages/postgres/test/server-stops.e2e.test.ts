import { mkdtempSync, rmSync } from 'node:fs'
import { inspect } from 'node:util'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { postgres, type PostgresStore } from '@tidings/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { initServer, startServer, WITH_PASSWORD, type Server } from './kit/run-server.ts'
import { appendTo, makeEvent } from './kit/sample.ts'

const STOPS = 8
const APPLICATIONS = 3
const CALLERS = 4

const folder = mkdtempSync(join(tmpdir(), 'tidings-stops-'))
let server: Server

beforeAll(async () => {
  await initServer(folder)
  server = await startServer(folder)
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

interface Outcome {
  readonly id: string
  readonly acknowledged: boolean
  readonly withRow: boolean
}

/** Appends, alone and with a row of its own in a transaction, until it is told to end. */
async function call(
  store: PostgresStore,
  name: string,
  { ending, outcomes }: { readonly ending: AbortSignal; readonly outcomes: Outcome[] },
): Promise<void> {
  for (let n = 0; !ending.aborted; n++) {
    const event = makeEvent(name)
    const id = event.envelope.eventId
    const withRow = n % 3 === 0
    const work = withRow
      ? store.transaction(async (tx) => {
          await tx.sql`insert into rows values (${id}::uuid)`
          await tx.append([appendTo(name, event)])
        })
      : store.append([appendTo(name, event)])
    const acknowledged = await work.then(
      () => true,
      (error: unknown) => {
        // Nothing else may fail: a transaction is not repeated by itself, an append is.
        expect(error).toMatchObject({ code: 'TIDINGS_STORE_UNREACHABLE', retryable: true })
        expect(withRow, 'an append alone goes on when the server is back').toBe(true)
        return false
      },
    )
    outcomes.push({ id, acknowledged, withRow })
  }
}

/** What is there, asked of the server itself. */
async function look(): Promise<{ events: string[]; rows: string[] }> {
  const client = new pg.Client(server.url)
  await client.connect()
  try {
    const events = await client.query<{ id: string }>(
      'select event_id::text as id from tidings.event_log order by position',
    )
    const rows = await client.query<{ id: string }>('select id::text from rows')
    return { events: events.rows.map(({ id }) => id), rows: rows.rows.map(({ id }) => id) }
  } finally {
    await client.end()
  }
}

test(`a server that is stopped at once ${STOPS} times under load: what was acknowledged is there, what failed is not`, async () => {
  const stores = Array.from({ length: APPLICATIONS }, () =>
    postgres({ connection: server.url, reconnectLimitMs: 30_000 }),
  )
  await stores[0]?.transaction((tx) => tx.sql`create table rows (id uuid primary key)`)
  const ending = new AbortController()
  const outcomes: Outcome[] = []
  const calling = stores.flatMap((store, index) =>
    Array.from({ length: CALLERS }, (_, n) =>
      call(store, `${index}-${n}`, { ending: ending.signal, outcomes }),
    ),
  )
  const failed = Promise.all(calling)
  // Told below.
  failed.catch(() => undefined)
  for (let stop = 1; stop <= STOPS; stop++) {
    const before = outcomes.length
    await expect.poll(() => outcomes.length, { timeout: 30_000 }).toBeGreaterThan(before + 40)
    await server.stop()
    server = await startServer(folder)
  }
  const before = outcomes.length
  await expect.poll(() => outcomes.length, { timeout: 30_000 }).toBeGreaterThan(before + 40)
  ending.abort()
  await failed
  const { events, rows } = await look()
  const acknowledged = outcomes.filter((outcome) => outcome.acknowledged)
  expect(events).toHaveLength(acknowledged.length)
  expect(new Set(events)).toEqual(new Set(acknowledged.map(({ id }) => id)))
  const withRows = acknowledged.filter(({ withRow }) => withRow)
  expect(new Set(rows)).toEqual(new Set(withRows.map(({ id }) => id)))
  const lost = outcomes.length - acknowledged.length
  console.log(
    `${STOPS} stops: ${acknowledged.length} acknowledged and there, ${lost} failed and not there`,
  )
  expect(await Array.fromAsync(stores[0]?.catalog.verify() ?? [])).toEqual([])
  await Promise.all(stores.map((store) => store.close()))
})

test('a wrong password is refused, and none is in the error', async () => {
  const client = new pg.Client(server.url)
  await client.connect()
  await client.query(`create role ${WITH_PASSWORD} login password 'the right one'`)
  await client.query(`create schema guarded authorization ${WITH_PASSWORD}`)
  await client.end()
  const open = (password: string): PostgresStore => {
    const url = new URL(server.url)
    url.username = WITH_PASSWORD
    url.password = password
    return postgres({ connection: url.href, schema: 'guarded' })
  }
  const wrong = open('hunter2')
  const error: unknown = await wrong.open().catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'TIDINGS_STORE_REFUSED', retryable: false })
  expect(inspect(error, { depth: 10 })).not.toContain('hunter2')
  expect(wrong.location).not.toContain(WITH_PASSWORD)
  const right = open('the right one')
  await right.append([appendTo('1', makeEvent('1'))])
  expect(await right.head()).toBe(1)
  await Promise.all([right.close(), wrong.close()])
})
