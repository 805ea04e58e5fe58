import pg from 'pg'
import { postgres, type AppendStep, type PostgresStore } from '@tidings/postgres'
import type { Clock } from 'tidings'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openProxy, type Cut, type Proxy } from './kit/proxy.ts'
import { appendTo, makeEvent } from './kit/sample.ts'
import { createDatabase, type TestDatabase } from './kit/server.ts'

let database: TestDatabase
let proxy: Proxy
/** Through the proxy, and around it. */
let store: PostgresStore
let witness: PostgresStore
let schemas = 0

beforeAll(async () => {
  database = await createDatabase('cut')
  proxy = await openProxy(database.url)
})
afterAll(async () => {
  await proxy.close()
  await database.drop()
})
beforeEach(async () => {
  const schema = `log_${++schemas}`
  store = postgres({ connection: proxy.url, schema })
  witness = postgres({ connection: database.url, schema })
  // Names are known before, so that the first message cut is the append's own.
  await store.append([appendTo('first', makeEvent('first'))])
  return async () => {
    proxy.cutNothing()
    await store.close()
    await witness.close()
  }
})

const cuts: readonly Cut[] = ['request', 'answer']

describe.each(cuts)('a connection that is cut at the %s', (cut) => {
  test('of an append: it is acknowledged, and there once', async () => {
    const before = proxy.cuts
    const events = [makeEvent('1'), makeEvent('1')]
    proxy.cutNext(events[0]?.envelope.eventId ?? '', cut)
    const [result] = await store.append([appendTo('1', ...events)])
    expect(proxy.cuts).toBe(before + 1)
    expect(result?.repeated, 'the caller learns what it would have learnt').toBe(false)
    const stored = await witness.readStream('Sample.Counter/1').toArray()
    expect(stored.map(({ position }) => position)).toEqual(result?.positions)
  })

  test('of an append, three times over: it is tried again', async () => {
    const before = proxy.cuts
    const event = makeEvent('1')
    proxy.cutNext(event.envelope.eventId, cut, 3)
    const [result] = await store.append([appendTo('1', event)])
    expect(proxy.cuts).toBe(before + 3)
    expect(result).toMatchObject({ version: 1, repeated: false })
    expect(await witness.readStream('Sample.Counter/1').toArray()).toHaveLength(1)
  })

  test('of a group of appends: each has its own answer', async () => {
    const taken = makeEvent('taken')
    await store.append([appendTo('taken', taken)])
    const good = Array.from({ length: 10 }, (_, n) => makeEvent(`good-${n}`))
    const before = proxy.cuts
    proxy.cutNext(good[0]?.envelope.eventId ?? '', cut)
    const answers = await Promise.allSettled([
      ...good.map((event, n) => store.append([appendTo(`good-${n}`, event)])),
      store.append([{ ...appendTo('taken', makeEvent('taken')), expectedVersion: 7 }]),
      store.append([appendTo('taken', taken)]),
    ])
    expect(proxy.cuts).toBe(before + 1)
    const [conflict, repeat] = answers.splice(10)
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 'fulfilled',
        value: [{ version: 1, repeated: false }],
      })
    }
    expect(conflict).toMatchObject({ reason: { code: 'TIDINGS_CONCURRENCY_CONFLICT', actual: 1 } })
    expect(repeat).toMatchObject({ value: [{ repeated: true }] })
    expect(await witness.readAll().toArray()).toHaveLength(12)
  })

  test('of a command without events: it is recorded once', async () => {
    const command = {
      commandId: makeEvent('x').envelope.eventId,
      type: 'Sample.Counter.Increase',
      correlationId: makeEvent('x').envelope.eventId,
      causationId: undefined,
      actor: undefined,
      createdAt: '2026-11-21T09:00:00.000Z',
      requestHash: 'abc',
      outcome: 'done' as const,
      stream: undefined,
      streamVersion: undefined,
      firstPosition: undefined,
      lastPosition: undefined,
      result: undefined,
    }
    await store.commands.record({ ...command, commandId: makeEvent('x').envelope.eventId })
    const before = proxy.cuts
    proxy.cutNext(command.commandId, cut)
    await store.commands.record(command)
    expect(proxy.cuts).toBe(before + 1)
    expect(await witness.commands.find(command.commandId)).toEqual(command)
    await expect(store.commands.record(command)).rejects.toMatchObject({
      code: 'TIDINGS_COMMAND_ID_CONFLICT',
    })
  })

  test('of the COMMIT of a transaction with events: the answer is true', async () => {
    await store.transaction((tx) => tx.sql`create table rows (n integer)`.then(() => undefined))
    const event = makeEvent('1')
    const before = proxy.cuts
    proxy.cutNext('commit', cut)
    const [answer] = await Promise.allSettled([
      store.transaction(async (tx) => {
        await tx.sql`insert into rows values (1)`
        await tx.append([appendTo('1', event)])
      }),
    ])
    expect(proxy.cuts).toBe(before + 1)
    const rows = await witness.transaction((tx) => tx.sql`select n from rows`)
    const stored = await witness.readStream('Sample.Counter/1').toArray()
    expect(stored).toHaveLength(answer.status === 'fulfilled' ? 1 : 0)
    expect(rows).toHaveLength(answer.status === 'fulfilled' ? 1 : 0)
    expect(answer.status).toBe(cut === 'answer' ? 'fulfilled' : 'rejected')
    await witness.transaction((tx) => tx.sql`drop table rows`.then(() => undefined))
  })

  test('of a statement in a transaction: nothing is there, and the store goes on', async () => {
    const before = proxy.cuts
    proxy.cutNext('select 4711', cut)
    const answer = store.transaction(async (tx) => {
      await tx.append([appendTo('1', makeEvent('1'))])
      await tx.client.query('select 4711')
    })
    await expect(answer).rejects.toMatchObject({
      code: 'TIDINGS_STORE_UNREACHABLE',
      retryable: true,
    })
    expect(proxy.cuts).toBe(before + 1)
    expect(await witness.head()).toBe((await witness.readAll().toArray()).at(-1)?.position)
    expect(await witness.readStream('Sample.Counter/1').toArray()).toEqual([])
    await store.append([appendTo('2', makeEvent('2'))])
  })

  test('of a reading: it goes on', async () => {
    await store.append([appendTo('1', ...Array.from({ length: 30 }, () => makeEvent('1')))])
    const before = proxy.cuts
    const seen: number[] = []
    // Not prepared, so that each message says what it is.
    const reader = postgres({ connection: proxy.url, schema: `log_${schemas}`, prepare: false })
    for await (const { position } of reader.readAll({ pageSize: 10 })) {
      if (seen.length === 15) proxy.cutNext('event_log', cut)
      seen.push(position)
    }
    await reader.close()
    expect(proxy.cuts).toBe(before + 1)
    expect(seen).toHaveLength(31)
  })
})

test('of sixty appends, every tenth cut: each is acknowledged, and there once', async () => {
  const before = proxy.cuts
  const ids: string[] = []
  for (let round = 0; round < 6; round++) {
    const events = Array.from({ length: 10 }, (_, n) => makeEvent(`${n}`))
    ids.push(...events.map(({ envelope }) => envelope.eventId))
    proxy.cutNext(events[round]?.envelope.eventId ?? '', cuts[round % 2] as Cut)
    const results = await Promise.all(
      events.map((event, n) => store.append([appendTo(`${n}`, event)])),
    )
    expect(results.flat().map(({ version, repeated }) => ({ version, repeated }))).toEqual(
      events.map(() => ({ version: round + 1, repeated: false })),
    )
  }
  expect(proxy.cuts).toBe(before + 6)
  const log = (await witness.readAll().toArray()).map(({ eventId }) => eventId)
  expect(log.slice(1).toSorted(compare)).toEqual(ids.toSorted(compare))
})

function compare(a: string, b: string): number {
  return a < b ? -1 : 1
}

test('of appends to a server that is gone: all are told so when one is', async () => {
  const away = await openProxy(database.url)
  let nowMs = 0
  const clock: Clock = {
    now: () => nowMs,
    async sleep(delayMs) {
      nowMs += delayMs
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
  const schema = `log_${schemas}`
  const other = postgres({ connection: away.url, schema, clock, listen: false })
  await other.open()
  await away.close()
  const appends = Array.from({ length: 20 }, (_, n) =>
    other.append([appendTo(`${n}`, makeEvent(`${n}`))]),
  )
  for (const answer of await Promise.allSettled(appends)) {
    expect(answer).toMatchObject({ reason: { code: 'TIDINGS_STORE_UNREACHABLE' } })
  }
  expect(nowMs, 'it is tried for 5 seconds, not for 5 seconds each').toBeLessThan(20_000)
  await other.close()
})

test('of a transaction that stands still with the lock: appends of the same process go on', async () => {
  const options = { connection: database.url, schema: `log_${schemas}`, idleLimitMs: 50 }
  const standing = postgres(options)
  const [appended, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const still = standing.transaction(async (tx) => {
    await tx.append([appendTo('1', makeEvent('1'))])
    appended.resolve()
    await go.promise
  })
  await appended.promise
  await standing.append([appendTo('2', makeEvent('2'))])
  go.resolve()
  await expect(still).rejects.toMatchObject({ retryable: true })
  expect(await standing.readStream('Sample.Counter/1').toArray()).toEqual([])
  await standing.close()
})

test.each(cuts)(
  'at the %s of a name that is new: the append has its number all the same',
  async (cut) => {
    const before = proxy.cuts
    const event = makeEvent('1')
    const envelope = { ...event.envelope, eventType: 'Sample.Counter.Renamed' }
    proxy.cutNext('.event_types (name)', cut)
    const [result] = await store.append([appendTo('1', { ...event, envelope })])
    expect(proxy.cuts).toBe(before + 1)
    expect(result).toMatchObject({ version: 1, repeated: false })
    const stored = await witness.readStream('Sample.Counter/1').toArray()
    expect(stored.map(({ eventType }) => eventType)).toEqual([envelope.eventType])
  },
)

test('by the server since it lay idle: the append has another one', async () => {
  const message = 'terminating connection due to idle-session timeout'
  const ended = Object.assign(new pg.DatabaseError(message, 0, 'error'), { code: '57P05' })
  let appends = 0
  const onStep = (step: AppendStep): void => {
    if (step === 'before-append' && ++appends === 1) throw ended
  }
  const idle = postgres({ connection: database.url, schema: `log_${schemas}`, onStep })
  const [result] = await idle.append([appendTo('1', makeEvent('1'))])
  expect(result).toMatchObject({ version: 1, repeated: false })
  expect(appends).toBe(2)
  await idle.close()
})

test('whoever waits for more hears of it again after a cut', async () => {
  const head = await store.head()
  const before = proxy.cuts
  proxy.cutNext('listen', 'answer')
  const waiting = store.waitBeyond(head)
  await expect.poll(() => proxy.cuts).toBe(before + 1)
  await witness.append([appendTo('1', makeEvent('1'))])
  await waiting
  expect(await store.head()).toBeGreaterThan(head)
})
