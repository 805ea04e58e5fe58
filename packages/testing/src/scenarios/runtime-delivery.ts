import assert from 'node:assert/strict'
import { decodeEvent, defineEvent, defineTopic, type Envelope } from 'tidings'
import { rejection, scenario } from './expectations.ts'
import { faultyPublisher } from './faulty-publisher.ts'
import {
  firsts,
  forever,
  NAME,
  names,
  ofKey,
  openRuntime,
  OrderPlaced,
  parkedOf,
  range,
  recorder,
  type Order,
} from './runtime-kit.ts'
import { appendOf, sampleEvent, sampleSchema } from './sample-event.ts'
import type { Scenario, StoreHarness } from './scenario.ts'

const TEXTS: readonly string[] = [
  '',
  'Żółć, 漢字, עברית, 👩‍👩‍👧, é (in two)',
  '\t"quoted" \\ \r\n\u2028\u2029\u007f',
  'x'.repeat(700_000),
]

async function faithful(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const publisher = faultyPublisher()
  const got: Envelope[] = []
  const before = (order: Order): void => void got.push(order)
  const process = await runtime.start({ parts: [recorder({ before })], publisher })
  for (const [n, text] of TEXTS.entries()) {
    const payload = { key: 'a', n, text, nothing: null, list: [[], {}, [0.1, -1e-7]], yes: true }
    const event = sampleEvent(harness.ids, {
      stream: `Sample.Order/${n}`,
      definition: OrderPlaced,
      payload,
      causationId: harness.ids.newId(0),
      metadata: {
        tenant: 'Ünïted',
        actor: 'ann',
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      },
    })
    await runtime.store.append([appendOf('any', event)])
  }
  await process.caughtUp()
  const stored = await runtime.store.query({ types: [OrderPlaced.type] }).toArray()
  const byId = (events: readonly Envelope[]): readonly string[] => events.map(wireOf).toSorted()
  assert.deepEqual(byId(got), byId(stored), 'what a handler gets is what was stored')
  assert.equal(got.length, TEXTS.length)
  const records = publisher.inner.records('sample-orders')
  const sent = records.map(({ value }) => decodeEvent(value).envelope)
  assert.deepEqual(byId(sent), byId(stored), 'and so is what is sent')
  for (const [index, { headers, key }] of records.entries()) {
    const event = stored[index]
    assert.deepEqual(
      [headers['event_id'], headers['event_type'], headers['correlation_id'], key],
      [event?.eventId, event?.eventType, event?.correlationId, event?.aggregateId],
    )
    assert.equal(headers['traceparent'], event?.metadata.traceparent)
    assert.equal(headers['causation_id'], event?.causationId)
  }
}

/** What of an event is the same wherever it is. */
function wireOf(event: Envelope): string {
  const { eventId, eventType, eventVersion, timestamp, aggregateType, aggregateId } = event
  const { correlationId, causationId, payload } = event
  const { tenant, actor, traceparent } = event.metadata
  const whole = { eventId, eventType, eventVersion, timestamp, aggregateType, aggregateId }
  return JSON.stringify({
    ...whole,
    correlationId,
    causationId,
    payload,
    tenant,
    actor,
    traceparent,
  })
}

async function several(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen = new Map(['one', 'two', 'three'].map((name) => [name, [] as string[]]))
  const parts = [...seen].map(([name, mine]) =>
    recorder({
      name,
      seen: mine,
      before: ({ payload }) => {
        if (name === 'two' && payload.n === 2) throw new Error('not by me')
      },
    }),
  )
  const process = await runtime.start({ parts })
  await runtime.place('a', 1, 2, 3)
  await process.caughtUp()
  assert.deepEqual(seen.get('one'), names('a', 1, 3))
  assert.deepEqual(seen.get('two'), names('a', 1, 2), 'what fails one')
  assert.deepEqual(seen.get('three'), names('a', 1, 3), 'is nothing to the others')
  assert.deepEqual(await parkedOf(runtime.store, 'one'), [])
  assert.equal((await parkedOf(runtime.store, 'two')).length, 2)
}

async function topics(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const publisher = faultyPublisher()
  const payload = sampleSchema<Order['payload']>('n')
  const kinds = ['Opened', 'Changed', 'Closed', 'Renewed'].map((verb, index) =>
    defineEvent(`Sample.Account.${verb}`, {
      payload,
      ...(index === 3
        ? {}
        : { topic: defineTopic(`sample-${verb.toLowerCase()}`, { carries: 'facts' }) }),
    }),
  )
  const process = await runtime.start({ parts: kinds, publisher })
  for (const n of range(1, 5)) {
    for (const definition of kinds) {
      const stream = `Sample.Account/${n}`
      const event = sampleEvent(harness.ids, { stream, definition, payload: { key: 'a', n } })
      await runtime.store.append([appendOf('any', event)])
    }
  }
  await process.caughtUp()
  const { inner } = publisher
  assert.deepEqual(inner.topics.toSorted(), ['sample-changed', 'sample-closed', 'sample-opened'])
  for (const topic of inner.topics) {
    const types = inner.records(topic).map(({ headers }) => headers['event_type']?.toLowerCase())
    const own = `sample.account.${topic.slice('sample-'.length)}`
    assert.deepEqual(
      types,
      range(1, 5).map(() => own),
      'what is of another topic is not in it',
    )
  }
}

async function hangs(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const seen: string[] = []
  const before = ({ payload }: Order): unknown => (payload.key === 'a' ? forever() : undefined)
  const parts = [recorder({ seen, before, timeout: Number.POSITIVE_INFINITY })]
  const process = await runtime.start({ parts, delivery: { graceMs: 100 } })
  for (const n of range(1, 3)) for (const key of ['a', 'b', 'c']) await runtime.place(key, n)
  await runtime.until(async () => (await runtime.effects()).length === 6, 'the other keys')
  await runtime.clock.advance(10_000)
  assert.deepEqual(ofKey(seen, 'a'), ['a:1'], 'its own waits')
  await process.close()
}

async function closesBlocked(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const signals: AbortSignal[] = []
  const before = (_: Order, { signal }: { readonly signal: AbortSignal }): unknown => {
    signals.push(signal)
    return forever()
  }
  const parts = [recorder({ before })]
  const process = await runtime.start({ parts, delivery: { graceMs: 2000 } })
  await runtime.place('a', 1)
  await runtime.until(() => signals.length === 1, 'that it hangs')
  const startMs = runtime.clock.now()
  await Promise.all([process.close(), process.close(), process.close()])
  const tookMs = runtime.clock.now() - startMs
  assert.ok(tookMs >= 2000, `a handler has its time to end; it had ${tookMs} ms`)
  assert.ok(tookMs < 5000, `but no more than that; it had ${tookMs} ms`)
  assert.equal(signals[0]?.aborted, true, 'and is told')
  await process.close()
  const late = process.app.store.append({
    aggregateType: 'Sample.Order',
    aggregateId: 'a',
    events: OrderPlaced({ key: 'a', n: 2 }),
  })
  await rejection(late, 'an append after the close')
  assert.deepEqual(await runtime.effects(), [], 'it is not acknowledged')
  assert.deepEqual(await parkedOf(runtime.store), [], 'nor put aside')
  const second = await runtime.start({ parts: [recorder()] })
  await second.caughtUp()
  assert.deepEqual(await runtime.effects(), ['a:1'], 'but left to the next one')
}

async function afterErrors(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const before = ({ payload: { n } }: Order, { attempt }: { readonly attempt: number }): void => {
    if (n % 2 === 0 && attempt === 1) throw new Error('Once more')
    if (n % 7 === 0) throw new Error('Never')
  }
  const part = recorder({ before, key: ({ eventId }) => eventId, retry: { attempts: 2, delay: 1 } })
  const process = await runtime.start({ parts: [part] })
  await runtime.place('a', ...range(1, 60))
  await process.caughtUp()
  const handled = range(1, 60).filter((n) => n % 7 !== 0)
  assert.deepEqual((await runtime.effects()).toSorted(), handled.map((n) => `a:${n}`).toSorted())
  assert.equal((await parkedOf(runtime.store)).length, 60 - handled.length)
}

async function unknownType(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const passed: string[] = []
  const part = recorder({ events: 'Sample.Order.*' })
  const process = await runtime.start({ parts: [part] })
  process.app.observations.passedOver.observe(({ why, event }) =>
    passed.push(`${why} ${event.eventType}`),
  )
  const event = sampleEvent(harness.ids, {
    stream: 'Sample.Order/a',
    eventType: 'Sample.Order.Renewed',
  })
  await runtime.store.append([appendOf('any', event)])
  await runtime.place('a', 1)
  await runtime.until(async () => (await runtime.effects()).length > 0, 'what comes behind it')
  assert.ok(
    passed.includes('undeclared Sample.Order.Renewed'),
    'it is passed over, and that is seen',
  )
  assert.deepEqual(await parkedOf(runtime.store), [])
  await process.close()
}

async function throwingChoice(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const choose = ({ payload }: Order): boolean => {
    if (payload.n === 2) throw new TypeError('not for this one')
    return true
  }
  const parts = [
    recorder({ name: 'filtering', filter: choose }),
    recorder({ name: 'keying', key: (order) => `${order.payload.key}${choose(order)}` }),
  ]
  const process = await runtime.start({ parts })
  await runtime.place('a', 1, 2)
  await runtime.place('b', 1)
  await process.caughtUp()
  for (const name of ['filtering', 'keying']) {
    const parked = await parkedOf(runtime.store, name)
    assert.deepEqual(
      parked.map(({ reason, attempts }) => `${reason} ${attempts[0]?.error.name}`),
      ['failed TypeError'],
      `${name}: what its own function throws for is parked`,
    )
  }
  assert.deepEqual(firsts(await runtime.effects()).toSorted(), ['a:1', 'b:1'])
}

async function handsOver(harness: StoreHarness): Promise<void> {
  const runtime = await openRuntime(harness)
  const frozen: boolean[] = []
  const before = (order: Order): void => {
    frozen.push(Object.isFrozen(order) && Object.isFrozen(order.metadata))
    assert.throws(() => Object.assign(order, { eventId: '' }), TypeError)
  }
  const parts = ['one', 'two'].map((name) => recorder({ name, before }))
  const process = await runtime.start({ parts })
  await runtime.place('a', 1)
  await process.caughtUp()
  assert.deepEqual(frozen, [true, true], 'no handler changes what another one sees')
  assert.deepEqual(await parkedOf(runtime.store, NAME), [])
  assert.deepEqual(await runtime.effects(), ['a:1', 'a:1'])
}

/** How events come to handlers, and to topics. */
export const runtimeDeliveryScenarios: readonly Scenario[] = [
  scenario('A50', 'what is delivered and what is sent is what was stored', faithful),
  scenario('A51', 'every subscription gets every event, whatever becomes of it elsewhere', several),
  scenario('A52', 'each topic gets its own events; what has no topic is not sent', topics),
  scenario('A53', 'a handler that never ends holds up its key only', hangs),
  scenario('A54', 'a close, thrice, while a handler hangs: left to the next one', closesBlocked),
  scenario('A55', 'after many errors it goes on', afterErrors),
  scenario('A56', 'a type that nobody declared is passed over, and that is seen', unknownType),
  scenario('A57', 'a filter or key function that throws has its event parked', throwingChoice),
  scenario('A58', 'an event is frozen', handsOver),
]
