import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sealEnvelope } from '../../src/contract/seal.ts'
import {
  decodeEvent,
  deriveId,
  encodeEvent,
  fromBinaryCloudEvent,
  fromWire,
  isBinaryCloudEvent,
  nameId,
  toBinaryCloudEvent,
  toCloudEvent,
  toWire,
  type ContractError,
  type Envelope,
} from '../../src/contract.ts'

const id = '0b0e7a52-0000-4000-8000-000000000001'
const flow = '0b0e7a52-0000-4000-8000-000000000002'

/** The envelope of the naming document, with the time and version that it leaves to others. */
const wire = {
  event_id: id,
  event_type: 'Genesis.Session.Theme.Proposed',
  event_version: 2,
  timestamp: '2026-11-21T09:30:00.000Z',
  aggregate_type: 'GenesisSession',
  aggregate_id: 'session-7',
  correlation_id: flow,
  causation_id: null,
  payload: { stage: 'Stage_0', quality_score: 8.5 },
  metadata: { version: 2, source: 'genesis-agent', trace_id: 't-1', model: 'm' },
}

function faultsOf(run: () => unknown): readonly string[] {
  try {
    run()
  } catch (error) {
    return (error as ContractError).issues.map(({ pointer }) => pointer)
  }
  return []
}

describe('Tidings JSON', () => {
  it('reads into our own words, and back into the same JSON', () => {
    const envelope = fromWire(wire)
    expect(envelope).toEqual({
      eventId: id,
      eventType: 'Genesis.Session.Theme.Proposed',
      eventVersion: 2,
      timestamp: '2026-11-21T09:30:00.000Z',
      aggregateType: 'GenesisSession',
      aggregateId: 'session-7',
      correlationId: flow,
      payload: wire.payload,
      metadata: { source: 'genesis-agent', traceId: 't-1', model: 'm' },
    })
    expect(toWire(envelope)).toEqual(wire)
    expect(Object.isFrozen(envelope) && Object.isFrozen(envelope.metadata)).toBe(true)
  })

  it.each([
    ['1.0', {}, 1],
    ['3', {}, 3],
    [undefined, { version: 4 }, 4],
    [undefined, { version: '1.0' }, 1],
    [5, { version: 4 }, 5],
  ])('event_version %j beside metadata %j is version %i', (event_version, metadata, version) => {
    expect(fromWire({ ...wire, event_version, metadata }).eventVersion).toBe(version)
  })

  it('a correlation or causation id that is no UUID becomes its UUIDv5, and the original stays', () => {
    const envelope = fromWire({ ...wire, correlation_id: 'flow-1', causation_id: 'msg 9' })
    expect(envelope).toMatchObject({
      correlationId: nameId('flow-1'),
      causationId: nameId('msg 9'),
      metadata: { foreign: { correlationId: 'flow-1', causationId: 'msg 9' } },
    })
    expect(fromWire(toWire(envelope))).toEqual(envelope)
    expect(toCloudEvent(envelope)).toMatchObject({ correlationid: 'flow-1', causationid: 'msg 9' })
  })

  it('without a correlation id, events of one stream share one', () => {
    const { correlation_id: _, ...rest } = wire
    const [one, two] = [fromWire(rest), fromWire({ ...rest, event_id: flow, correlation_id: null })]
    expect(one.correlationId).toBe(two.correlationId)
    expect(fromWire({ ...rest, aggregate_id: 'other' }).correlationId).not.toBe(one.correlationId)
  })

  it.each([
    ['2026-11-21T11:30:00.123456+02:00', '2026-11-21T09:30:00.123Z', true],
    ['2026-11-21T09:30:00.1234Z', '2026-11-21T09:30:00.123Z', true],
    ['2026-11-21T09:30:00.123000+00:00', '2026-11-21T09:30:00.123Z', false],
    ['2026-11-21T09:30:00Z', '2026-11-21T09:30:00.000Z', false],
  ])('the time %s is kept as %s, its original: %s', (timestamp, normal, kept) => {
    const envelope = fromWire({ ...wire, timestamp })
    expect(envelope.timestamp).toBe(normal)
    expect(envelope.metadata.foreign?.timestamp).toBe(kept ? timestamp : undefined)
  })

  it('ids in capitals become the same ids', () => {
    expect(fromWire({ ...wire, event_id: id.toUpperCase() }).eventId).toBe(id)
  })

  it('members of a newer sender are kept', () => {
    const envelope = fromWire({ ...wire, priority: 3 })
    expect(envelope.metadata.foreign).toEqual({ members: { priority: 3 } })
    expect(fromWire(toWire(envelope))).toEqual(envelope)
    // Wherever they stand, and in whatever order our own come.
    const turned = Object.fromEntries([
      ['first', 1],
      ...Object.entries(wire).toReversed(),
      ['last', 2],
    ])
    expect(fromWire(turned).metadata.foreign).toEqual({ members: { first: 1, last: 2 } })
  })

  it('tells every fault with its place', () => {
    const bad = {
      event_id: 'x',
      event_type: '',
      event_version: '1.5',
      timestamp: '2026-02-30T00:00:00Z',
      aggregate_type: 'a/b',
      aggregate_id: 'a\0',
      correlation_id: 7,
      causation_id: '',
      metadata: { source: 1, foreign: 'x' },
      stream_version: 0,
      position: 1.5,
      recorded_at: 'noon',
    }
    expect(faultsOf(() => fromWire(bad)).toSorted()).toEqual(
      [
        '/aggregate_id',
        '/aggregate_type',
        '/causation_id',
        '/correlation_id',
        '/event_id',
        '/event_type',
        '/event_version',
        '/metadata/foreign',
        '/metadata/source',
        '/payload',
        '/position',
        '/recorded_at',
        '/stream_version',
        '/timestamp',
      ].toSorted(),
    )
    expect(faultsOf(() => fromWire({ ...wire, event_version: undefined, metadata: {} }))).toEqual([
      '/event_version',
    ])
    expect(faultsOf(() => fromWire({ ...wire, metadata: [] }))).toEqual(['/metadata'])
    expect(faultsOf(() => fromWire('text'))).toEqual([''])
  })
})

const cloudEvent = {
  specversion: '1.0',
  id: '17',
  source: '/permits/receipt',
  type: 'T02 Check confirmation of receipt',
  subject: 'case-891',
  time: '2010-10-02T07:20:39.266Z',
  data: { task: 'task-4' },
}

describe('CloudEvents', () => {
  it('identity is source and id: a UUID is kept, anything else is derived from both and the time', () => {
    const eventId = deriveId(Date.parse(cloudEvent.time), '/permits/receipt', '17')
    expect(decodeEvent(cloudEvent).envelope).toMatchObject({
      eventId,
      metadata: { foreign: { eventId: '17' } },
    })
    expect(decodeEvent({ ...cloudEvent, source: '/other' }).envelope.eventId).not.toBe(eventId)
    expect(decodeEvent({ ...cloudEvent, id }).envelope.eventId).toBe(id)
  })

  it('source is the aggregate type, subject the aggregate id, unless our own attributes say it', () => {
    expect(decodeEvent(cloudEvent)).toMatchObject({
      format: 'cloudevents',
      envelope: {
        eventType: 'T02 Check confirmation of receipt',
        eventVersion: 1,
        aggregateType: 'permits.receipt',
        aggregateId: 'case-891',
        metadata: { source: '/permits/receipt' },
      },
    })
    const { subject: _, ...alone } = cloudEvent
    expect(decodeEvent(alone).envelope.aggregateId).toBe('17')
    const own = decodeEvent({
      ...cloudEvent,
      aggregatetype: 'Permit.Case',
      eventversion: 3,
    }).envelope
    expect(own).toMatchObject({ aggregateType: 'Permit.Case', eventVersion: 3 })
  })

  it('a time may be left out only where the caller has one; then the id does not depend on it', () => {
    const { time: _, ...timeless } = cloudEvent
    expect(faultsOf(() => decodeEvent(timeless))).toEqual(['/time'])
    const [one, two] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'].map(
      (defaultTime) => decodeEvent(timeless, { defaultTime }).envelope,
    ) as [Envelope, Envelope]
    expect(one.timestamp).toBe('2026-01-01T00:00:00.000Z')
    expect(one.eventId).toBe(two.eventId)
    expect(decodeEvent(encodeEvent(one, 'cloudevents')).envelope).toEqual(one)
  })

  it('data that is no JSON keeps its kind and its bytes', () => {
    const xml = fromBinaryCloudEvent(
      headersOf('application/xml'),
      new TextEncoder().encode('<a/>'),
    ).envelope
    expect(xml.payload).toBe('<a/>')
    const png = fromBinaryCloudEvent(headersOf('image/png'), Uint8Array.of(0, 255, 7)).envelope
    expect(png).toMatchObject({
      payload: 'AP8H',
      metadata: { foreign: { payloadEncoding: 'base64' } },
    })
    expect(toCloudEvent(png)).toMatchObject({ data_base64: 'AP8H', datacontenttype: 'image/png' })
    expect(toBinaryCloudEvent(png).value).toEqual(Uint8Array.of(0, 255, 7))
    for (const event of [xml, png])
      expect(decodeEvent(encodeEvent(event, 'cloudevents')).envelope).toEqual(event)
  })

  it('a message without a value has a payload of null', () => {
    expect(fromBinaryCloudEvent(headersOf('application/json'), null).envelope.payload).toBeNull()
  })

  it('headers of a CloudEvent are known by the four that must be there', () => {
    expect(isBinaryCloudEvent(headersOf('application/json'))).toBe(true)
    expect(isBinaryCloudEvent({ 'content-type': 'application/json' })).toBe(false)
  })

  it('tells every fault with its place', () => {
    const bad = {
      specversion: '0.3',
      source: '//',
      eventversion: 0,
      subject: '',
      traceparent: 5,
      tidingsmetadata: '[',
    }
    expect(faultsOf(() => decodeEvent(bad)).toSorted()).toEqual([
      '/eventversion',
      '/id',
      '/source',
      '/specversion',
      '/subject',
      '/tidingsmetadata',
      '/time',
      '/traceparent',
      '/type',
    ])
    expect(faultsOf(() => decodeEvent({ ...cloudEvent, data_base64: '?' }))).toEqual([
      '/data_base64',
      '/data_base64',
    ])
  })
})

function headersOf(contentType: string): Record<string, string> {
  const { data: _, ...attributes } = cloudEvent
  const headers = Object.entries(attributes).map(([attribute, value]) => [`ce_${attribute}`, value])
  return { ...(Object.fromEntries(headers) as Record<string, string>), 'content-type': contentType }
}

describe('bytes', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

  it('of an envelope and of a CloudEvent are told apart', () => {
    expect(decodeEvent(bytes(JSON.stringify(wire))).format).toBe('tidings')
    expect(decodeEvent(bytes(JSON.stringify(cloudEvent))).format).toBe('cloudevents')
    expect(() => decodeEvent(bytes('{"secret":"hunter2"}'))).toThrow(
      'event_id (an envelope) or specversion',
    )
    expect(() => decodeEvent(bytes('{"secret":"hunter2"}'))).not.toThrow('hunter2')
  })

  it.each([
    ['no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['half a character', bytes('{"a":"é"}').slice(0, 7)],
    ['a cut line', bytes(JSON.stringify(wire).slice(0, -5))],
    ['NaN', bytes('{"payload":NaN}')],
    ['a byte-order mark', bytes('\uFEFF{}')],
    ['nothing', bytes('')],
  ])('%s is unreadable', (_, source) => {
    expect(() => decodeEvent(source)).toThrow(
      expect.objectContaining({ code: 'TIDINGS_EVENT_UNREADABLE' }) as Error,
    )
  })

  it.each([
    ['U+FFFD that was meant', '\uFFFD'],
    ['two-byte characters', 'é€'],
    ['four-byte characters', '𝄞'],
    ['U+FFFD said by an escape', String.raw`\uFFFD`],
  ])('a Buffer and plain bytes say the same: %s', (_, text) => {
    const line = JSON.stringify({ ...wire, aggregate_id: 'ID' }).replace('ID', text)
    const { aggregateId } = decodeEvent(Buffer.from(line)).envelope
    expect(aggregateId).toBe(JSON.parse(`"${text}"`))
    expect(decodeEvent(bytes(line)).envelope.aggregateId).toBe(aggregateId)
  })

  it.each([
    ['no UTF-8', [0xff]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['an overlong form', [0xc0, 0x80]],
    ['a beginning without an end', [0xe2, 0x82]],
    ['what is beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('a Buffer with %s is refused as plain bytes are', (_, wrong) => {
    const [head, tail] = JSON.stringify({ ...wire, aggregate_id: '|' }).split('|') as [
      string,
      string,
    ]
    const source = Buffer.concat([Buffer.from(head), Buffer.from(wrong), Buffer.from(tail)])
    for (const one of [source, new Uint8Array(source)])
      expect(() => decodeEvent(one)).toThrow('expected bytes in UTF-8')
    const before = Buffer.concat([Buffer.from('\uFFFD'), source])
    expect(() => decodeEvent(before)).toThrow('expected bytes in UTF-8')
  })

  it('are never quoted in the message that refuses them', () => {
    for (const text of ['hunter2', '{"password":"hunter2",}', '["hunter2" "hunter2"]']) {
      try {
        decodeEvent(bytes(text))
        expect.unreachable()
      } catch (error) {
        expect(String((error as Error).stack) + String((error as Error).cause)).not.toContain(
          'hunter2',
        )
      }
    }
  })
})

const permits = '../shared/data/permits.ndjson'

it.runIf(existsSync(permits))('real events come through both formats unchanged', () => {
  const lines = readFileSync(permits, 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(8577)
  for (const line of lines) {
    const { envelope } = decodeEvent(line)
    expect(toCloudEvent(envelope)).toMatchObject(JSON.parse(line) as object)
    if (JSON.stringify(decodeEvent(encodeEvent(envelope)).envelope) === JSON.stringify(envelope))
      continue
    expect(decodeEvent(encodeEvent(envelope)).envelope).toEqual(envelope)
  }
})

it('a payload nested beyond the stack is decoded, and refused where it would be stored', () => {
  const depth = 100_000
  const payload = '['.repeat(depth) + ']'.repeat(depth)
  const { envelope } = decodeEvent(
    `{"event_id":"01926e00-0000-7000-8000-000000000001","event_type":"Todo.Item.Created","event_version":1,"timestamp":"2026-11-21T09:30:00.000Z","aggregate_type":"Todo.Item","aggregate_id":"1","payload":${payload}}`,
  )
  expect(() => sealEnvelope(envelope, undefined)).toThrow(/no more than 200 levels/)
})
