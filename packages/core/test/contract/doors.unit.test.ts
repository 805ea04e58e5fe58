import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  checkPayload,
  createIdSource,
  createRegistry,
  defineCommand,
  defineEvent,
  parsePayload,
  sealDraft,
  sealEnvelope,
  systemClock,
  toCorrelationId,
  type AnyEventDefinition,
  type ContractError,
  type Draft,
  type Envelope,
  type SealedEvent,
  type StoredEnvelope,
} from '../../src/contract.ts'

const SECRET = 'hunter2-4711'

// The same contract in three libraries: a secret at the top, in an object and in an array.
const sensitive = ['password', '/card/pin', '/keys/*/value'] as const
const schemas = {
  zod: z.object({
    id: z.string().min(1),
    password: z.string().regex(/^long/),
    card: z.object({ pin: z.number() }),
    keys: z.array(z.object({ value: z.enum(['a', 'b']) })),
    tags: z.array(z.string()).default([]),
  }),
  valibot: v.object({
    id: v.pipe(v.string(), v.minLength(1)),
    password: v.pipe(v.string(), v.regex(/^long/)),
    card: v.object({ pin: v.number() }),
    keys: v.array(v.object({ value: v.picklist(['a', 'b']) })),
    tags: v.optional(v.array(v.string()), []),
  }),
  arktype: type({
    id: 'string >= 1',
    password: /^long/,
    card: { pin: 'number' },
    keys: type({ value: "'a' | 'b'" }).array(),
    tags: type('string[]').default(() => []),
  }),
} as const

const define = defineEvent as unknown as (name: string, options: unknown) => AnyEventDefinition
const contracts = Object.entries(schemas).map(
  ([library, payload]) => [library, define('Vault.Entry.Created', { payload, sensitive })] as const,
)

const good = { id: '1', password: 'long enough', card: { pin: 1 }, keys: [{ value: 'a' }] }

function envelopeOf(payload: unknown): StoredEnvelope {
  return {
    eventId: '0b0e7a52-0000-4000-8000-000000000001',
    eventType: 'Vault.Entry.Created',
    eventVersion: 1,
    timestamp: '2026-11-21T09:30:00.000Z',
    aggregateType: 'Vault.Entry',
    aggregateId: '1',
    correlationId: toCorrelationId('flow'),
    payload,
    metadata: {},
    streamVersion: 1,
    position: 1,
    recordedAt: '2026-11-21T09:30:00.000Z',
  }
}

function seal(definition: AnyEventDefinition, payload: unknown, origin: object = {}): SealedEvent {
  const draft: Draft = { draftOf: definition.type, payload, options: {}, definition }
  return sealDraft(draft, {
    aggregateType: 'Vault.Entry',
    aggregateId: '1',
    correlationId: toCorrelationId('flow'),
    causationId: undefined,
    metadata: undefined,
    clock: systemClock,
    ids: createIdSource(),
    ...origin,
  })
}

/** Every way that a payload comes in, as a function that checks it. */
const doors: readonly [string, (definition: AnyEventDefinition, payload: unknown) => unknown][] = [
  ['a draft', (definition, payload) => seal(definition, payload).envelope.payload],
  ['a command', (definition, payload) => parsePayload(definition, payload)],
  [
    'an event of the log',
    (definition, payload) => createRegistry([definition]).read(envelopeOf(payload)).payload,
  ],
]

function errorOf(run: () => unknown): ContractError {
  try {
    run()
  } catch (error) {
    return error as ContractError
  }
  throw new Error('nothing was refused')
}

describe.each(contracts)('a contract in %s', (_, definition) => {
  it.each(doors)('%s: is checked, and defaults are filled in', (_, check) => {
    expect(check(definition, good)).toEqual({ ...good, tags: [] })
    expect(errorOf(() => check(definition, { ...good, id: 5 }))).toMatchObject({
      code: 'TIDINGS_PAYLOAD_INVALID',
      type: 'Vault.Entry.Created',
      issues: [{ pointer: '/id', actual: '5' }],
    })
  })

  it('import: is checked, and stays as it came', () => {
    const registry = createRegistry([definition])
    expect(checkPayload(registry, envelopeOf(good))).toBe(definition)
    expect(errorOf(() => checkPayload(registry, envelopeOf({})))).toMatchObject({
      code: 'TIDINGS_PAYLOAD_INVALID',
    })
  })

  it.each<[string, unknown]>([
    ['the field itself', { ...good, password: SECRET }],
    ['a field within a field', { ...good, card: { pin: SECRET } }],
    ['a field of any item', { ...good, keys: [{ value: 'a' }, { value: SECRET }] }],
    ['what holds the field', { ...good, card: [SECRET] }],
    ['what should hold it', { ...good, card: SECRET }],
    ['the list that holds it', { ...good, keys: SECRET }],
    ['all of it', SECRET],
    ['all of it, as a list', [SECRET]],
  ])('never shows a sensitive value: %s', (_, payload) => {
    for (const [, check] of doors) {
      const error = errorOf(() => check(definition, payload))
      expect(textOf(error)).not.toContain(SECRET)
      const shown = new Set(error.issues.map(({ actual }) => actual))
      shown.delete('nothing')
      expect([...shown]).toEqual(['[sensitive]'])
    }
  })
})

/** Everything of an error that may be logged: its message, stack, fields, and causes. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return [error.message, error.stack, JSON.stringify(error), textOf(error.cause)].join('\n')
}

describe('a sensitive value', () => {
  const Secret = define('Vault.Entry.Created', {
    version: 2,
    payload: z.object({ password: z.unknown() }),
    history: { 1: z.object({ password: z.string() }) },
    upcast: {
      1: (old: { password: string }): unknown => {
        throw new Error(`cannot use ${old.password}`)
      },
    },
    sensitive: ['password'],
    key: (payload: { password: string }) => [payload.password] as unknown as string,
  })

  it('is not in the error of an upcaster, whatever that one says', () => {
    const event = { ...envelopeOf({ password: SECRET }), eventVersion: 1 }
    const error = errorOf(() => createRegistry([Secret]).read(event))
    expect(error.code).toBe('TIDINGS_UPCAST_FAILED')
    expect(textOf(error)).not.toContain(SECRET)
  })

  it('is not in the error of a partition key that is no text', () => {
    const error = errorOf(() => seal(Secret, { password: SECRET }))
    expect(error).toMatchObject({ code: 'TIDINGS_ENVELOPE_INVALID', issues: [{ pointer: '/key' }] })
    expect(textOf(error)).not.toContain(SECRET)
  })

  it('is not in the error about what JSON cannot say', () => {
    const error = errorOf(() => seal(Secret, { password: `${SECRET}\0` }))
    expect(error.code).toBe('TIDINGS_PAYLOAD_NOT_JSON')
    expect(textOf(error)).not.toContain(SECRET)
  })
})

describe('sealing', () => {
  const Loose = defineEvent('Vault.Entry.Updated', { payload: z.record(z.string(), z.unknown()) })

  it.each<[string, unknown]>([
    ['a Date', new Date(0)],
    ['NaN', Number.NaN],
    ['-0', -0],
    ['an infinity', Number.POSITIVE_INFINITY],
    ['a bigint', 1n],
    ['a Map', new Map()],
    [
      'a class instance',
      new (class Money {
        cents = 1
      })(),
    ],
    ['a function', () => 1],
    ['U+0000', 'a\0b'],
    ['a lone surrogate', '\uD800'],
    ['undefined in an array', [undefined]],
    ['a hole in an array', [, 1]], // oxlint-disable-line no-sparse-arrays
  ])('refuses %s in a payload, with its place', (_, value) => {
    const draft = errorOf(() => seal(Loose, { deep: [{ value }] }))
    const foreign = errorOf(() => sealEnvelope(envelopeOf({ deep: [{ value }] }), undefined))
    for (const error of [draft, foreign]) {
      expect(error.code).toBe('TIDINGS_PAYLOAD_NOT_JSON')
      expect(error.issues[0]?.pointer).toMatch(/^\/deep\/0\/value/)
    }
  })

  it('refuses an event that is too large, by its bytes', () => {
    const text = 'é'.repeat(500)
    expect(errorOf(() => seal(Loose, { text }, { maxEventBytes: 1000 })).code).toBe(
      'TIDINGS_EVENT_TOO_LARGE',
    )
    expect(seal(Loose, { text }, { maxEventBytes: 1011 }).payloadJson).toHaveLength(511)
  })

  it('refuses an aggregate id that cannot be stored', () => {
    for (const aggregateId of ['', 'a\0', '\uDC00']) {
      expect(errorOf(() => seal(Loose, {}, { aggregateId })).issues[0]?.pointer).toBe(
        '/aggregate_id',
      )
    }
  })

  it('refuses an asynchronous schema, also one that fails later', async () => {
    const validate = async (): Promise<never> => {
      await Promise.resolve()
      throw new Error('late')
    }
    const late = { '~standard': { version: 1, vendor: 'own', validate } }
    const Late = define('Vault.Entry.Updated', { payload: late })
    expect(errorOf(() => seal(Late, 'x')).code).toBe('TIDINGS_SCHEMA_ASYNC')
    // An unobserved rejection would end the process in the next turn of the loop.
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('writes down the schema under which a payload was checked; an event from elsewhere has none', () => {
    expect(seal(Loose, {}).schemaHash).toMatch(/^[0-9a-f]{16}$/)
    expect(sealEnvelope(envelopeOf({}), Loose).schemaHash).toBeUndefined()
  })

  it('freezes envelope and payload', () => {
    const { envelope } = seal(Loose, { deep: { a: [1] } })
    expect(Object.isFrozen(envelope)).toBe(true)
    expect(Object.isFrozen((envelope.payload as { deep: { a: object } }).deep.a)).toBe(true)
  })

  it('freezes metadata to the bottom: what one handler adds to a list, the next one would see', () => {
    const metadata = { tags: ['a'], foreign: { members: { deep: [1] } } }
    const { envelope } = seal(Loose, {}, { metadata })
    const { tags, foreign } = envelope.metadata as typeof metadata
    expect([tags, foreign, foreign.members, foreign.members.deep].every(Object.isFrozen)).toBe(true)
  })

  it("freezes no list or object of its caller's metadata", async () => {
    const { createEventBus } = await import('../../src/bootstrap/create-event-bus.ts')
    const bus = createEventBus()
    const metadata = { tags: ['a'] }
    const { event } = await bus.publish(Loose({}, { metadata }))
    metadata.tags.push('b')
    expect(event.metadata).toEqual({ tags: ['a'] })
    expect(Object.isFrozen(event.metadata['tags'])).toBe(true)
    await bus.close()
  })

  it('keeps what the draft overrides', () => {
    const draft = Loose(
      {},
      {
        eventId: '0B0E7A52-0000-4000-8000-000000000001',
        timestamp: '2026-11-21T11:30:00+02:00',
        metadata: { actor: 'me' },
      },
    )
    const { envelope } = sealDraft(draft, {
      aggregateType: 'Vault.Entry',
      aggregateId: '1',
      correlationId: toCorrelationId('flow'),
      causationId: toCorrelationId('cause'),
      metadata: { actor: 'you', tenant: 't' },
      clock: systemClock,
      ids: createIdSource(),
    })
    expect(envelope).toMatchObject({
      eventId: '0b0e7a52-0000-4000-8000-000000000001',
      timestamp: '2026-11-21T09:30:00.000Z',
      causationId: toCorrelationId('cause'),
      metadata: { actor: 'me', tenant: 't' },
    } satisfies Partial<Envelope>)
  })
})

it('a command is checked at its door too', () => {
  const Create = defineCommand('Vault.Entry.Create', {
    payload: z.object({ id: z.string() }),
    sensitive: ['id'],
  })
  expect(textOf(errorOf(() => parsePayload(Create, { id: [SECRET] })))).not.toContain(SECRET)
})
