import { postgres } from '@tidings/postgres'
import type { Committed, StoredEnvelope } from 'tidings'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase('handed')
})
afterAll(() => database.drop())

/** What a commit says, with its events made at once. */
type Told = Pick<Committed, 'after' | 'upTo'> & { readonly events: readonly StoredEnvelope[] }

function hear(store: ReturnType<typeof postgres>): Told[] {
  const told: Told[] = []
  store.onCommitted(({ after, upTo, events }) => told.push({ after, upTo, events: events() }))
  return told
}

const idsOf = (events: readonly StoredEnvelope[]): string[] => events.map(({ eventId }) => eventId)

test('each way to append tells what it has committed, before it is acknowledged', async () => {
  await using store = postgres({ connection: database.url, schema: 'ways' })
  const told = hear(store)
  const seen: number[] = []
  const [a, b, c, d, e] = ['1', '2', '3', '4', '1'].map((id) => makeEvent(id))
  await store.append([appendTo('1', a!)])
  seen.push(told.length)
  await store.append([appendTo('2', b!), appendTo('3', c!)])
  seen.push(told.length)
  await store.transaction(async (tx) => {
    await tx.append([appendTo('4', d!)])
    await tx.append([appendTo('1', e!)])
    expect(told).toHaveLength(2)
  })
  seen.push(told.length)
  expect(seen).toEqual([1, 2, 3])
  expect(told.map(({ events }) => idsOf(events))).toEqual([
    [a!.envelope.eventId],
    [b!, c!].map(({ envelope }) => envelope.eventId),
    [d!, e!].map(({ envelope }) => envelope.eventId),
  ])
  expect(told.flatMap(({ events }) => events)).toEqual(await store.readAll().toArray())
})

test('what another process appended, and a place that a rollback left empty, lie before what is told', async () => {
  const at = { connection: database.url, schema: 'between' }
  await using store = postgres(at)
  await using other = postgres(at)
  const told = hear(store)
  await store.append([appendTo('1', makeEvent('1'))])
  const [theirs] = await other.append([appendTo('2', makeEvent('2'))])
  const rolledBack = store.transaction(async (tx) => {
    await tx.append([appendTo('3', makeEvent('3'))])
    throw new Error('not wanted')
  })
  await expect(rolledBack).rejects.toThrow('not wanted')
  const [own] = await store.append([appendTo('1', makeEvent('1'))])
  expect(own!.positions[0]).toBe(theirs!.positions[0]! + 2)
  expect(told).toHaveLength(2)
  expect(told[1]).toMatchObject({ after: theirs!.positions[0], upTo: own!.positions[0] })
})

test('of a refused append nothing is told, and its neighbours in the statement are', async () => {
  await using store = postgres({ connection: database.url, schema: 'refused' })
  const told = hear(store)
  const appends = ['1', '2', '3'].map((id) => makeEvent(id))
  const outcomes = await Promise.allSettled(
    appends.map((event, index) =>
      store.append([
        { ...appendTo(`${index + 1}`, event), expectedVersion: index === 1 ? 7 : 'no-stream' },
      ]),
    ),
  )
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(told.flatMap(({ events }) => idsOf(events))).toEqual(
    [appends[0]!, appends[2]!].map(({ envelope }) => envelope.eventId),
  )
})
