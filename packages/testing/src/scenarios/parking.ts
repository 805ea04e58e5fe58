import assert from 'node:assert/strict'
import type { ParkedEvent, ParkedState, Store } from 'tidings'
import { scenario } from './expectations.ts'
import { minutesLater, parkedIds, sampleParked, SUBSCRIPTION } from './sample-delivery.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

function park(store: Store, ...events: readonly ParkedEvent[]): Promise<void> {
  return store.transaction((tx) => tx.park(events))
}

async function keepWhole({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const failed = sampleParked(ids, { dueAt: 1_763_000_000_000, causationId: ids.newId(1) })
  const behind = sampleParked(ids, {
    key: '键 "k"',
    sequence: Number.MAX_SAFE_INTEGER,
    position: undefined,
    reason: 'behind',
    attempts: [],
    attemptCount: 0,
    fingerprint: undefined,
    bytes: undefined,
  })
  const empty = sampleParked(ids, { bytes: new Uint8Array(0), edited: '{"by":2}' })
  await park(store, failed, behind, empty)
  for (const event of [failed, behind, empty]) {
    assert.deepEqual(await store.parked.find(event.parkedId), event, 'to the last field')
  }
  assert.equal(await store.parked.find('nobody'), undefined)
  const bytes = Buffer.from([1, 2, 3])
  const buffered = sampleParked(ids, { bytes })
  await park(store, buffered)
  bytes[0] = 9
  const found = await store.parked.find(buffered.parkedId)
  assert.deepEqual(found?.bytes, new Uint8Array([1, 2, 3]), 'the bytes as they were handed over')
  found?.bytes?.fill(0)
  const again = await store.parked.find(buffered.parkedId)
  assert.deepEqual(again?.bytes, new Uint8Array([1, 2, 3]), 'whatever a reader does to its own')
}

async function replaceWhole({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const event = sampleParked(ids)
  await park(store, event, sampleParked(ids))
  await park(store, event)
  assert.equal(await store.parked.count({}), 2, 'parked twice is parked once')
  const second = { at: minutesLater(9), durationMs: 0, error: { name: 'TypeError', message: '' } }
  const changed: ParkedEvent = {
    ...event,
    state: 'redriving',
    dueAt: 1_763_000_000_000,
    attempts: [...event.attempts, second],
    attemptCount: 12,
    laterCount: 2,
    fingerprint: 'f2',
    edited: '{"by":7}',
    redrives: 1,
    operationId: ids.newId(1),
    history: [
      ...event.history,
      { at: minutesLater(9), by: 'ann', what: 'redriven', reason: 'mended', operationId: 'o1' },
    ],
    changedAt: minutesLater(9),
  }
  await park(store, changed)
  assert.deepEqual(await store.parked.find(event.parkedId), changed, 'each field as it is now')
  const last: ParkedEvent = { ...changed, state: 'resolved', dueAt: undefined, edited: undefined }
  await park(store, { ...changed, redrives: 5 }, last)
  assert.deepEqual(await store.parked.find(event.parkedId), last, 'the last one of a transaction')
  assert.equal(await store.parked.count({}), 2)
}

async function order({ open, ids, random }: StoreHarness): Promise<void> {
  const store = await open()
  const events = [
    sampleParked(ids, { subscription: 'a', generation: 1, sequence: 9 }),
    sampleParked(ids, { subscription: 'a', generation: 2, sequence: 3 }),
    sampleParked(ids, { subscription: 'a', generation: 10, sequence: 1 }),
    ...[2, 10, 300].map((sequence) => sampleParked(ids, { subscription: 'b', sequence })),
    ...parkedWithSameSequence(ids),
    sampleParked(ids, { subscription: '�' }),
    sampleParked(ids, { subscription: '🚀' }),
  ]
  await park(store, ...random.shuffle(events))
  const all = await store.parked.list({})
  assert.deepEqual(parkedIds(all), parkedIds(events), 'subscription, generation, sequence, id')
  for (const limit of [1, 2, 3, events.length - 1, events.length, events.length + 1]) {
    assert.deepEqual(await pages(store, {}, limit), parkedIds(events), `in pages of ${limit}`)
  }
  const ofB = events.filter(({ subscription }) => subscription === 'b')
  const ofA2 = events.slice(1, 2)
  assert.deepEqual(await pages(store, { subscription: 'b' }, 1), parkedIds(ofB))
  assert.deepEqual(await pages(store, { subscription: 'a', generation: 2 }, 1), parkedIds(ofA2))
  assert.deepEqual(await store.parked.list({}, { limit: 0 }), [])
  const behind = { after: events.at(-1) as ParkedEvent }
  assert.deepEqual(await store.parked.list({}, behind), [], 'nothing behind the last one')
  assert.deepEqual(
    parkedIds(await store.parked.list({ subscription: 'b' }, { after: events[0] })),
    parkedIds(ofB),
    'behind one that is not in the filter',
  )
}

function parkedWithSameSequence(ids: StoreHarness['ids']): ParkedEvent[] {
  const twins = Array.from({ length: 3 }, () =>
    sampleParked(ids, { subscription: 'c', sequence: 5 }),
  )
  return twins.sort((a, b) => (a.parkedId < b.parkedId ? -1 : 1))
}

/** All of a list, page by page. */
async function pages(
  store: Store,
  filter: { subscription?: string; generation?: number },
  limit: number,
): Promise<string[]> {
  const seen: ParkedEvent[] = []
  for (;;) {
    const page = await store.parked.list(filter, { after: seen.at(-1), limit })
    assert.ok(page.length <= limit)
    seen.push(...page)
    if (page.length < limit) return parkedIds(seen)
  }
}

async function heads({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const at = (key: string, sequence: number, state: ParkedState = 'parked'): ParkedEvent =>
    sampleParked(ids, { key, sequence, state })
  const a = [at('a', 8, 'resolved'), at('a', 20), at('a', 30), at('a', 25, 'discarded')]
  const b = [at('b', 40), at('b', 12, 'redriving')]
  const c = [at('c', 1, 'resolved')]
  const other = sampleParked(ids, { key: 'a', generation: 2, sequence: 1 })
  const elsewhere = sampleParked(ids, { key: 'a', subscription: 'elsewhere', sequence: 1 })
  await park(store, ...a, ...b, ...c, other, elsewhere)
  const headOf = (key: string) => store.parked.head(SUBSCRIPTION, 1, key)
  assert.deepEqual(await headOf('a'), a[1])
  assert.deepEqual(await headOf('b'), b[1], 'one that is redriven is unfinished')
  assert.equal(await headOf('c'), undefined)
  assert.deepEqual(await store.parked.head(SUBSCRIPTION, 2, 'a'), other)
  const toHead = ({ parkedId, sequence, state, dueAt, reason }: ParkedEvent) => ({
    parkedId,
    sequence,
    state,
    dueAt,
    reason,
  })
  assert.deepEqual(
    await store.parked.keys(SUBSCRIPTION, 1),
    [
      { key: 'b', count: 2, head: toHead(b[1] as ParkedEvent) },
      { key: 'a', count: 2, head: toHead(a[1] as ParkedEvent) },
    ],
    'in order of their heads',
  )
  await park(store, { ...(b[1] as ParkedEvent), state: 'resolved' })
  await park(store, { ...(a[1] as ParkedEvent), state: 'discarded' })
  await park(store, { ...(a[2] as ParkedEvent), dueAt: 5 })
  assert.deepEqual(await headOf('b'), b[0], 'the next one comes up')
  assert.deepEqual(
    (await store.parked.keys(SUBSCRIPTION, 1)).map(({ key, count, head }) => [
      key,
      count,
      head.dueAt,
    ]),
    [
      ['a', 1, 5],
      ['b', 1, undefined],
    ],
  )
  await park(store, { ...(c[0] as ParkedEvent), state: 'parked' })
  assert.equal((await headOf('c'))?.parkedId, c[0]?.parkedId, 'one that is parked again')
  assert.deepEqual(await store.parked.keys('nobody', 1), [])
}

async function groupErrors({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const thrown = (message: string) => ({ name: 'Error', message })
  const at = (fingerprint: string | undefined, minute: number, facts: Partial<ParkedEvent> = {}) =>
    sampleParked(ids, {
      fingerprint,
      parkedAt: minutesLater(minute),
      attempts: [
        { at: minutesLater(minute), durationMs: 1, error: thrown('an earlier one') },
        { at: minutesLater(minute), durationMs: 1, error: thrown(`at ${minute}`) },
      ],
      ...facts,
    })
  const f1 = [at('f1', 5), at('f1', 9, { state: 'redriving' }), at('f1', 2, { key: 'k2' })]
  const f2 = [at('f2', 1), at('f2', 3)]
  const finished = [at('f2', 7, { state: 'resolved' }), at('f3', 7, { state: 'discarded' })]
  const nothingThrown = at(undefined, 1, { attempts: [], reason: 'behind' })
  const elsewhere = [1, 2, 3, 4].map((minute) => at('f1', minute, { subscription: 'elsewhere' }))
  await park(store, ...f1, ...f2, ...finished, nothingThrown, ...elsewhere)
  const groups = await store.parked.groups({ subscription: SUBSCRIPTION })
  assert.deepEqual(groups, [
    {
      subscription: SUBSCRIPTION,
      fingerprint: 'f1',
      eventType: 'Sample.Counter.Increased',
      count: 3,
      sampleId: f1[1]?.parkedId,
      error: thrown('at 9'),
      firstParkedAt: minutesLater(2),
      lastParkedAt: minutesLater(9),
    },
    {
      subscription: SUBSCRIPTION,
      fingerprint: 'f2',
      eventType: 'Sample.Counter.Increased',
      count: 2,
      sampleId: f2[1]?.parkedId,
      error: thrown('at 3'),
      firstParkedAt: minutesLater(1),
      lastParkedAt: minutesLater(3),
    },
  ])
  assert.deepEqual(
    (await store.parked.groups({})).map(({ subscription, count }) => [subscription, count]),
    [
      ['elsewhere', 4],
      [SUBSCRIPTION, 3],
      [SUBSCRIPTION, 2],
    ],
    'the most first',
  )
  assert.deepEqual(await store.parked.groups({ subscription: 'nobody' }), [])
}

async function sweepFinished({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const states: ParkedState[] = ['parked', 'redriving', 'resolved', 'discarded']
  const events = [1, 2, 3].flatMap((minute) =>
    states.map((state) => sampleParked(ids, { state, changedAt: minutesLater(minute) })),
  )
  await park(store, ...events)
  assert.equal(await store.parked.sweep(minutesLater(1)), 0, 'finished before, not at')
  assert.equal(await store.parked.sweep(minutesLater(3), 3), 3, 'a part of them')
  assert.equal(await store.parked.sweep(minutesLater(3), 3), 1, 'and the rest')
  const left = await store.parked.list({})
  const wanted = events.filter(
    ({ state, changedAt }) =>
      state === 'parked' || state === 'redriving' || changedAt === minutesLater(3),
  )
  assert.deepEqual(
    parkedIds(left),
    parkedIds(wanted).sort(),
    'what is unfinished stays, however old',
  )
  assert.equal(await store.parked.sweep(minutesLater(3)), 0)
}

/** Events that were put aside, and what is known of them. */
export const parkingScenarios: readonly Scenario[] = [
  scenario('F01', 'a parked event is kept to the last field and byte', keepWhole),
  scenario('F02', 'parked again, it is replaced whole, and there once', replaceWhole),
  scenario('F03', 'they are listed in order, page by page', order),
  scenario('F04', 'of each key the first unfinished one is its head', heads),
  scenario('F05', 'the same error at the same place is one group', groupErrors),
  scenario('F06', 'only what was finished before a time is forgotten', sweepFinished),
]
