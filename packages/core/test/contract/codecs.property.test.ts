import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cloudEventsCodec,
  decodeEvent,
  encodeEvent,
  fromBinaryCloudEvent,
  isBinaryCloudEvent,
  tidingsCodec,
  toBinaryCloudEvent,
  toWire,
  type DecodedEvent,
  type Envelope,
} from '../../src/contract.ts'
import { JsonText } from '../../src/contract/json.ts'
import { envelope, isoTime, json, name, storedFacts } from './arbitraries.ts'

const utf8 = new TextEncoder()

const ways: readonly [string, (event: Envelope) => DecodedEvent][] = [
  ['Tidings JSON', (event) => decodeEvent(encodeEvent(event, 'tidings'))],
  [
    'CloudEvents, structured',
    (event) => decodeEvent(utf8.encode(encodeEvent(event, 'cloudevents'))),
  ],
  [
    'CloudEvents, binary',
    (event) => {
      const { headers, value } = toBinaryCloudEvent(event)
      expect(isBinaryCloudEvent(headers)).toBe(true)
      return fromBinaryCloudEvent(headers, value)
    },
  ],
  [
    'CloudEvents, binary, headers as bytes',
    (event) => {
      const { headers, value } = toBinaryCloudEvent(event)
      const bytes = Object.entries(headers).map(([key, text]) => [key, utf8.encode(text)] as const)
      return fromBinaryCloudEvent(Object.fromEntries(bytes), value)
    },
  ],
]

describe.each(ways)('%s', (_, travel) => {
  it('gives back every field, extensions included', () => {
    fc.assert(
      fc.property(envelope, (event) => {
        expect(travel(event)).toMatchObject({ envelope: event, stored: {} })
        expect(travel(event).envelope).toEqual(event)
      }),
      { numRuns: 300 },
    )
  })

  it('gives back what the log knew, beside the envelope', () => {
    fc.assert(
      fc.property(envelope, storedFacts, (event, stored) => {
        const back = travel({ ...event, ...stored })
        expect(back.envelope).toEqual(event)
        expect(back.stored).toEqual(stored)
      }),
    )
  })
})

it('writes what JSON.stringify would, whatever is in it, and a payload that is text as it is', () => {
  const anyText = fc.oneof(
    name,
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\ud800', '"', '\\', '\u0007'),
  )
  const odd = fc.record(
    { aggregateId: anyText, eventType: anyText, causationId: anyText },
    { requiredKeys: [] },
  )
  const known = fc.oneof(fc.constant({}), storedFacts)
  // What no type allows, and a caller in JavaScript may give.
  const mistyped = fc.record(
    {
      causationId: fc.constantFrom(null, 5),
      correlationId: fc.constant(null),
      eventVersion: fc.constantFrom(Number.NaN, '1'),
      recordedAt: fc.constant(null),
      streamVersion: fc.constant(Infinity),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<object>
  fc.assert(
    fc.property(envelope, odd, known, mistyped, (event, texts, stored, wrong) => {
      const whole = { ...event, ...texts, ...stored, ...wrong }
      const written = JSON.stringify(toWire(whole))
      expect(encodeEvent(whole)).toBe(written)
      const payload = new JsonText(JSON.stringify(whole.payload))
      expect(encodeEvent({ ...whole, payload })).toBe(written)
      expect(JSON.stringify(toWire({ ...whole, payload }))).toBe(written)
    }),
    { numRuns: 300 },
  )
})

/** A CloudEvent of somebody else. */
const foreign = fc
  .record(
    {
      specversion: fc.constant('1.0'),
      id: fc.oneof(
        name,
        fc.uuid(),
        fc.uuid().map((id) => id.toUpperCase()),
      ),
      source: fc.constantFrom(
        '/permits/receipt',
        'urn:example:shop',
        'https://example.com/orders/',
        'billing',
      ),
      type: name,
      subject: name,
      time: fc.oneof(
        isoTime,
        fc.constantFrom('2026-11-21T11:30:00.123456+02:00', '2026-11-21T09:30:00Z'),
      ),
      correlationid: fc.oneof(name, fc.uuid()),
      causationid: name,
      severity: fc.integer({ min: 0, max: 24 }),
      sampled: fc.boolean(),
      version: fc.constantFrom('7', 'beta'),
      sequence: fc.constantFrom('0001', 'b'),
      dataschema: fc.constant('https://example.com/schema'),
      data: json,
    },
    { requiredKeys: ['specversion', 'id', 'source', 'type', 'time'] },
  )
  .map((event) => event as Readonly<Record<string, unknown>>)

describe('a foreign CloudEvent', () => {
  it('goes through the log and out again as Tidings JSON or CloudEvents, and is the same event', () => {
    fc.assert(
      fc.property(foreign, (event) => {
        const first = decodeEvent(event).envelope
        for (const [, travel] of ways) expect(travel(first).envelope).toEqual(first)
      }),
      { numRuns: 300 },
    )
  })

  it('is exported with its own attributes', () => {
    fc.assert(
      fc.property(foreign, (event) => {
        const exported = cloudEventsCodec.toJson(decodeEvent(event).envelope)
        const own = { ...event }
        // An offset or a finer fraction comes back to the letter; a spelling of the same time does not.
        if (own['time'] === '2026-11-21T09:30:00Z') own['time'] = '2026-11-21T09:30:00.000Z'
        expect(exported).toMatchObject(own)
      }),
    )
  })
})

it('no JSON value makes a decoder throw anything but a ContractError', () => {
  const members = fc.dictionary(
    fc.constantFrom(
      ...Object.keys(tidingsCodec.toJson(sample())),
      ...Object.keys(cloudEventsCodec.toJson(sample())),
      'specversion',
    ),
    json,
  )
  fc.assert(
    fc.property(fc.oneof(json, members), (value) => {
      try {
        decodeEvent(JSON.stringify(value))
      } catch (error) {
        expect(error).toMatchObject({ name: 'ContractError', code: 'TIDINGS_ENVELOPE_INVALID' })
      }
    }),
    { numRuns: 2000 },
  )
})

it('no bytes make a decoder throw anything but a ContractError', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(() => decodeEvent(bytes)).toThrow(
        expect.objectContaining({ name: 'ContractError' }) as Error,
      )
    }),
  )
})

function sample(): Envelope {
  return fc.sample(envelope, { numRuns: 1, seed: 1 })[0]!
}
