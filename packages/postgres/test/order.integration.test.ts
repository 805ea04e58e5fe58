import { postgres, type PostgresStore } from '@tidings/postgres'
import { seededIds, seededRandom, type SeededRandom } from '@tidings/testing'
import { sealEnvelope, type IdSource, type LogFault, type SealedEvent, type Store } from 'tidings'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withoutLock } from './kit/broken-order.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

const WRITERS = 12
const ROUNDS = 25

function makeEvent(ids: IdSource, stream: string): SealedEvent {
  const eventId = ids.newId(Date.UTC(2026, 10, 21))
  return sealEnvelope(
    {
      eventId,
      eventType: 'Sample.Counter.Increased',
      eventVersion: 1,
      timestamp: '2026-11-21T09:00:00.000Z',
      aggregateType: 'Sample.Counter',
      aggregateId: stream,
      correlationId: eventId,
      payload: { by: 1 },
      metadata: {},
    },
    undefined,
  )
}

/** Goes on from the last position that it has seen, as a subscription does. */
async function consume(store: Store, seen: string[], writing: AbortSignal): Promise<void> {
  let after = 0
  const poll = async (): Promise<void> => {
    for await (const { eventId, position } of store.readAll({ after, pageSize: 20 })) {
      seen.push(eventId)
      after = position
    }
  }
  while (!writing.aborted) {
    await poll()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await poll()
}

interface Writer {
  readonly store: PostgresStore
  readonly name: string
  readonly ids: IdSource
  readonly random: SeededRandom
  /** One in three of its events is for a stream that all write to. */
  readonly shares: boolean
}

const abandoned = new Error('rolled back')

/** Some appends alone, some within transactions that commit late; one in ten is rolled back. */
async function write({ store, name, ids, random, shares }: Writer): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const events = Array.from({ length: 1 + random.below(3) }, () =>
      makeEvent(ids, shares && random.below(3) === 0 ? 'shared' : name),
    )
    const appends = Object.values(
      Object.groupBy(events, (event) => event.envelope.aggregateId),
    ).map((events = []) => ({
      stream: `Sample.Counter/${events[0]?.envelope.aggregateId}`,
      expectedVersion: 'any' as const,
      events,
    }))
    if (random.below(2) === 0) await store.append(appends)
    else await commitLate(store, appends, random).catch(expectAbandoned)
  }
}

function expectAbandoned(error: unknown): void {
  if (error !== abandoned) throw error
}

/** Delays before the append and behind it: the server waits, with the transaction open. */
async function commitLate(
  store: PostgresStore,
  appends: Parameters<Store['append']>[0],
  random: SeededRandom,
): Promise<void> {
  await store.transaction(async (tx) => {
    await tx.sql`select pg_sleep(${random.below(10) / 1000})`
    await tx.append(appends)
    await tx.sql`select pg_sleep(${random.below(5) / 1000})`
    if (random.below(10) === 0) throw abandoned
  })
}

interface Finding {
  readonly faults: readonly LogFault[]
  readonly log: readonly string[]
  readonly consumers: readonly (readonly string[])[]
}

/** Writers of six applications and readers of two others, all at once. */
async function run(schema: string, seed: number, shares: boolean): Promise<Finding> {
  const open = () => postgres({ connection: database.url, schema, connections: 6 })
  const stores = Array.from({ length: 8 }, open)
  const ids = seededIds(seed)
  const writing = new AbortController()
  const consumers: string[][] = [[], [], [], []]
  const consuming = consumers.map((seen, index) =>
    consume(stores[6 + (index % 2)] as Store, seen, writing.signal),
  )
  const writers = Array.from({ length: WRITERS }, (_, index) => ({
    store: stores[index % 6] as PostgresStore,
    name: `own-${index}`,
    ids,
    random: seededRandom(seed * 100 + index),
    shares,
  }))
  try {
    await Promise.all(writers.map(write))
  } finally {
    writing.abort()
    await Promise.all(consuming)
  }
  const log = (await (stores[0] as Store).readAll().toArray()).map(({ eventId }) => eventId)
  const faults = await Array.fromAsync((stores[0] as Store).catalog.verify())
  await Promise.all(stores.map((store) => store.close()))
  return { log, consumers, faults }
}

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase('order')
})
afterAll(() => database.drop())

describe('twelve writers of six applications, with delays and rollbacks', () => {
  test('readers see every event once, in the order of the log', async () => {
    const { log, consumers, faults } = await run('whole', 1, true)
    expect(faults).toEqual([])
    expect(log.length).toBeGreaterThan(WRITERS * ROUNDS * 0.9)
    expect(new Set(log).size).toBe(log.length)
    for (const seen of consumers) expect(seen).toEqual(log)
  })

  test('a log that trusts its sequence alone is found out', async () => {
    const store = postgres({ connection: database.url, schema: 'trusting' })
    await store.open()
    await store.close()
    await withoutLock(database.url, 'trusting')
    const { log, consumers } = await run('trusting', 2, false)
    const missed = consumers.map((seen) => log.length - seen.length)
    expect(Math.max(...missed), 'events that a reader has skipped').toBeGreaterThan(0)
  })
})
