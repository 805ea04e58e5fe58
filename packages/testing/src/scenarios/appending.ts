import assert from 'node:assert/strict'
import type { AppendResult, ExpectedVersion, SealedEvent, Store, StreamAppend } from 'tidings'
import {
  assertRising,
  conflict,
  idsOf,
  logIds,
  refusal,
  scenario,
  streamIds,
} from './expectations.ts'
import { appendOf, sampleEvent, sampleEvents } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

async function checkResults({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const one = sampleEvents(ids, 'Sample.Counter/one', 3)
  const two = sampleEvents(ids, 'Sample.Counter/two', 2)
  const results = await store.append([appendOf('any', ...one), appendOf('any', ...two)])
  assert.equal(
    await store.head(),
    results.at(-1)?.positions.at(-1),
    'the head is there at the answer',
  )
  assert.deepEqual(await logIds(store), idsOf([...one, ...two]), 'so are the events')
  assert.deepEqual(
    results.map(({ stream, version, repeated }) => ({ stream, version, repeated })),
    [
      { stream: 'Sample.Counter/one', version: 3, repeated: false },
      { stream: 'Sample.Counter/two', version: 2, repeated: false },
    ],
  )
  const stored = await store.readAll().toArray()
  assert.deepEqual(
    results.flatMap((result) => result.positions),
    stored.map((event) => event.position),
  )
  for (const { recordedAt } of results) {
    assert.match(recordedAt, ISO_TIME)
    assert.ok(stored.every((event) => event.recordedAt === recordedAt))
  }
}

/** Writers that each await their own appends; the order of each must be there, by stream and in the log. */
async function checkWriters(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const stream = 'Sample.Counter/shared'
  const writers = Array.from({ length: 8 }, () => sampleEvents(harness.ids, stream, 25))
  await Promise.all(
    writers.map(async (events) => {
      for (const event of events) await store.append([appendOf('any', event)])
    }),
  )
  const stored = await store.readStream(stream).toArray()
  assert.equal(stored.length, 200, 'every acknowledged event is there')
  assert.deepEqual(
    stored.map((event) => event.streamVersion),
    Array.from({ length: 200 }, (_, index) => index + 1),
  )
  assertRising(
    stored.map((event) => event.position),
    'positions within a stream',
  )
  assert.deepEqual(await logIds(store), idsOf(stored), 'the log has the order of the stream')
  for (const events of writers) {
    const mine = new Set(idsOf(events))
    assert.deepEqual(
      idsOf(stored).filter((id) => mine.has(id)),
      idsOf(events),
      "a writer's order",
    )
  }
}

async function checkCallOrder({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const events = Array.from({ length: 60 }, (_, index) =>
    sampleEvent(ids, { stream: `Sample.Counter/${index % 3}`, payload: { n: index } }),
  )
  await Promise.all(events.map((event) => store.append([appendOf('any', event)])))
  assert.deepEqual(await logIds(store), idsOf(events))
}

async function refuseMalformed({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const event = sampleEvent(ids)
  const other = sampleEvent(ids, { stream: 'Sample.Counter/2' })
  const slashed = sampleEvent(ids, { stream: 'Sample.Counter/2' })
  const home = appendOf('any', event)
  const wrong: [string, StreamAppend[]][] = [
    ['an append of nothing', []],
    ['an append without events', [{ ...home, events: [] }]],
    ['a stream twice', [home, appendOf('any', sampleEvent(ids))]],
    ['an id twice in a stream', [appendOf('any', event, event)]],
    [
      'an id twice in two streams',
      [
        home,
        appendOf(
          'any',
          sampleEvent(ids, { stream: 'Sample.Counter/3', eventId: event.envelope.eventId }),
        ),
      ],
    ],
    ['an event of another aggregate id', [{ ...home, events: [other] }]],
    ['a stream that is not named after its event', [{ ...home, stream: 'Sample.Counters/1' }]],
    [
      'an aggregate type with a slash',
      [{ stream: 'A/B/1', expectedVersion: 'any', events: [withHome(slashed, 'A/B', '1')] }],
    ],
    [
      'no aggregate id',
      [{ stream: 'A/', expectedVersion: 'any', events: [withHome(slashed, 'A', '')] }],
    ],
  ]
  for (const expected of [
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '1',
    'none',
    null,
    undefined,
  ]) {
    wrong.push([
      `the expected version ${String(expected)}`,
      [{ ...home, expectedVersion: expected as ExpectedVersion }],
    ])
  }
  for (const [what, appends] of wrong) {
    await refusal(store.append(appends), 'TIDINGS_ARGUMENT_INVALID', what)
    await refusal(
      store.transaction((tx) => tx.append(appends)),
      'TIDINGS_ARGUMENT_INVALID',
      `${what}, in a transaction`,
    )
  }
  assert.deepEqual(await logIds(store), [], 'nothing was stored')
}

function withHome(event: SealedEvent, aggregateType: string, aggregateId: string): SealedEvent {
  return { ...event, envelope: { ...event.envelope, aggregateType, aggregateId } }
}

async function checkAtomicity({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  await store.append([appendOf('no-stream', sampleEvent(ids, { stream: 'Sample.Counter/3' }))])
  const before = await logIds(store)
  const streams = ['Sample.Counter/1', 'Sample.Counter/2', 'Sample.Counter/3', 'Sample.Counter/4']
  for (const bad of [0, 1, 2, 3]) {
    const appends = streams.map((stream, index) => {
      const isThird = stream === 'Sample.Counter/3'
      const right = isThird ? 1 : 0
      return appendOf(index === bad ? right + 7 : right, ...sampleEvents(ids, stream, 2))
    })
    await conflict(store.append(appends), {
      stream: streams[bad] ?? '',
      expected: bad === 2 ? 8 : 7,
      actual: bad === 2 ? 1 : 0,
    })
    assert.deepEqual(
      await logIds(store),
      before,
      `nothing is left when stream ${bad + 1} of 4 is not as expected`,
    )
  }
  const whole = streams.map((stream) => appendOf('any', ...sampleEvents(ids, stream, 2)))
  await store.append(whole)
  assert.equal((await logIds(store)).length, 9, 'all of it is stored when all fits')
  assert.deepEqual(
    await Promise.all(streams.map(async (stream) => (await streamIds(store, stream)).length)),
    [2, 2, 3, 2],
  )
}

/** Appends of all kinds in one turn of the event loop, so that an adapter that groups them has to. */
async function checkNeighbours(harness: StoreHarness): Promise<void> {
  const { ids } = harness
  const store = await harness.open()
  const taken = sampleEvent(ids, { stream: 'Sample.Counter/taken' })
  await store.append([appendOf('any', taken)])
  const good: SealedEvent[] = []
  const answers: Promise<string>[] = []
  for (let round = 0; round < 10; round++) {
    const name = (kind: string): string => `Sample.Counter/${kind}-${round}`
    const fine = sampleEvent(ids, { stream: name('good') })
    const first = sampleEvent(ids, { stream: name('half') })
    const clash = sampleEvent(ids, { stream: name('clash'), eventId: taken.envelope.eventId })
    const late = sampleEvent(ids, { stream: name('late') })
    good.push(fine, late)
    answers.push(
      answerOf(store, appendOf('no-stream', fine)),
      // The first stream fits, the second does not.
      answerOf(
        store,
        appendOf('any', first),
        appendOf(5, sampleEvent(ids, { stream: name('other') })),
      ),
      answerOf(store, appendOf('any', sampleEvent(ids, { stream: name('clash') }), clash)),
      answerOf(store, appendOf('stream-exists', sampleEvent(ids, { stream: name('absent') }))),
      // Fits only because its neighbour `good` came before it in the same turn.
      answerOf(store, appendOf('any', late)),
      answerOf(store, appendOf('no-stream', sampleEvent(ids, { stream: name('good') }))),
      answerOf(store, appendOf('any', fine)),
    )
  }
  const expected = [
    'new',
    'TIDINGS_CONCURRENCY_CONFLICT',
    'TIDINGS_EVENT_ID_CONFLICT',
    'TIDINGS_CONCURRENCY_CONFLICT',
    'new',
    'TIDINGS_CONCURRENCY_CONFLICT',
    'repeat',
  ]
  assert.deepEqual(
    await Promise.all(answers),
    Array.from({ length: 10 }, () => expected).flat(),
    'each has its own answer',
  )
  assert.deepEqual(
    await logIds(store),
    idsOf([taken, ...good]),
    'and only the good ones are stored',
  )
}

async function answerOf(store: Store, ...appends: StreamAppend[]): Promise<string> {
  let results: readonly AppendResult[]
  try {
    results = await store.append(appends)
  } catch (error) {
    return (error as { code: string }).code
  }
  return results.every((result) => result.repeated) ? 'repeat' : 'new'
}

/** What an append answers, and that it is whole or not at all. */
export const appendingScenarios: readonly Scenario[] = [
  scenario(
    'B06',
    'concurrent writers all succeed, without holes, each in its own order',
    checkWriters,
  ),
  scenario(
    'B07',
    'appends that nobody waits for are stored in the order of the calls',
    checkCallOrder,
  ),
  scenario('B08', 'an answer says where the events are, once they are there', checkResults),
  scenario('B09', 'a malformed append is refused before anything is stored', refuseMalformed),
  scenario('B10', 'an append over several streams is stored whole or not at all', checkAtomicity),
  scenario('B11', 'a bad append never spoils those that come with it', checkNeighbours),
]
