import { Socket } from 'node:net'
import { inspectServer, postgres, type AppendStep } from '@tidings/postgres'
import { seededRandom } from '@tidings/testing'
import type { ParkedEvent, SealedEvent, StreamAppend } from 'tidings'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

const AT = '2026-11-21T09:00:00.000Z'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase('odd')
})
afterAll(() => database.drop())

/** Parked of an event, by somebody whose error was no clean text. */
function parkedOf(eventId: string): ParkedEvent {
  const error = {
    name: 'Error',
    message: 'broke at a\0b \uD800',
    stack: 'Error: a\0b\n  at f (\uDC00)',
  }
  return {
    parkedId: 'parked-1',
    subscription: 'mail',
    generation: 1,
    key: '1',
    sequence: 1,
    position: 1,
    eventId,
    eventType: 'Sample.Counter.Increased',
    eventVersion: 1,
    correlationId: eventId,
    causationId: undefined,
    reason: 'failed',
    state: 'parked',
    dueAt: undefined,
    attempts: [{ at: AT, durationMs: 1, error }],
    attemptCount: 1,
    laterCount: 0,
    fingerprint: undefined,
    bytes: undefined,
    edited: undefined,
    redrives: 0,
    operationId: undefined,
    history: [],
    parkedAt: AT,
    changedAt: AT,
  }
}

test('what an error said is erased, also where it is no text that the database decodes', async () => {
  const store = postgres({ connection: database.url, schema: 'erased' })
  const event = makeEvent('1')
  await store.append([appendTo('1', event)])
  await store.transaction((tx) => tx.park([parkedOf(event.envelope.eventId)]))
  const request = { streams: ['Sample.Counter/1'], requestedBy: 'ada', reason: 'asked to' }
  expect(await store.retention.planErasure(request)).toMatchObject({ events: 1, parked: 1 })
  const { counts } = await store.retention.erase({ erasureId: 'erasure-1', ...request })
  expect(counts).toMatchObject({ events: 1, parked: 1 })
  const parked = await store.parked.find('parked-1')
  expect(JSON.stringify(parked)).not.toContain('broke at')
  await store.close()
})

test('a version that no column holds is a conflict as any other', async () => {
  const store = postgres({ connection: database.url, schema: 'version' })
  const append = { ...appendTo('1', makeEvent('1')), expectedVersion: 3_000_000_000 }
  await expect(store.append([append])).rejects.toMatchObject({
    code: 'TIDINGS_CONCURRENCY_CONFLICT',
    expected: 3_000_000_000,
    actual: 0,
  })
  await store.close()
})

test('a time with the greatest offset there is', async () => {
  const store = postgres({ connection: database.url, schema: 'times' })
  const at = '2026-11-22T08:59:00+23:59'
  await store.append([appendTo('1', makeEvent('1'))])
  await store.transaction((tx) => tx.park([parkedOf(makeEvent('1').envelope.eventId)]))
  expect(await store.parked.count({ since: at })).toBe(1)
  expect(await store.parked.count({ until: at })).toBe(0)
  expect(await store.retention.due({ before: at }, { limit: 1 })).toEqual([])
  await store.close()
})

test('each connection asks whether the server is still there, unless somebody says otherwise', async () => {
  const asked = vi.spyOn(Socket.prototype, 'setKeepAlive')
  const store = postgres({ connection: database.url, schema: 'alive' })
  await store.append([appendTo('1', makeEvent('1'))])
  await store.readAll().toArray()
  await store.close()
  expect(asked.mock.calls.length).toBeGreaterThan(1)
  for (const call of asked.mock.calls) expect(call).toEqual([true, 10_000])
  asked.mockClear()
  const connection = { connectionString: database.url, keepAliveInitialDelayMillis: 500 }
  const other = postgres({ connection, schema: 'alive' })
  await other.head()
  await other.close()
  expect(asked.mock.calls).toContainEqual([true, 500])
  asked.mockRestore()
})

test('a name that no index takes fails alone', async () => {
  const store = postgres({ connection: database.url, schema: 'names' })
  await store.open()
  const named = (id: string, eventType: string): StreamAppend => {
    const event = makeEvent(id)
    return appendTo(id, { ...event, envelope: { ...event.envelope, eventType } })
  }
  const answers = await Promise.allSettled([
    store.append([named('1', 'Sample.Counter.Renamed')]),
    store.append([named('2', `Sample.Counter.${incompressible(9000)}`)]),
    store.append([appendTo('3', makeEvent('3'))]),
  ])
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(answers[1]).toMatchObject({ reason: { code: 'TIDINGS_STORE_FAILED' } })
  await store.close()
})

/** A text that stays long however it is packed. */
function incompressible(length: number): string {
  const random = seededRandom(1)
  return Array.from({ length }, () => random.below(36).toString(36)).join('')
}

test('large payloads that wait together go in several statements', async () => {
  let statements = 0
  const onStep = (step: AppendStep): void => {
    if (step === 'before-append') statements++
  }
  const store = postgres({ connection: database.url, schema: 'large', onStep })
  await store.open()
  const text = 'x'.repeat(850_000)
  const large = (n: number): SealedEvent => ({
    ...makeEvent(`${n}`),
    payloadJson: JSON.stringify(text),
  })
  const appends = Array.from({ length: 40 }, (_, n) => store.append([appendTo(`${n}`, large(n))]))
  expect((await Promise.all(appends)).flat()).toHaveLength(40)
  expect(statements).toBe(3)
  await store.close()
})

test('a schema with a name of the greatest length, in letters of several bytes', async () => {
  const schema = 'ж'.repeat(31)
  const store = postgres({ connection: database.url, schema })
  await store.append([appendTo('1', makeEvent('1'))])
  await store.close()
  const { hearsMessages, schema: form } = await inspectServer({ connection: database.url, schema })
  expect(hearsMessages).toBe(true)
  expect(form?.number).toBeGreaterThan(0)
})
