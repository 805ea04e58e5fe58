import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  checkPayload,
  createRegistry,
  defineEvent,
  schemaHash,
  sealEnvelope,
  toCorrelationId,
  type ContractError,
  type StoredEnvelope,
} from '../../src/contract.ts'

const V1 = z.object({ title: z.string() })
const V2 = z.object({ title: z.string(), tags: z.array(z.string()) })
const V3 = z.object({
  title: z.string(),
  tags: z.array(z.string()),
  owner: z.string().default('nobody'),
})

const Created = defineEvent('Todo.Item.Created', {
  version: 3,
  payload: V3,
  history: { 1: V1, 2: V2 },
  upcast: { 1: (old) => ({ ...old, tags: [] }), 2: (old) => ({ ...old, title: old.title.trim() }) },
  aliases: ['TodoCreated'],
  key: (payload) => payload.owner,
})
const registry = createRegistry([Created])

function stored(fields: Partial<StoredEnvelope>): StoredEnvelope {
  return {
    eventId: '019a0000-0000-7000-8000-000000000001',
    eventType: 'Todo.Item.Created',
    eventVersion: 3,
    timestamp: '2026-11-21T09:30:00.000Z',
    aggregateType: 'Todo.Item',
    aggregateId: '1',
    correlationId: toCorrelationId('flow'),
    payload: { title: 'milk', tags: [], owner: 'me' },
    metadata: {},
    streamVersion: 1,
    position: 1,
    recordedAt: '2026-11-21T09:30:00.000Z',
    ...fields,
  }
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as ContractError).code
  }
  return 'none'
}

describe('an event from the log', () => {
  it('comes back as the same object when it was written under the schema of today', () => {
    const event = stored({ schemaHash: schemaHash(V3)! })
    expect(registry.read(event)).toBe(event)
  })

  it('is parsed again when its hash is absent or another, once', () => {
    for (const hash of [{}, { schemaHash: 'of another day' }]) {
      const read = registry.read(stored({ payload: { title: 'milk', tags: [] }, ...hash }))
      expect(read.payload).toEqual({ title: 'milk', tags: [], owner: 'nobody' })
      expect(registry.read(read)).toBe(read)
    }
  })

  it('is upcast from any version, and reads as the current one', () => {
    expect(registry.read(stored({ eventVersion: 1, payload: { title: ' milk ' } }))).toMatchObject({
      eventVersion: 3,
      payload: { title: 'milk', tags: [], owner: 'nobody' },
      schemaHash: schemaHash(V3),
    })
    const two = registry.read(stored({ eventVersion: 2, payload: { title: 'a', tags: ['x'] } }))
    expect(two.payload).toEqual({ title: 'a', tags: ['x'], owner: 'nobody' })
  })

  it('is never changed in place, and what comes back is frozen', () => {
    const event = stored({ eventVersion: 1, payload: Object.freeze({ title: 'milk' }) })
    const read = registry.read(Object.freeze(event))
    expect(event.payload).toEqual({ title: 'milk' })
    expect(Object.isFrozen(read)).toBe(true)
    expect(Object.isFrozen(read.payload)).toBe(true)
  })

  it('under an old name reads under the current one, also where nothing else is to be done', () => {
    for (const eventType of ['TodoCreated', 'TODO_ITEM_CREATED']) {
      const event = stored({ eventType, schemaHash: schemaHash(V3)! })
      expect(registry.read(event)).toEqual({ ...event, eventType: 'Todo.Item.Created' })
    }
  })

  it('of a type that nobody declared comes back as it is', () => {
    const event = stored({ eventType: 'T02 Check confirmation of receipt' })
    expect(registry.read(event)).toBe(event)
  })

  it('of a newer version is refused', () => {
    expect(codeOf(() => registry.read(stored({ eventVersion: 4 })))).toBe('TIDINGS_VERSION_UNKNOWN')
  })

  it('that does not fit the version it says is refused', () => {
    expect(codeOf(() => registry.read(stored({ eventVersion: 1, payload: { title: 5 } })))).toBe(
      'TIDINGS_PAYLOAD_INVALID',
    )
    expect(codeOf(() => registry.read(stored({ payload: { title: 5 } })))).toBe(
      'TIDINGS_PAYLOAD_INVALID',
    )
  })

  it('is checked after each step, also between them', () => {
    const Broken = defineEvent('Todo.Item.Created', {
      version: 3,
      payload: V3,
      history: { 1: V1, 2: V2 },
      upcast: { 1: () => ({ title: 'x', tags: 'none' }) as never, 2: (old) => old },
    })
    const read = (): unknown =>
      createRegistry([Broken]).read(stored({ eventVersion: 1, payload: { title: 'a' } }))
    expect(codeOf(read)).toBe('TIDINGS_UPCAST_FAILED')
    expect(read).toThrow('the upcaster of version 1 made no version 2')
  })

  it('whose upcaster throws is refused with the cause', () => {
    const Throwing = defineEvent('Todo.Item.Created', {
      version: 2,
      payload: V2,
      upcast: {
        1: (): never => {
          throw new RangeError('no tags')
        },
      },
    })
    try {
      createRegistry([Throwing]).read(stored({ eventVersion: 1 }))
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({
        code: 'TIDINGS_UPCAST_FAILED',
        cause: expect.any(RangeError) as unknown,
      })
      expect((error as Error).message).toContain('RangeError: "no tags"')
    }
  })
})

describe('an event from outside', () => {
  it('is checked at its own version, and stays as it came', () => {
    const event = stored({ eventVersion: 1, payload: { title: ' milk ', extra: true } })
    expect(checkPayload(registry, event)).toBe(Created)
    expect(event.payload).toEqual({ title: ' milk ', extra: true })
    expect(codeOf(() => checkPayload(registry, stored({ eventVersion: 1, payload: {} })))).toBe(
      'TIDINGS_PAYLOAD_INVALID',
    )
    expect(codeOf(() => checkPayload(registry, stored({ eventVersion: 9 })))).toBe(
      'TIDINGS_VERSION_UNKNOWN',
    )
    expect(checkPayload(registry, stored({ eventType: 'Foreign' }))).toBeUndefined()
  })

  it("is sealed as it came, with the key that today's contract tells", () => {
    const sealed = sealEnvelope(stored({ eventVersion: 1, payload: { title: ' milk ' } }), Created)
    expect(sealed.payloadJson).toBe('{"title":" milk "}')
    expect(sealed.key).toBe('nobody')
    expect(sealed.schemaHash).toBeUndefined()
  })
})
