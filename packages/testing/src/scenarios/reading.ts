import assert from 'node:assert/strict'
import type { EventReader, ReadOptions, ReadStreamOptions, Store, StoredEnvelope } from 'tidings'
import { assertSound, idsOf, refusal, scenario } from './expectations.ts'
import { appendOf, sampleEvent, sampleEvents } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const STREAM = 'Sample.Counter/1'

async function checkPage(
  reader: EventReader,
  wanted: readonly StoredEnvelope[],
  size: number,
): Promise<void> {
  const read: StoredEnvelope[] = []
  for await (const page of reader.pages()) {
    assert.ok(page.length <= size, `a page of ${page.length} events, but ${size} are the limit`)
    assert.ok(page.length > 0, 'a page holds an event')
    read.push(...page)
  }
  assert.deepEqual(idsOf(read), idsOf(wanted))
}

async function checkBoundaries({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const sizes = new Map([
    [100, [99, 100, 101]],
    [1000, [999, 1000, 1001]],
  ])
  let count = 0
  for (const [pageSize, counts] of sizes) {
    for (const target of counts) {
      await store.append([appendOf('any', ...sampleEvents(ids, STREAM, target - count))])
      count = target
      const stored = await store.readAll().toArray()
      assert.equal(stored.length, target, `all ${target} events are there`)
      const backwards = stored.toReversed()
      await checkPage(store.readAll({ pageSize }), stored, pageSize)
      await checkPage(store.readAll({ pageSize, reverse: true }), backwards, pageSize)
      await checkPage(store.readStream(STREAM, { pageSize }), stored, pageSize)
      await checkPage(store.readStream(STREAM, { pageSize, reverse: true }), backwards, pageSize)
      await checkPage(store.query({ stream: STREAM }, { pageSize }), stored, pageSize)
      await checkPage(
        store.query({ types: ['**'] }, { pageSize, reverse: true }),
        backwards,
        pageSize,
      )
    }
  }
  await checkPage(store.readAll(), await store.readAll().toArray(), 1000)
}

const STREAM_LENGTH = 23

async function checkStreamOptions({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  for (let n = 0; n < STREAM_LENGTH; n++) {
    await store.append([
      appendOf('any', sampleEvent(ids, { stream: STREAM })),
      appendOf('any', sampleEvent(ids, { stream: 'Sample.Counter/2' })),
    ])
  }
  const all = await store.readStream(STREAM).toArray()
  assert.equal(all.length, STREAM_LENGTH)
  for (const options of streamOptions()) {
    const { from = 1, to = 99, limit, reverse } = options
    const wanted = all.filter(({ streamVersion }) => streamVersion >= from && streamVersion <= to)
    if (reverse === true) wanted.reverse()
    const read = await store.readStream(STREAM, options).toArray()
    assert.deepEqual(idsOf(read), idsOf(wanted.slice(0, limit)), JSON.stringify(options))
  }
}

function streamOptions(): ReadStreamOptions[] {
  const limits = [undefined, 0, 1, 7, 8, 50]
  return [undefined, 1, 7, 8, 23, 24].flatMap((from) =>
    [undefined, 0, 1, 7, 22, 23, 99].flatMap((to) =>
      limits.flatMap((limit) =>
        [false, true].map((reverse) => ({ from, to, limit, reverse, pageSize: 7 })),
      ),
    ),
  )
}

async function checkLogOptions({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  for (let n = 0; n < STREAM_LENGTH; n++) {
    await store.append([appendOf('any', sampleEvent(ids, { stream: `Sample.Counter/${n % 4}` }))])
  }
  const all = await store.readAll().toArray()
  const head = await store.head()
  assert.equal(all.at(-1)?.position, head)
  const cursors = [
    undefined,
    0,
    all[0]?.position,
    all[6]?.position,
    all[7]?.position,
    head,
    head + 50,
  ]
  for (const reverse of [false, true]) {
    for (const after of cursors) {
      for (const limit of [undefined, 0, 1, 7, 8, 50]) {
        const options: ReadOptions = { after, limit, reverse, pageSize: 7 }
        const wanted = all.filter(
          ({ position }) => after === undefined || (reverse ? position < after : position > after),
        )
        if (reverse) wanted.reverse()
        const ordered = idsOf(wanted.slice(0, limit))
        assert.deepEqual(
          idsOf(await store.readAll(options).toArray()),
          ordered,
          JSON.stringify(options),
        )
        const matching = await store.query({ aggregateType: 'Sample.Counter' }, options).toArray()
        assert.deepEqual(idsOf(matching), ordered, `query ${JSON.stringify(options)}`)
      }
    }
  }
}

async function refuseOptions({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await store.append([appendOf('any', sampleEvent(ids))])
  const readers: [string, () => EventReader][] = []
  for (const bad of [-1, 1.5, Number.NaN]) {
    readers.push(
      [`readAll, limit ${bad}`, () => store.readAll({ limit: bad })],
      [`readAll, after ${bad}`, () => store.readAll({ after: bad })],
      [`readAll, pageSize ${bad}`, () => store.readAll({ pageSize: bad })],
      [`readStream, from ${bad}`, () => store.readStream(STREAM, { from: bad })],
      [`readStream, to ${bad}`, () => store.readStream(STREAM, { to: bad })],
      [`query, limit ${bad}`, () => store.query({}, { limit: bad })],
    )
  }
  readers.push(
    ['readAll, pageSize 0', () => store.readAll({ pageSize: 0 })],
    ['query, since', () => store.query({ since: 'yesterday' })],
    ['query, until', () => store.query({ until: '2026-02-31T00:00:00Z' })],
  )
  for (const [what, read] of readers) {
    await refusal((async () => read().toArray())(), 'TIDINGS_ARGUMENT_INVALID', what)
  }
}

async function checkReaderLife({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const events = sampleEvents(ids, STREAM, 25)
  await store.append([appendOf('any', ...events)])
  const readers = (): EventReader[] => [
    store.readAll({ pageSize: 10 }),
    store.readStream(STREAM, { pageSize: 10 }),
    store.query({ types: ['Sample.**'] }, { pageSize: 10 }),
  ]
  for (const reader of readers()) {
    await reader.toArray()
    const again = (async () => reader.toArray())()
    await refusal(again, 'TIDINGS_ARGUMENT_INVALID', 'a second iteration')
  }
  for (const reader of readers()) {
    const seen: string[] = []
    for await (const event of reader) {
      seen.push(event.eventId)
      if (seen.length === 12) break
    }
    assert.deepEqual(seen, idsOf(events.slice(0, 12)))
  }
  for (const reader of readers()) {
    const iterator = reader[Symbol.asyncIterator]()
    const results = await Promise.all(Array.from({ length: 27 }, () => iterator.next()))
    const values = results.flatMap((result) => (result.done === true ? [] : [result.value]))
    assert.deepEqual(
      idsOf(values),
      idsOf(events),
      'calls that do not wait for each other keep the order',
    )
  }
  await store.append([appendOf(25, sampleEvent(ids))])
}

/** A reader that is slow must cost no memory: it fetches a page only when the one before is used up. */
async function checkLaziness({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await store.append([appendOf('any', ...sampleEvents(ids, STREAM, 40))])
  const readers = [
    store.readAll({ pageSize: 10 }),
    store.readStream(STREAM, { pageSize: 10 }),
    store.query({ types: ['Sample.*.Increased'] }, { pageSize: 10 }),
  ]
  const started = await Promise.all(
    readers.map(async (reader) => {
      const iterator = reader[Symbol.asyncIterator]()
      await iterator.next()
      return iterator
    }),
  )
  const late = sampleEvents(ids, STREAM, 15)
  await store.append([appendOf(40, ...late)])
  for (const iterator of started) {
    const rest: StoredEnvelope[] = []
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      rest.push(next.value)
    }
    assert.equal(rest.length, 54, 'the pages were fetched after the append, so they hold it')
    assert.deepEqual(idsOf(rest.slice(-15)), idsOf(late))
  }
}

const HEAP_EVENTS = 100_000
const HEAP_LIMIT_BYTES = 40_000_000

/**
 * Reads 100 MB of payloads. Two pages of them are 2.4 MB; the limit leaves room for the runtime's own
 * noise, and is less than half of what a reader would need that kept what it read.
 */
async function checkHeap({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const text = 'x'.repeat(1000)
  for (let count = 0; count < HEAP_EVENTS; count += 1000) {
    const events = Array.from({ length: 1000 }, (_, n) =>
      sampleEvent(ids, {
        stream: `Sample.Counter/${count % 7000}`,
        payload: { n: count + n, text },
      }),
    )
    await store.append([appendOf('any', ...events)])
  }
  const collect = await garbageCollector()
  collect()
  const before = process.memoryUsage().heapUsed
  let count = 0
  let most = 0
  for await (const event of store.readAll()) {
    assert.equal((event.payload as { n: number }).n, count)
    count++
    if (count % 10_000 !== 0) continue
    collect()
    most = Math.max(most, process.memoryUsage().heapUsed - before)
  }
  assert.equal(count, HEAP_EVENTS)
  assert.ok(most < HEAP_LIMIT_BYTES, `reading held ${most} bytes, the limit is ${HEAP_LIMIT_BYTES}`)
}

/** The collector of this process, which is hidden unless it was started with a flag. */
async function garbageCollector(): Promise<() => void> {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

async function checkEmpty({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const unknown = sampleEvent(ids).envelope.eventId
  assert.equal(await store.head(), 0)
  assert.deepEqual(await store.readAll().toArray(), [])
  assert.deepEqual(await store.readAll({ reverse: true }).toArray(), [])
  assert.deepEqual(await store.readStream(STREAM).toArray(), [])
  assert.deepEqual(await store.readStream(STREAM, { reverse: true }).toArray(), [])
  assert.deepEqual(await store.query({}).toArray(), [])
  assert.equal(await store.findEvent(unknown), undefined)
  assert.equal(await store.commands.find(unknown), undefined)
  assert.deepEqual(await store.commands.byCorrelation(unknown), [])
  assert.equal(await store.snapshots.load(STREAM), undefined)
  assert.deepEqual(await store.contracts.list(), [])
  assert.deepEqual(await store.catalog.types(), [])
  assert.deepEqual(await store.catalog.streams(), [])
  const { bytes: _, ...stats } = await store.catalog.stats()
  assert.deepEqual(stats, {
    events: 0,
    streams: 0,
    types: 0,
    commands: 0,
    head: 0,
    firstRecordedAt: undefined,
    lastRecordedAt: undefined,
  })
  await assertSound(store)
}

async function checkFind(harness: StoreHarness): Promise<void> {
  const store: Store = await harness.open()
  const events = sampleEvents(harness.ids, STREAM, 5)
  await store.append([appendOf('any', ...events)])
  for (const stored of await store.readAll().toArray()) {
    assert.deepEqual(await store.findEvent(stored.eventId), stored)
  }
}

/** Reading streams and the whole log: each event once, in order, a page at a time. */
export const readingScenarios: readonly Scenario[] = [
  scenario('B19', 'a log with no event answers like one', checkEmpty),
  scenario('B20', 'page boundaries lose and repeat nothing', checkBoundaries),
  scenario('B21', 'a stream is read from, to, limited and backwards', checkStreamOptions),
  scenario('B22', 'the log is read after a position, limited and backwards', checkLogOptions),
  scenario('B23', 'options that no reading can have are refused', refuseOptions),
  scenario(
    'B24',
    'a reader is iterated once, left early without harm, and keeps the order',
    checkReaderLife,
  ),
  scenario('B25', 'a reader fetches only as fast as it is read', checkLaziness),
  scenario('B26', 'a reader of 100,000 events holds no more than a page or two', checkHeap, {
    needs: ['shared'],
    timeoutMs: 60_000,
  }),
  scenario('B27', 'an event is found by its id', checkFind),
]
