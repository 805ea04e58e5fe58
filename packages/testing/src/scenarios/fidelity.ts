import assert from 'node:assert/strict'
import {
  createRegistry,
  defineEvent,
  encodeEvent,
  sealDraft,
  systemClock,
  type Envelope,
  type JsonValue,
  type SealedEvent,
  type StoredEnvelope,
} from 'tidings'
import { rejection, scenario } from './expectations.ts'
import { appendOf, sampleEvent, sampleSchema } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const binaryText = Array.from({ length: 255 }, (_, code) => String.fromCharCode(code + 1)).join('')

/** What has been lost by one store or another. As JSON text where a literal would not say it. */
const payloads: readonly unknown[] = [
  'text alone',
  '',
  0,
  -1.5,
  false,
  null,
  [],
  {},
  [[], {}, [null], ''],
  { nested: { deep: [{ deeper: [1, [2, [3]]] }] } },
  {
    '': 'empty key',
    ' ': 'blank',
    'a.b': 1,
    'a/b': 2,
    "it's": 3,
    '"quoted"': 4,
    $1: 5,
    'key\n': 6,
  },
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":"text"}'),
  {
    max: Number.MAX_SAFE_INTEGER,
    min: Number.MIN_SAFE_INTEGER,
    tiny: 5e-324,
    huge: 1.7976931348623157e308,
  },
  { third: 1 / 3, small: 1e-7, big: 1e21, exact: 0.1 + 0.2 },
  { z: 1, a: 2, m: 3, 10: 'ten', 9: 'nine' },
  { unicode: 'Grüße, 世界, עולם, 👩‍👩‍👧‍👦, e\u0301, \u{1F680}, \u2028\u2029, \uFEFF, \uFFFD' },
  { binary: binaryText, bytes: 'AAECAwT/+g==' },
  { sql: "'; drop table event_log; --", percent: '%_', backslash: 'C:\\new\\table' },
  { looksLike: ['2026-11-21T09:00:00.000Z', '1e5', '007', 'null', 'true', '{"a":1}'] },
]

async function keepPayloads({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  for (const payload of payloads) {
    const event = sampleEvent(ids, { payload })
    await store.append([appendOf('any', event)])
    const stored = await store.findEvent(event.envelope.eventId)
    assert.deepEqual(stored?.payload, payload)
    assert.equal(
      JSON.stringify(stored?.payload),
      JSON.stringify(payload),
      'the same text, keys in order',
    )
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  const read = await store.readAll({ pageSize: 4 }).toArray()
  assert.equal(
    JSON.stringify(read.map((event) => event.payload)),
    JSON.stringify(payloads),
    'by reading too',
  )
  const asText = await store.readAll({ pageSize: 4, payloadsAsText: true }).toArray()
  assert.deepEqual(
    asText.map((event) => encodeEvent(event)),
    read.map((event) => encodeEvent(event)),
    'and where they may stay text',
  )
}

async function keepNames({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const streams = [
    'A.b/with spaces',
    "A.b/it's",
    'A.b/a/b/c',
    'Ä.ö/日本',
    'A.b/%',
    'A.b/_',
    'a.b/x',
    'A.B/x',
    `A.b/${'x'.repeat(500)}`,
  ]
  for (const stream of streams) {
    await store.append([appendOf('no-stream', sampleEvent(ids, { stream }))])
  }
  for (const stream of streams) {
    const [event, ...others] = await store.readStream(stream).toArray()
    assert.deepEqual(others, [], `'${stream}' is one stream of its own`)
    assert.equal(`${event?.aggregateType}/${event?.aggregateId}`, stream)
  }
}

/** The envelope that went in, and the three fields that only a store can know. */
function expectEnvelope(stored: StoredEnvelope | undefined, sealed: SealedEvent): void {
  assert.ok(stored !== undefined, 'the event is there')
  const { streamVersion, position, recordedAt, schemaHash, topic, key, ...envelope } = stored
  assert.deepEqual(envelope, sealed.envelope)
  assert.equal(schemaHash, sealed.schemaHash)
  assert.equal(topic, sealed.topic)
  assert.equal(key, sealed.key)
  assert.ok(Number.isInteger(streamVersion) && streamVersion >= 1)
  assert.ok(Number.isInteger(position) && position >= 1)
  assert.equal(new Date(recordedAt).toISOString(), recordedAt)
}

async function keepEnvelopes({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const metadata: Record<string, JsonValue> = {
    source: 'tests',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tenant: 'norð',
    actor: 'Ada',
    extension: { list: [1, 'two', null], deep: { er: true } },
    eventId: 'no id, but a name that a column has too',
  }
  const samples = [
    sampleEvent(ids),
    sampleEvent(ids, { causationId: ids.newId(1), correlationId: ids.newId(2), eventVersion: 7 }),
    sampleEvent(ids, { metadata }),
    sampleEvent(ids, { timestamp: '1970-01-01T00:00:00.000Z' }),
    sampleEvent(ids, { timestamp: '1969-12-31T23:59:59.999Z' }),
    sampleEvent(ids, { timestamp: '2126-01-01T00:00:00.001Z' }),
  ]
  await store.append([appendOf('any', ...samples)])
  const stored = await store.readAll().toArray()
  for (const [index, sealed] of samples.entries()) {
    expectEnvelope(stored[index], sealed)
    expectEnvelope(await store.findEvent(sealed.envelope.eventId), sealed)
  }
  const first = stored[0]
  assert.ok(first !== undefined && !('causationId' in first), 'an absent cause stays absent')
  assert.ok(Object.isFrozen(first) && Object.isFrozen(first.metadata), 'what is stored is frozen')
}

async function keepBig({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const sizes = [1_000, 65_536, 200_000, 899_000]
  const events = sizes.map((size) =>
    sampleEvent(ids, { payload: { text: 'ab€'.repeat(size / 5) } }),
  )
  await store.append([appendOf('any', ...events)])
  const stored = await store.readAll().toArray()
  for (const [index, sealed] of events.entries()) {
    assert.equal(JSON.stringify(stored[index]?.payload), sealed.payloadJson)
  }
}

/** What happened long ago is recorded today: two times, and each has its own use. */
async function keepTimes({ open, ids, clock }: StoreHarness): Promise<void> {
  const store = await open()
  const before = new Date(clock.now()).toISOString()
  const times = ['2031-05-01T00:00:00.000Z', '2001-05-01T00:00:00.000Z', '2011-05-01T00:00:00.000Z']
  const events = times.map((timestamp) => sampleEvent(ids, { timestamp }))
  for (const event of events) await store.append([appendOf('any', event)])
  const after = new Date(clock.now()).toISOString()
  const stored = await store.readAll().toArray()
  assert.deepEqual(
    stored.map((event) => event.timestamp),
    times,
    'the order is that of recording',
  )
  for (const { recordedAt } of stored) {
    assert.ok(
      recordedAt >= before && recordedAt <= after,
      `${recordedAt} is from ${before} to ${after}`,
    )
  }
  const old = await store.query({ until: '2020-01-01T00:00:00Z' }).toArray()
  assert.deepEqual(
    old.map((event) => event.timestamp),
    times.slice(1),
    'filters go by the time of the event',
  )
  const [type] = await store.catalog.types()
  assert.deepEqual([type?.firstSeen, type?.lastSeen], [times[1], times[0]])
}

type Payload = {
  readonly name?: string
  readonly first?: string
  readonly last?: string
  readonly full?: string
}

const personV1 = defineEvent('Sample.Person.Named', { payload: sampleSchema<Payload>('name') })
const personV3 = defineEvent('Sample.Person.Renamed', {
  version: 3,
  payload: sampleSchema<Payload>('full'),
  history: { 1: sampleSchema<Payload>('name'), 2: sampleSchema<Payload>('first') },
  upcast: {
    1: ({ name = '' }: Payload) => ({
      first: name.split(' ')[0] ?? '',
      last: name.split(' ')[1] ?? '',
    }),
    2: ({ first = '', last = '' }: Payload) => ({ full: `${last}, ${first}` }),
  },
  aliases: ['Sample.Person.Named'],
})

async function upcastOnRead({ open, ids }: StoreHarness): Promise<void> {
  const store = await open()
  const stream = 'Sample.Person/1'
  const seal = (draft: ReturnType<typeof personV3>): SealedEvent =>
    sealDraft(draft, {
      aggregateType: 'Sample.Person',
      aggregateId: '1',
      correlationId: ids.newId(1),
      causationId: undefined,
      metadata: undefined,
      clock: systemClock,
      ids,
    })
  const written = [
    seal(personV1({ name: 'Ada Lovelace' }) as never),
    sampleEvent(ids, {
      stream,
      eventType: 'Sample.Person.Renamed',
      eventVersion: 2,
      payload: { first: 'Alan', last: 'Turing' },
    }),
    seal(personV3({ full: 'Hopper, Grace' })),
  ]
  await store.append([appendOf('any', ...written)])
  const registry = createRegistry([personV3])
  const stored = await store.readStream(stream).toArray()
  const current = stored.map((event) => registry.read(event))
  assert.deepEqual(
    current.map(({ payload }) => payload),
    [{ full: 'Lovelace, Ada' }, { full: 'Turing, Alan' }, { full: 'Hopper, Grace' }],
  )
  for (const [index, event] of current.entries()) {
    assert.equal(
      event.eventType,
      'Sample.Person.Renamed',
      'the type after upcasting is the current one',
    )
    assert.equal(event.eventVersion, 3)
    assert.equal(event.position, stored[index]?.position)
  }
  const untouched: Envelope[] = written.map((event) => event.envelope)
  assert.deepEqual(
    (await store.readAll().toArray()).map(({ eventType, eventVersion, payload }) => ({
      eventType,
      eventVersion,
      payload,
    })),
    untouched.map(({ eventType, eventVersion, payload }) => ({ eventType, eventVersion, payload })),
    'the store keeps what was written',
  )
  await rejectForeign(
    store
      .append([
        appendOf(
          'any',
          sampleEvent(ids, {
            stream: 'Sample.Person/2',
            eventType: 'Sample.Person.Renamed',
            eventVersion: 1,
            payload: {},
          }),
        ),
      ])
      .then(async () => {
        const [event] = await store.readStream('Sample.Person/2').toArray()
        return registry.read(event as StoredEnvelope)
      }),
  )
}

async function rejectForeign(reading: Promise<unknown>): Promise<void> {
  const error = await rejection(reading, 'a payload that does not fit the version it says')
  assert.equal((error as { code?: string }).code, 'TIDINGS_PAYLOAD_INVALID')
}

/** What comes out is what went in. */
export const fidelityScenarios: readonly Scenario[] = [
  scenario('B32', 'payloads come back to the letter', keepPayloads),
  scenario('B33', 'streams are told apart by every character of their name', keepNames),
  scenario(
    'B34',
    'every field of an envelope comes back, and absent ones stay absent',
    keepEnvelopes,
  ),
  scenario('B35', 'large payloads come back whole', keepBig),
  scenario('B36', 'when it happened and when it was recorded are two times', keepTimes),
  scenario(
    'B37',
    'old versions and names are read as the current contract says, and stay as they are',
    upcastOnRead,
  ),
]
