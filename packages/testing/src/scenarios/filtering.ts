import assert from 'node:assert/strict'
import type { EventFilter, Store, StoredEnvelope } from 'tidings'
import { idsOf, scenario } from './expectations.ts'
import { appendOf, sampleEvent, sampleFact, sampleTask, type SampleEvent } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const types = [
  'Sample.Counter.Increased',
  'Sample.Counter.Reset',
  'Sample.Counter.Limit.Raised',
  'Sample.Account.Opened',
  'Other.Account.Opened',
  'permits.receipt',
] as const

/** Globs, and what they match among `types`; written out, so that no second matcher has to be right. */
const globs: readonly (readonly [string[], readonly string[]])[] = [
  [['Sample.Counter.Increased'], ['Sample.Counter.Increased']],
  [['Sample.Counter.*'], ['Sample.Counter.Increased', 'Sample.Counter.Reset']],
  [
    ['Sample.Counter.**'],
    ['Sample.Counter.Increased', 'Sample.Counter.Reset', 'Sample.Counter.Limit.Raised'],
  ],
  [['*.Account.Opened'], ['Sample.Account.Opened', 'Other.Account.Opened']],
  [['**.Opened'], ['Sample.Account.Opened', 'Other.Account.Opened']],
  [['**.Limit.**'], ['Sample.Counter.Limit.Raised']],
  [['*.*'], ['permits.receipt']],
  [['Sample.Counter.Re*'], ['Sample.Counter.Reset']],
  [['**'], types],
  [['*'], []],
  [['sample.counter.increased'], []],
  [['Sample.Counter'], []],
  [['Sample%'], []],
  [['Sample.Counter.Rese_'], []],
  [
    ['Sample.Counter.Reset', 'Other.**', 'Absent.Type'],
    ['Sample.Counter.Reset', 'Other.Account.Opened'],
  ],
  [
    ['Sample.Counter.Reset', 'Sample.Counter.*'],
    ['Sample.Counter.Increased', 'Sample.Counter.Reset'],
  ],
  [[], []],
]

interface Sample {
  readonly sample: SampleEvent
  readonly eventId: string
  readonly timeMs: number
}

const START_MS = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000

/** A log in which every filter finds something and misses something; event times go to and fro. */
async function fillLog(
  { ids, random }: StoreHarness,
  store: Store,
  count: number,
): Promise<Sample[]> {
  const correlations = Array.from({ length: 4 }, () => ids.newId(START_MS))
  const samples: Sample[] = []
  for (let n = 0; n < count; n++) {
    const definition = random.pick([undefined, undefined, sampleFact, sampleTask])
    const timeMs = START_MS + random.below(1000) * MINUTE_MS
    const tenant = random.pick([undefined, 'north', 'south'])
    const sample: SampleEvent = {
      ...(definition === undefined ? { eventType: random.pick(types) } : { definition }),
      stream: random.pick([
        'Sample.Counter/1',
        'Sample.Counter/2',
        'Other.Account/1',
        'Sample.Counter/10',
      ]),
      eventVersion: 1 + random.below(3),
      correlationId: random.pick(correlations),
      timestamp: new Date(timeMs).toISOString(),
      metadata: tenant === undefined ? { source: 'x' } : { tenant },
    }
    const event = sampleEvent(ids, sample)
    samples.push({ sample, eventId: event.envelope.eventId, timeMs })
    await store.append([appendOf('any', event)])
  }
  return samples
}

const typeOf = ({ sample }: Sample): string => sample.eventType ?? sample.definition?.type ?? ''
const tenantOf = ({ sample }: Sample): unknown => sample.metadata?.tenant

type Choice = readonly [EventFilter, (sample: Sample) => boolean]

/** One filter of each kind at a time, each with what it must find. */
function choices(samples: readonly Sample[]): Choice[][] {
  const correlationId = samples[0]?.sample.correlationId ?? ''
  const since = '2026-01-01T05:00:00.000Z'
  const sinceMs = Date.parse(since)
  const until = '2026-01-01T12:00:00+01:00'
  const untilMs = Date.parse(until)
  return [
    globs.map(([patterns, matching]) => {
      const all = patterns.includes('**')
      return [{ types: patterns }, (one) => all || matching.includes(typeOf(one))]
    }),
    [[{ stream: 'Sample.Counter/1' }, ({ sample }) => sample.stream === 'Sample.Counter/1']],
    [[{ aggregateType: 'Other.Account' }, ({ sample }) => sample.stream === 'Other.Account/1']],
    [[{ correlationId }, ({ sample }) => sample.correlationId === correlationId]],
    [[{ eventVersion: 2 }, ({ sample }) => sample.eventVersion === 2]],
    [[{ tenant: 'north' }, (one) => tenantOf(one) === 'north']],
    [
      [{ class: 'work' }, ({ sample }) => sample.definition === sampleTask],
      [{ class: 'fact' }, ({ sample }) => sample.definition !== sampleTask],
    ],
    [[{ topic: 'sample-facts' }, ({ sample }) => sample.definition === sampleFact]],
    [
      [{ since }, ({ timeMs }) => timeMs >= sinceMs],
      [{ until }, ({ timeMs }) => timeMs < untilMs],
      [{ since, until }, ({ timeMs }) => timeMs >= sinceMs && timeMs < untilMs],
      [{ since: until, until: since }, () => false],
    ],
  ]
}

/** `*.*.*` and the like also match the two contracts' own types, which are three segments long. */
function withContracts(groups: Choice[][]): Choice[][] {
  const [byType = [], ...others] = groups
  const own: Choice[] = [
    [{ types: ['Sample.Parcel.Sent'] }, ({ sample }) => sample.definition === sampleFact],
    [{ types: ['Sample.Work.*'] }, ({ sample }) => sample.definition === sampleTask],
  ]
  return [[...byType, ...own], ...others]
}

async function checkEach(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const samples = await fillLog(harness, store, 300)
  for (const [filter, fits] of withContracts(choices(samples)).flat()) {
    await checkQuery(store, filter, samples.filter(fits))
  }
}

async function checkPairs(harness: StoreHarness): Promise<void> {
  const store = await harness.open()
  const samples = await fillLog(harness, store, 200)
  const groups = withContracts(choices(samples))
  for (const [index, left] of groups.entries()) {
    const others = groups.slice(index + 1).flat()
    for (const [one, fitsOne] of left) {
      for (const [other, fitsOther] of others) {
        const wanted = samples.filter((sample) => fitsOne(sample) && fitsOther(sample))
        await checkQuery(store, { ...one, ...other }, wanted)
      }
    }
  }
}

async function checkQuery(
  store: Store,
  filter: EventFilter,
  wanted: readonly Sample[],
): Promise<void> {
  const what = JSON.stringify(filter)
  const ids = wanted.map((sample) => sample.eventId)
  const read = async (options: object): Promise<string[]> =>
    idsOf(await store.query(filter, options).toArray())
  assert.deepEqual(await read({}), ids, what)
  assert.deepEqual(await read({ pageSize: 3 }), ids, `${what}, pages of 3`)
  assert.deepEqual(
    await read({ reverse: true, pageSize: 4 }),
    ids.toReversed(),
    `${what}, backwards`,
  )
  assert.deepEqual(await read({ limit: 5, pageSize: 2 }), ids.slice(0, 5), `${what}, limit 5`)
}

/** One match in 500, so that each page has to be searched for through many that do not match. */
async function checkSparse({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const wanted: string[] = []
  for (let block = 0; block < 12; block++) {
    const events = Array.from({ length: 500 }, (_, n) =>
      sampleEvent(ids, { eventType: n === 250 ? 'Sample.Needle.Found' : 'Sample.Hay.Stacked' }),
    )
    wanted.push(events[250]?.envelope.eventId ?? '')
    await store.append([appendOf('any', ...events)])
  }
  for (const pageSize of [1, 5, 12, 13, 1000]) {
    for (const types of [['Sample.Needle.Found'], ['*.Needle.*']]) {
      const found: StoredEnvelope[] = []
      for await (const event of store.query({ types }, { pageSize })) found.push(event)
      assert.deepEqual(idsOf(found), wanted)
      const back = await store.query({ types }, { pageSize, reverse: true, limit: 3 }).toArray()
      assert.deepEqual(idsOf(back), wanted.slice(-3).reverse())
    }
  }
}

/** An event found by a filter the moment it was acknowledged, and not once more later. */
async function checkFresh({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const filters: EventFilter[] = [
    { types: ['Sample.Parcel.*'] },
    { types: ['Sample.Parcel.Sent'] },
    { topic: 'sample-facts' },
    { tenant: 'north' },
    { since: '2026-11-21T00:00:00Z' },
    { stream: 'Sample.Counter/1' },
    { class: 'fact' },
  ]
  const seen: string[] = []
  for (let n = 0; n < 40; n++) {
    const event = sampleEvent(ids, { definition: sampleFact, metadata: { tenant: 'north' } })
    await store.append([appendOf('any', event)])
    seen.push(event.envelope.eventId)
    for (const filter of filters) {
      assert.deepEqual(idsOf(await store.query(filter).toArray()), seen, JSON.stringify(filter))
    }
  }
}

/** A query finds the events that match, all of them, in order, once. */
export const filteringScenarios: readonly Scenario[] = [
  scenario('B28', 'each filter finds what it says', checkEach),
  scenario('B29', 'filters hold together', checkPairs),
  scenario('B30', 'matches far apart are found page by page', checkSparse),
  scenario('B31', 'a filter finds an event as soon as it is acknowledged', checkFresh),
]
