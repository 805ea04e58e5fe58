import fc from 'fast-check'
import type { Envelope, JsonValue } from '../../src/contract.ts'

/** Text that every store keeps: no U+0000, no lone surrogates. */
export const plainText: fc.Arbitrary<string> = fc
  .string({ unit: 'grapheme' })
  .map((text) => text.replaceAll('\0', ''))

export const name: fc.Arbitrary<string> = plainText.filter((text) => text !== '')

export const uuid: fc.Arbitrary<string> = fc.uuid({ version: [1, 4, 5, 7] })

export const isoTime: fc.Arbitrary<string> = fc
  .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString())

/** JSON as JSON.parse gives it back: no -0. */
export const json: fc.Arbitrary<JsonValue> = fc
  .jsonValue({ stringUnit: 'grapheme' })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonValue)

const ownMember = fc.constantFrom('source', 'traceId', 'traceparent', 'tenant', 'actor')
const awkwardMember = fc.constantFrom(
  '__proto__',
  'constructor',
  'id',
  'type',
  'sequence',
  'logposition',
  'recordedtime',
  'aggregatetype',
  'correlationid',
  'data',
  'subject',
  'datacontenttype',
  'dataschema',
  'traceid',
  'tidingsmetadata',
  'partitionkey',
)
// `version`, `trace_id` and `foreign` are words of the wire itself: the documentation says so.
const anyMember = plainText.filter((text) => !['version', 'trace_id', 'foreign'].includes(text))

export const metadata: fc.Arbitrary<Envelope['metadata']> = fc
  .tuple(
    fc.array(fc.tuple(ownMember, plainText), { maxLength: 3 }),
    fc.array(fc.tuple(fc.oneof(awkwardMember, anyMember), json), { maxLength: 4 }),
  )
  .map(([own, others]) => {
    const known = new Set(['source', 'traceId', 'traceparent', 'tenant', 'actor'])
    return Object.fromEntries([...others.filter(([member]) => !known.has(member)), ...own])
  })

/** Any envelope, stored or not. */
export const envelope: fc.Arbitrary<Envelope> = fc
  .record(
    {
      eventId: uuid,
      eventType: name,
      eventVersion: fc.integer({ min: 1, max: 1000 }),
      timestamp: isoTime,
      aggregateType: name.filter((text) => !text.includes('/')),
      aggregateId: name,
      correlationId: uuid,
      causationId: uuid,
      payload: json,
      metadata,
    },
    {
      requiredKeys: [
        'eventId',
        'eventType',
        'eventVersion',
        'timestamp',
        'aggregateType',
        'aggregateId',
        'correlationId',
        'payload',
        'metadata',
      ],
    },
  )
  .map((one) => one as Envelope)

export const storedFacts: fc.Arbitrary<{
  streamVersion: number
  position: number
  recordedAt: string
}> = fc.record({
  streamVersion: fc.integer({ min: 1 }),
  position: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  recordedAt: isoTime,
})
