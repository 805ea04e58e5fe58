import { expect, test } from 'vitest'
import {
  memoryStore,
  sealEnvelope,
  systemIds,
  type Committed,
  type CommitListener,
  type Store,
} from '../../src/index.ts'
import { LogTail, PAGE } from '../../src/delivery/log-tail.ts'
import { EVERYTHING } from '../../src/delivery/selection.ts'
import { withOverrides } from '../support/stores.ts'

/** A tail on a log, of whose commits it is told only what a test lets through. */
function open() {
  const inner = memoryStore()
  let listener: CommitListener | undefined
  let readings = 0
  let last: Committed | undefined
  inner.onCommitted((committed) => {
    last = committed
    if (log.tells) listener?.(committed)
  })
  const store: Store = withOverrides(inner, {
    onCommitted(given) {
      listener = given
      return () => (listener = undefined)
    },
    readAll(options) {
      readings++
      const reader = inner.readAll(options)
      return withOverrides(reader, {
        async toArray() {
          await log.held
          return reader.toArray()
        },
      })
    },
  })
  const log = {
    store,
    tail: new LogTail(store),
    /** Whether the tail is told of commits. */
    tells: true,
    /** What readings wait for. */
    held: Promise.resolve(),
    async append(count: number): Promise<void> {
      const events = Array.from({ length: count }, () => sample())
      await inner.append([{ stream: 'Test.Thing/1', expectedVersion: 'any', events }])
    },
    /** Tells of the newest commit again. */
    tellAgain: () => listener?.(last!),
    readings: () => readings,
    isHeard: () => listener !== undefined,
  }
  return log
}

function sample() {
  const eventId = systemIds.newId(0)
  return sealEnvelope(
    {
      eventId,
      eventType: 'Test.Thing.Done',
      eventVersion: 1,
      timestamp: '2026-11-29T00:00:00.000Z',
      aggregateType: 'Test.Thing',
      aggregateId: '1',
      correlationId: eventId,
      payload: { n: 1 },
      metadata: {},
    },
    undefined,
  )
}

const positionsOf = (page: { events: readonly { position: number }[] } | undefined) =>
  page?.events.map(({ position }) => position)

test('what is passed on may stay text, what is handled is parsed; a full page asks not where the log ends', async () => {
  const asked: unknown[] = []
  const inner = memoryStore()
  const store = withOverrides(inner, {
    head() {
      asked.push('head')
      return inner.head()
    },
    readAll(options) {
      asked.push(options?.payloadsAsText)
      return inner.readAll(options)
    },
  })
  const events = [sample(), sample()]
  await inner.append([{ stream: 'Test.Thing/1', expectedVersion: 'any', events }])
  const tail = new LogTail(store)
  expect(await tail.read(0, EVERYTHING, 1)).toMatchObject({ events: [{}], upTo: 1 })
  expect(asked.splice(0)).toEqual(['head', true])
  expect(await tail.read(0, { ...EVERYTHING, passesOn: false }, 2)).toMatchObject({ upTo: 2 })
  expect(asked.splice(0)).toEqual([false])
  // It is shorter than was asked for: what came since the reading is not in it.
  expect(await tail.read(1, EVERYTHING, 2)).toMatchObject({ events: [{}], upTo: 2 })
  expect(asked.splice(0)).toEqual([true, 'head', true])
  tail.end()
})

/** Reads to the end, and waits there. */
async function atEnd({ tail }: ReturnType<typeof open>, after: number) {
  expect(await tail.read(after, EVERYTHING)).toEqual({ events: [], upTo: after })
  return begin(tail, after)
}

function begin(tail: LogTail, after: number) {
  const stopping = new AbortController()
  let isWoken = false
  const waiting = tail.wait(after, stopping.signal).then(() => (isWoken = true))
  return { stopping, waiting, isWoken: () => isWoken }
}

test('what follows the log is handed over to whoever waits, and is not read', async () => {
  const log = open()
  const { waiting } = await atEnd(log, 0)
  const before = log.readings()
  await log.append(2)
  await waiting
  expect(positionsOf(log.tail.known(0))).toEqual([1, 2])
  expect(positionsOf(log.tail.known(1))).toEqual([2])
  expect(await log.tail.read(2, EVERYTHING)).toEqual({ events: [], upTo: 2 })
  expect(log.readings()).toBe(before)
  expect(log.tail.known(0)!.events).toEqual(await log.store.readAll().toArray())
})

test('what comes behind a hole is read, with what is in the hole', async () => {
  const log = open()
  const { waiting } = await atEnd(log, 0)
  log.tells = false
  const hidden = log.append(1)
  log.tells = true
  await Promise.all([hidden, log.append(1), waiting])
  expect(log.tail.known(0)).toBeUndefined()
  expect(positionsOf(await log.tail.read(0, EVERYTHING))).toEqual([1, 2])
})

test('the commit of another process behind one that was handed over is found', async () => {
  const log = open()
  const { waiting } = await atEnd(log, 0)
  await Promise.all([log.append(1), waiting])
  log.tells = false
  await log.append(1)
  const second = await atEnd(log, 1)
  await second.waiting
  expect(positionsOf(await log.tail.read(1, EVERYTHING))).toEqual([2])
})

test('while nobody waits nothing is kept: the next reading takes all of it at once', async () => {
  const log = open()
  const { waiting } = await atEnd(log, 0)
  await Promise.all([log.append(1), waiting])
  for (let n = 0; n < 5; n++) await log.append(1)
  expect(log.tail.known(1)).toBeUndefined()
  const second = await atEnd(log, 1)
  await second.waiting
  expect(positionsOf(await log.tail.read(1, EVERYTHING))).toEqual([2, 3, 4, 5, 6])
})

test('a commit of more than a page is read page by page', async () => {
  const log = open()
  const { waiting } = await atEnd(log, 0)
  await Promise.all([log.append(PAGE + 1), waiting])
  expect(log.tail.known(0)).toBeUndefined()
  expect((await log.tail.read(0, EVERYTHING)).events).toHaveLength(PAGE)
  expect(positionsOf(await log.tail.read(PAGE, EVERYTHING))).toEqual([PAGE + 1])
})

test('what is handed over while it is read comes once', async () => {
  const log = open()
  await atEnd(log, 0)
  const second = begin(log.tail, 0)
  const { promise, resolve } = Promise.withResolvers<void>()
  log.held = promise
  const reading = log.tail.read(0, EVERYTHING)
  await Promise.all([log.append(1), second.waiting])
  log.tells = false
  await log.append(1)
  resolve()
  expect(positionsOf(await reading)).toEqual([1])
  expect(positionsOf(log.tail.known(0))).toEqual([1])
  expect(positionsOf(log.tail.known(1))).toEqual([2])
  expect(await log.tail.read(2, EVERYTHING)).toEqual({ events: [], upTo: 2 })
})

test('what is told twice changes nothing', async () => {
  const log = open()
  const { waiting } = await atEnd(log, 0)
  await Promise.all([log.append(2), waiting])
  const second = await atEnd(log, 2)
  log.tellAgain()
  await log.append(1)
  await second.waiting
  expect(positionsOf(log.tail.known(0))).toEqual([1, 2])
  expect(positionsOf(log.tail.known(2))).toEqual([3])
})

test('whoever stops waits no longer; an error of the store reaches all who wait', async () => {
  const log = open()
  const { stopping, waiting } = await atEnd(log, 0)
  const reason = new Error('stopped')
  stopping.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  expect(() => log.tail.wait(0, stopping.signal)).toThrow(reason)
  const others = [begin(log.tail, 0), begin(log.tail, 0)]
  const refused = others.map((other) =>
    expect(other.waiting).rejects.toMatchObject({ code: 'TIDINGS_CLOSED' }),
  )
  await log.store.close()
  await Promise.all(refused)
})

test('a tail that has ended hears nothing more', () => {
  const log = open()
  expect(log.isHeard()).toBe(true)
  log.tail.end()
  expect(log.isHeard()).toBe(false)
})
