import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { postgres, type PostgresStore } from '@tidings/postgres'
import { initServer, startServer, type Server } from './run-server.ts'
import { appendTo, makeEvent } from './sample.ts'

const APPLICATIONS = 3
const CALLERS = 4
/** Calls that end between two stops. */
const BETWEEN = 40

export interface StopTotals {
  readonly stops: number
  readonly acknowledged: number
  /** Of transactions, which are not repeated by themselves. */
  readonly failed: number
}

interface Outcome {
  readonly id: string
  readonly acknowledged: boolean
  readonly withRow: boolean
}

/** What callers and who stops the server know of each other. */
interface Load {
  readonly ending: AbortSignal
  readonly outcomes: Outcome[]
  readonly onOutcome: () => void
}

/**
 * Stops a server of its own at once (`immediate`) so many times while applications append, and counts.
 *
 * @throws {AssertionError} something acknowledged is missing, or something is there that failed
 */
export async function stopUnderLoad(stops: number): Promise<StopTotals> {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-stops-'))
  await initServer(folder)
  let server = await startServer(folder)
  try {
    const { url } = server
    const stores = Array.from({ length: APPLICATIONS }, () =>
      postgres({ connection: url, reconnectLimitMs: 30_000 }),
    )
    await stores[0]?.transaction((tx) => tx.sql`create table rows (id uuid primary key)`)
    const outcomes = await callWhile(stores, async (more) => {
      for (let stop = 1; stop <= stops; stop++) {
        await more()
        server = await restart(server, folder)
      }
      await more()
    })
    const totals = { stops, ...(await checkOutcomes(outcomes, url)) }
    const faults = await Array.fromAsync(stores[0]?.catalog.verify() ?? [])
    assert.deepEqual(faults, [], 'verify finds nothing')
    await Promise.all(stores.map((store) => store.close()))
    return totals
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
}

export function describeStops({ stops, acknowledged, failed }: StopTotals): string {
  return `the server stopped at once ${stops} times: ${acknowledged} acknowledged and there, ${failed} failed and not there`
}

async function restart(server: Server, folder: string): Promise<Server> {
  await server.stop()
  return startServer(folder)
}

/** @param work is handed a way to wait until more calls have ended */
async function callWhile(
  stores: readonly PostgresStore[],
  work: (more: () => Promise<void>) => Promise<void>,
): Promise<readonly Outcome[]> {
  const ending = new AbortController()
  const outcomes: Outcome[] = []
  let told: (() => void) | undefined
  const load = { ending: ending.signal, outcomes, onOutcome: () => told?.() }
  const calling = Promise.all(
    stores.flatMap((store, index) =>
      Array.from({ length: CALLERS }, (_, n) => call(store, `${index}-${n}`, load)),
    ),
  )
  const more = async (): Promise<void> => {
    const wanted = outcomes.length + BETWEEN
    await new Promise<void>((resolve) => {
      told = () => outcomes.length >= wanted && resolve()
    })
  }
  try {
    await Promise.race([work(more), calling])
  } finally {
    ending.abort()
  }
  await calling
  return outcomes
}

/** Appends, alone and with a row of its own in a transaction, until it is told to end. */
async function call(store: PostgresStore, name: string, load: Load): Promise<void> {
  for (let n = 0; !load.ending.aborted; n++) {
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
      (error: unknown) => requireUnreachable(error, withRow),
    )
    load.outcomes.push({ id, acknowledged, withRow })
    load.onOutcome()
  }
}

/** Nothing else may fail: a transaction is not repeated by itself, an append is. */
function requireUnreachable(error: unknown, withRow: boolean): false {
  const { code, retryable } = error as { readonly code?: unknown; readonly retryable?: unknown }
  assert.deepEqual(
    { code, retryable },
    { code: 'TIDINGS_STORE_UNREACHABLE', retryable: true },
    `only the server may fail: ${String(error)}`,
  )
  assert.ok(withRow, 'an append alone goes on when the server is back')
  return false
}

async function checkOutcomes(
  outcomes: readonly Outcome[],
  url: string,
): Promise<Pick<StopTotals, 'acknowledged' | 'failed'>> {
  const { events, rows } = await look(url)
  const acknowledged = outcomes.filter((outcome) => outcome.acknowledged)
  const ids = acknowledged.map(({ id }) => id)
  assert.deepEqual(events.toSorted(), ids.toSorted(), 'the events of what was acknowledged')
  const withRows = acknowledged.filter(({ withRow }) => withRow).map(({ id }) => id)
  assert.deepEqual(rows.toSorted(), withRows.toSorted(), 'the rows of what was acknowledged')
  return { acknowledged: ids.length, failed: outcomes.length - ids.length }
}

/** What is there, asked of the server itself. */
async function look(url: string): Promise<{ events: string[]; rows: string[] }> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const events = await client.query<{ id: string }>(
      'select event_id::text as id from tidings.event_log',
    )
    const rows = await client.query<{ id: string }>('select id::text from rows')
    return { events: events.rows.map(({ id }) => id), rows: rows.rows.map(({ id }) => id) }
  } finally {
    await client.end()
  }
}
