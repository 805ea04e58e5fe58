import assert from 'node:assert/strict'
import type { AppendResult, ExpectedVersion, SealedEvent, Store, StreamAppend } from 'tidings'
import { idsOf, logIds, refusal, scenario } from './expectations.ts'
import { appendOf, sampleEvent, sampleEvents } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const expectations: readonly ExpectedVersion[] = [
  'any',
  'no-stream',
  'stream-exists',
  0,
  1,
  2,
  3,
  99,
]

function asRepeated(results: readonly AppendResult[]): AppendResult[] {
  return results.map((result) => ({ ...result, repeated: true }))
}

async function repeatWhole({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const stream = 'Sample.Counter/1'
  const events = sampleEvents(ids, stream, 3)
  const first = await store.append([appendOf('no-stream', ...events)])
  for (const expected of expectations) {
    const again = await store.append([appendOf(expected, ...events)])
    assert.deepEqual(again, asRepeated(first), `the first result, though ${expected} is expected`)
    assert.equal((await logIds(store)).length, 3, 'nothing is written')
  }
  await store.append([appendOf('any', sampleEvent(ids, { stream: 'Sample.Counter/2' }))])
  await store.append([appendOf(3, sampleEvent(ids, { stream }))])
  for (const expected of expectations) {
    const again = await store.append([appendOf(expected, ...events)])
    assert.deepEqual(again, asRepeated(first), `the first result, though the stream has moved on`)
    const inside = await store.transaction((tx) => tx.append([appendOf(expected, ...events)]))
    assert.deepEqual(inside, asRepeated(first), 'the first result in a transaction too')
  }
  assert.equal((await logIds(store)).length, 5, 'nothing is there twice')
}

async function repeatParts({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const events = sampleEvents(ids, 'Sample.Counter/1', 4)
  const [first] = await store.append([appendOf('any', ...events)])
  const again = await store.append([appendOf(0, ...events.slice(1, 3))])
  assert.deepEqual(again, [
    {
      stream: 'Sample.Counter/1',
      version: 3,
      positions: first?.positions.slice(1, 3),
      recordedAt: first?.recordedAt,
      repeated: true,
    },
  ])
}

async function refuseClashes({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const stream = 'Sample.Counter/1'
  const known = sampleEvents(ids, stream, 3) as [SealedEvent, SealedEvent, SealedEvent]
  const elsewhere = sampleEvent(ids, { stream: 'Sample.Counter/2' })
  await store.append([appendOf('any', ...known)])
  await store.append([appendOf('any', elsewhere)])
  const before = await logIds(store)
  const fresh = (): SealedEvent => sampleEvent(ids, { stream })
  const moved = (event: SealedEvent, to: string): SealedEvent =>
    sampleEvent(ids, { stream: to, eventId: event.envelope.eventId })
  const clashes: [string, StreamAppend[], SealedEvent][] = [
    ['a known id and then a new one', [appendOf('any', known[2], fresh())], known[2]],
    ['a new id and then a known one', [appendOf('any', fresh(), known[0])], known[0]],
    ['the known ids in another order', [appendOf('any', known[1], known[0])], known[1]],
    ['the known ids with a gap', [appendOf('any', known[0], known[2])], known[0]],
    [
      'a known id in another stream',
      [appendOf('any', moved(known[0], 'Sample.Counter/3'))],
      known[0],
    ],
    ['ids of two streams', [appendOf('any', known[0], moved(elsewhere, stream))], elsewhere],
    [
      'one stream known, one new',
      [
        appendOf('any', ...known),
        appendOf('any', sampleEvent(ids, { stream: 'Sample.Counter/4' })),
      ],
      known[0],
    ],
  ]
  for (const [what, appends, culprit] of clashes) {
    for (const expectedVersion of ['any', 3, 7] as const) {
      const given = appends.map((append) => ({ ...append, expectedVersion }))
      const error = await refusal(store.append(given), 'TIDINGS_EVENT_ID_CONFLICT', what)
      const { aggregateType, aggregateId, eventId } = culprit.envelope
      const facts = error as unknown as {
        eventId: string
        foundStream: string
        foundVersion: number
      }
      assert.equal(facts.eventId, eventId, `${what}: the id`)
      const home = culprit === elsewhere ? elsewhere.envelope : { aggregateType, aggregateId }
      assert.equal(
        facts.foundStream,
        `${home.aggregateType}/${home.aggregateId}`,
        `${what}: where it is`,
      )
      assert.equal(error.retryable, false, 'trying again cannot help')
    }
  }
  assert.deepEqual(await logIds(store), before, 'nothing was stored')
}

async function repeatSeveral({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const appends = ['1', '2', '3'].map((id) =>
    appendOf('no-stream', ...sampleEvents(ids, `Sample.Counter/${id}`, 2)),
  )
  const first = await store.append(appends)
  assert.deepEqual(await store.append(appends), asRepeated(first))
  const turned = await store.append(appends.toReversed())
  assert.deepEqual(turned, asRepeated(first).reverse(), 'streams have no order among themselves')
  assert.deepEqual(await store.append(appends.slice(1, 2)), asRepeated(first.slice(1, 2)))
  assert.equal((await logIds(store)).length, 6)
}

async function repeatAtOnce({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const events = sampleEvents(ids, 'Sample.Counter/1', 2)
  for (const expected of ['any', 'no-stream'] as const) {
    const stream = `Sample.Counter/${expected}`
    const same = events.map((_, n) => sampleEvent(ids, { stream, payload: { n } }))
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => store.append([appendOf(expected, ...same)])),
    )
    const [results] = answers.filter(([result]) => result?.repeated === false)
    assert.equal(answers.filter(([result]) => result?.repeated === true).length, 11)
    for (const answer of answers) assert.deepEqual(asRepeated(answer), asRepeated(results ?? []))
    assert.deepEqual(idsOf(await store.readStream(stream).toArray()), idsOf(same))
  }
}

async function contestId({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const { eventId } = sampleEvent(ids).envelope
  const rivals = Array.from({ length: 12 }, (_, n) =>
    sampleEvent(ids, { stream: `Sample.Counter/${n}`, eventId }),
  )
  const answers = await Promise.allSettled(
    rivals.map((event) => store.append([appendOf('any', event)])),
  )
  const lost = answers.filter((answer) => answer.status === 'rejected')
  assert.equal(lost.length, 11, 'one of the rivals is stored')
  for (const { reason } of lost) {
    assert.equal((reason as { code: string }).code, 'TIDINGS_EVENT_ID_CONFLICT')
  }
  await expectOnce(store, eventId)
}

async function expectOnce(store: Store, eventId: string): Promise<void> {
  const all = await logIds(store)
  assert.equal(all.filter((id) => id === eventId).length, 1, `event ${eventId} is there once`)
}

async function freeIds({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const event = sampleEvent(ids)
  await refusal(
    store.append([appendOf(4, event)]),
    'TIDINGS_CONCURRENCY_CONFLICT',
    'a wrong version',
  )
  const [result] = await store.append([appendOf('no-stream', event)])
  assert.equal(result?.repeated, false, 'what was refused has left nothing that could be repeated')
  assert.deepEqual(await logIds(store), [event.envelope.eventId])
}

/** Ids are looked at before versions: a repeat is harmless, a clash is refused. */
export const repeatingScenarios: readonly Scenario[] = [
  scenario(
    'B12',
    'a repeated append gets the first result and writes nothing, whatever it expects',
    repeatWhole,
  ),
  scenario('B13', 'a part of an append is a repeat where its events stand together', repeatParts),
  scenario('B14', 'known ids in another order, place or company are refused', refuseClashes),
  scenario('B15', 'an append over several streams is repeated as a whole', repeatSeveral),
  scenario('B16', 'the same append by many at once is stored once', repeatAtOnce),
  scenario('B17', 'one id for many streams at once is stored once', contestId),
  scenario('B18', 'a refused append leaves its ids free', freeIds),
]
