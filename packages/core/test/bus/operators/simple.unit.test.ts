import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../src/errors/usage-errors.ts'
import type { Work } from '../../../src/bus/operators/compose.ts'
import { filter } from '../../../src/bus/operators/filter.ts'
import { idempotent } from '../../../src/bus/operators/idempotent.ts'
import { isolate } from '../../../src/bus/operators/isolate.ts'
import { route } from '../../../src/bus/operators/route.ts'
import { timeout } from '../../../src/bus/operators/timeout.ts'
import { transform } from '../../../src/bus/operators/transform.ts'
import type { Handler } from '../../../src/bus/handler.ts'
import type { Envelope } from '../../../src/contract/envelope.ts'
import { settle } from '../../support/fake-clock.ts'
import { aContext, anEvent, throwing } from '../../support/handling.ts'

const fail: (error: unknown) => Handler = throwing

describe('filter', () => {
  test('hands on what fits, and answers with what the handler answers', () => {
    const even = filter(
      (event: Envelope) => Number(event.eventId) % 2 === 0,
      (event) => `handled ${event.eventId}`,
    )
    const answers = ['1', '2', '3', '4'].map((eventId) => even(anEvent({ eventId }), aContext()))
    expect(answers).toEqual([undefined, 'handled 2', undefined, 'handled 4'])
  })

  test('what the predicate throws is the failure', () => {
    const error = new Error('no')
    const broken = filter(() => {
      throw error
    }, fail('never called'))
    expect(() => broken(anEvent(), aContext())).toThrow(error)
  })
})

describe('transform', () => {
  test('hands on a new event, frozen, and leaves the one that came alone', () => {
    const event = anEvent({ metadata: { source: 'a' } })
    const heard: Envelope[] = []
    const adding = transform(
      (event: Envelope) => ({ ...event, metadata: { ...event.metadata, hostname: 'h' } }),
      (event) => void heard.push(event),
    )
    adding(event, aContext())
    expect(heard).toEqual([{ ...event, metadata: { source: 'a', hostname: 'h' } }])
    expect(Object.isFrozen(heard[0]) && Object.isFrozen(heard[0]!.metadata)).toBe(true)
    expect(event.metadata).toEqual({ source: 'a' })
  })

  test('hands on the same event where nothing is to change', () => {
    const event = anEvent()
    expect(
      transform(
        (event: Envelope) => event,
        (event) => event,
      )(event, aContext()),
    ).toBe(event)
  })

  test('waits for a promise', async () => {
    const later = transform(
      async (event: Envelope) => ({ ...event, aggregateId: 'b' }),
      (event) => event.aggregateId,
    )
    expect(await later(anEvent(), aContext())).toBe('b')
  })

  // As in production, where payloads come unfrozen.
  const unfrozen = (): Envelope => ({ ...anEvent(), payload: { tags: ['a'] }, metadata: {} })

  test.each<[string, (event: Envelope) => unknown]>([
    ['a field', (event) => Object.assign(event, { aggregateId: 'b' })],
    ['metadata', (event) => Object.assign(event.metadata, { hostname: 'h' })],
    ['the payload', (event) => Object.assign(event.payload as object, { added: 1 })],
    ['a list in it', (event) => (event.payload as { tags: string[] }).tags.push('b')],
    [
      'by deleting',
      (event) => Reflect.deleteProperty(event, 'x') && delete (event as { payload?: 1 }).payload,
    ],
    ['later', async (event) => Object.assign(event.metadata, { hostname: 'h' })],
  ])('one that changes the event itself is told so: %s', async (_what, change) => {
    const event = unfrozen()
    const before = structuredClone(event)
    const handler = transform(change as (event: Envelope) => Envelope, fail('never called'))
    const error = await Promise.resolve()
      .then(() => handler(event, aContext()))
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UsageError)
    expect((error as Error).message).toMatch(/tried to change Test\.Counter\.Updated itself/)
    expect((error as Error).cause).toBeInstanceOf(TypeError)
    expect(event).toEqual(before)
  })

  test.each([undefined, null, 1, {}])('one that answers with no event is told so: %s', (made) => {
    const handler = transform(() => made as never, fail('never called'))
    expect(() => handler(anEvent(), aContext())).toThrow(/answers with an event/)
  })

  test('another error stays what it is', () => {
    const error = new TypeError('x is not a function')
    const handler = transform((): Envelope => {
      throw error
    }, fail('never called'))
    expect(() => handler(anEvent(), aContext())).toThrow(error)
  })
})

describe('route', () => {
  const say = (word: string) => (event: Envelope) => `${word} ${event.eventType}`

  test('hands each event to the handler of its type', () => {
    const handler = route<Envelope>({ 'A.Made': say('a'), 'B.Made': say('b') })
    const answers = ['B.Made', 'A.Made'].map((eventType) =>
      handler(anEvent({ eventType }), aContext()),
    )
    expect(answers).toEqual(['b B.Made', 'a A.Made'])
  })

  test('several of a type are called one after the other, up to one that fails', async () => {
    const heard: string[] = []
    const gate = Promise.withResolvers<void>()
    const first = async (): Promise<void> => {
      heard.push('first begins')
      await gate.promise
      heard.push('first ends')
    }
    const second = (): void => void heard.push('second')
    const handler = route<Envelope>({ 'A.Made': [first, second, fail('no'), second] })
    const answer = Promise.resolve(handler(anEvent({ eventType: 'A.Made' }), aContext()))
    await settle()
    expect(heard).toEqual(['first begins'])
    gate.resolve()
    await expect(answer).rejects.toBe('no')
    expect(heard).toEqual(['first begins', 'first ends', 'second'])
  })

  test.each(['C.Made', 'constructor', '__proto__', 'toString'])(
    'an event without a route fails, goes to the default, or is done with: %s',
    (eventType) => {
      const event = anEvent({ eventType })
      const table = { 'A.Made': say('a') }
      expect(() => route<Envelope>(table)(event, aContext())).toThrow(
        `No route for ${eventType}; there are routes for A.Made`,
      )
      expect(route<Envelope>(table, { default: say('d') })(event, aContext())).toBe(
        `d ${eventType}`,
      )
      expect(route<Envelope>(table, { missing: 'ignore' })(event, aContext())).toBeUndefined()
    },
  )

  test('closes every handler once', async () => {
    const closed: string[] = []
    const closing = (name: string): Handler =>
      Object.assign(() => undefined, { close: () => void closed.push(name) })
    const both = closing('both')
    const handler = route<Envelope>(
      { 'A.Made': both, 'B.Made': [both, closing('b')] },
      { default: closing('d') },
    )
    await handler.close?.(aContext())
    expect(closed).toEqual(['both', 'b', 'd'])
  })
})

describe('isolate', () => {
  test.each<[string, Handler]>([
    ['thrown', fail(undefined)],
    ['rejected', async () => throwing(undefined)()],
  ])('gives an error its owner, and succeeds: %s', async (_how, handler) => {
    const owned: unknown[] = []
    const event = anEvent()
    await isolate(handler, (error, event) => void owned.push([error, event]))(event, aContext())
    expect(owned).toEqual([[undefined, event]])
  })

  test('what the owner throws is a failure', () => {
    const error = new Error('the owner failed')
    expect(() => isolate(fail('x'), fail(error) as never)(anEvent(), aContext())).toThrow(error)
  })

  test('a success is left as it is', () => {
    expect(isolate(() => 7, fail('never called') as never)(anEvent(), aContext())).toBe(7)
  })
})

describe('idempotent', () => {
  const counting = () => {
    const calls: string[] = []
    return { calls, count: (event: Envelope) => void calls.push(event.eventId) }
  }
  const send = (handler: Handler, ids: string): void => {
    for (const eventId of ids) void handler(anEvent({ eventId }), aContext())
  }

  test('handles an event once', () => {
    const { calls, count } = counting()
    send(idempotent({}, count), 'aabaab')
    expect(calls).toEqual(['a', 'b'])
  })

  test('forgets what was not seen longest', () => {
    const { calls, count } = counting()
    send(idempotent({ maxIds: 2 }, count), 'abacab')
    expect(calls.join('')).toBe('abcb')
  })

  test('goes by a key of its own', () => {
    const { calls, count } = counting()
    send(idempotent({ key: (event) => event.aggregateId }, count), 'abc')
    expect(calls).toEqual(['a'])
  })

  test('does not remember one that failed, at once or later', async () => {
    let calls = 0
    const failing = idempotent({}, () => {
      calls++
      if (calls === 1) throw new Error('1')
      return calls === 2 ? Promise.reject(new Error('2')) : calls
    })
    expect(() => failing(anEvent(), aContext())).toThrow('1')
    await expect(failing(anEvent(), aContext())).rejects.toThrow('2')
    expect(failing(anEvent(), aContext())).toBe(3)
    expect(failing(anEvent(), aContext())).toBeUndefined()
  })

  test('one that comes while the first is under way shares its outcome', async () => {
    const gates = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    let calls = 0
    const handler = idempotent({}, () => gates[calls++]!.promise)
    const both = [handler(anEvent(), aContext()), handler(anEvent(), aContext())]
    gates[0]!.reject(new Error('no'))
    const outcomes = await Promise.allSettled(both)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const again = handler(anEvent(), aContext())
    gates[1]!.resolve('yes')
    expect(await again).toBe('yes')
    expect(calls).toBe(2)
  })

  test('a handler that publishes its own event again does not meet itself', () => {
    let calls = 0
    const handler: Handler = idempotent({}, (event, ctx) => {
      calls++
      void handler(event, ctx)
    })
    void handler(anEvent(), aContext())
    expect(calls).toBe(1)
  })
})

describe('timeout', () => {
  test('gives up waiting, with the error that the handler’s signal has too', async () => {
    const ctx = aContext()
    let signal: AbortSignal | undefined
    const hanging = timeout({ ms: 50 }, (_event: Envelope, inner) => {
      ;({ signal } = inner)
      return new Promise(() => undefined)
    })
    const error = Promise.resolve(hanging(anEvent(), ctx)).catch((thrown: unknown) => thrown)
    await ctx.clock.advance(49)
    expect(signal?.aborted).toBe(false)
    await ctx.clock.advance(1)
    expect(await error).toMatchObject({ code: 'TIDINGS_TIMEOUT', timeoutMs: 50 })
    expect(signal?.reason).toBe(await error)
    expect(ctx.signal.aborted).toBe(false)
  })

  test.each<[string, () => unknown]>([
    ['a promise', () => Promise.resolve(7)],
    ['a value', () => 7],
  ])('in time nothing is left behind: %s', async (_what, handler) => {
    const ctx = aContext()
    let inner: AbortSignal | undefined
    const answer = timeout({ ms: 50 }, (_event, { signal }) => {
      inner = signal
      return handler()
    })(anEvent(), ctx)
    expect(await answer).toBe(7)
    await settle()
    expect(ctx.clock.sleeping).toBe(0)
    ctx.abort('later')
    expect(inner?.aborted).toBe(false)
  })

  test('a failure in time is the failure', async () => {
    const error = new Error('own')
    const ctx = aContext()
    expect(() => timeout({ ms: 50 }, fail(error))(anEvent(), ctx)).toThrow(error)
    await expect(timeout({ ms: 50 }, () => Promise.reject(error))(anEvent(), ctx)).rejects.toBe(
      error,
    )
    expect(ctx.reported).toEqual([])
  })

  test('a failure after its time is reported, unless it is the TimeoutError itself', async () => {
    const ctx = aContext()
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const answers = gates.map((gate) =>
      Promise.resolve(timeout({ ms: 50 }, () => gate.promise)(anEvent(), ctx)).catch(
        (thrown: unknown) => thrown,
      ),
    )
    await ctx.clock.advance(50)
    const [first] = await Promise.all(answers)
    const late = new Error('late')
    gates[0]!.reject(first)
    gates[1]!.reject(late)
    await settle()
    expect(ctx.reported).toEqual([late])
  })

  test('the outer signal reaches the handler', async () => {
    const ctx = aContext()
    const handler = timeout({ ms: 50 }, (_event: Envelope, { signal }) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    })
    const answer = expect(handler(anEvent(), ctx)).rejects.toBe('over')
    ctx.abort('over')
    await answer
  })
})

test('an operator is named as what it wraps, and as asynchronous', () => {
  async function mail(): Promise<void> {}
  function count(): void {}
  const facts = ({ name, isAsync }: Work<never>): unknown => [name, isAsync]
  expect(facts(timeout({ ms: 1 }, isolate(mail, fail('x') as never)))).toEqual(['mail', true])
  expect(facts(filter(() => true, count))).toEqual(['count', false])
  expect(facts(route<Envelope>({ a: count, b: mail }))).toEqual(['', true])
})

test('closing goes through to the innermost; all failures on the way are told', async () => {
  const closed: string[] = []
  const inner: Handler = Object.assign(() => undefined, { close: () => void closed.push('inner') })
  const handler = timeout(
    { ms: 1 },
    filter(
      () => true,
      isolate(inner, () => undefined),
    ),
  )
  await handler.close?.(aContext())
  expect(closed).toEqual(['inner'])
  const broken = (name: string): Handler =>
    Object.assign(() => undefined, { close: () => Promise.reject(new Error(name)) })
  const two = route<Envelope>({ a: broken('a'), b: broken('b') })
  await expect(two.close?.(aContext())).rejects.toMatchObject({
    errors: [new Error('a'), new Error('b')],
  })
  expect(
    filter(
      () => true,
      () => undefined,
    ).close,
  ).toBeUndefined()
})
