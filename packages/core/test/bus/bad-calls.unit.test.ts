import { expect, test } from 'vitest'
import { createEventBus, type EventBusOptions } from '../../src/bootstrap/create-event-bus.ts'
import { ANY } from '../../src/bus/selector.ts'
import type { AnyEventDefinition } from '../../src/contract/definition.ts'
import { CounterUpdated, UpdateCounter } from '../support/counter.ts'
import { anEvent } from '../support/handling.ts'
import { openBus, type OpenBus } from '../support/open-bus.ts'

// What a program without types can get wrong: `any` by way of `never`.
const wrong = (value: unknown): never => value as never
const nothing = (): void => undefined
type Bus = OpenBus['bus']

function refusal(message: string): unknown {
  return expect.objectContaining({
    code: 'TIDINGS_ARGUMENT_INVALID',
    message: expect.stringContaining(message) as string,
  })
}

test.each<[call: (bus: Bus) => unknown, message: string]>([
  [
    (bus) => bus.subscribe(ANY, wrong(undefined)),
    "subscribe()'s handler is a function; got undefined",
  ],
  [(bus) => bus.subscribe(ANY, wrong({ priority: 1 })), 'got {"priority":1}'],
  [
    (bus) => bus.subscribe(ANY, nothing, wrong(5)),
    'What subscribe() takes as options is an object',
  ],
  [(bus) => bus.subscribe(ANY, nothing, wrong(null)), 'is an object; got null'],
  [
    (bus) => bus.subscribe(ANY, nothing, { priority: Number.NaN }),
    "subscribe()'s priority is a finite",
  ],
  [(bus) => bus.subscribe(ANY, nothing, { priority: Number.POSITIVE_INFINITY }), 'got Infinity'],
  [(bus) => bus.subscribe(ANY, nothing, { priority: wrong('high') }), 'got high'],
  [(bus) => bus.subscribe(ANY, nothing, { name: wrong(5) }), "subscribe()'s name is a text"],
  [(bus) => bus.subscribe(ANY, nothing, { name: '' }), "subscribe()'s name is a text"],
  [(bus) => bus.subscribe(ANY, nothing, { signal: wrong({}) }), 'is an AbortSignal; got {}'],
  [
    (bus) => bus.subscribe(ANY, nothing, { signal: wrong(new AbortController()) }),
    'got a value of AbortController',
  ],
  [(bus) => bus.subscribe(wrong(undefined), nothing), 'by definitions of events; got undefined'],
  [(bus) => bus.subscribe(wrong(UpdateCounter), nothing), "got the command 'Test.Counter.Update'"],
  [(bus) => bus.subscribe(wrong([CounterUpdated, 5]), nothing), 'got 5'],
  [(bus) => bus.subscribe(wrong(/x/), nothing), 'got a value of RegExp'],
  [(bus) => bus.subscribe('A..B', nothing), "'A..B' is no dotted name"],
  [(bus) => bus.once(ANY, wrong('on')), "once()'s handler is a function; got on"],
  [(bus) => bus.once(ANY, nothing, { priority: Number.NaN }), "once()'s priority"],
  [
    (bus) => bus.unsubscribe(wrong(bus.subscribe(ANY, nothing))),
    'the id of a listener; got {"id":',
  ],
  [
    (bus) => bus.unsubscribeHandler(wrong('listener-1')),
    'unsubscribeHandler() takes is a function',
  ],
  [(bus) => bus.events(ANY, { overflow: wrong('forget') }), "events()'s overflow is 'wait' or"],
  [
    (bus) => bus.events(ANY, { bufferSize: 0 }),
    "events()'s bufferSize is a whole number from 1 up",
  ],
  [
    (bus) => bus.events(ANY, { bufferSize: wrong('5') }),
    'bufferSize is a whole number from 1 up; got 5',
  ],
  [(bus) => bus.events(ANY, { signal: wrong('stop') }), "events()'s signal is an AbortSignal"],
  [(bus) => bus.events(ANY, wrong(100)), 'What events() takes as options is an object; got 100'],
  [(bus) => bus.enqueue(anEvent(), wrong('high')), 'What enqueue() takes as options is an object'],
  [(bus) => bus.enqueue(anEvent(), { priority: wrong('urgent') }), "A priority is 'high'"],
  [(bus) => bus.enqueue(anEvent(), { priority: wrong(null) }), "A priority is 'high'"],
  [(bus) => bus.enqueue(anEvent(), { signal: wrong(1) }), "enqueue()'s signal is an AbortSignal"],
  [(bus) => bus.enqueue(wrong(undefined)), 'a draft or an envelope; got undefined'],
  [(bus) => bus.publishSync(wrong('Test.Counter.Updated')), 'got Test.Counter.Updated'],
])('%#: a call that is refused with what is expected: %s', (call, message) => {
  const { bus } = openBus()
  expect(() => call(bus)).toThrow(refusal(message))
  expect(bus.queueSize).toBe(0)
})

test.each<[call: (bus: Bus) => Promise<unknown>, message: string]>([
  [
    (bus) => bus.publish(wrong(CounterUpdated)),
    "got the definition of 'Test.Counter.Updated'. Call it",
  ],
  [(bus) => bus.publish(wrong(null)), 'got null'],
  [(bus) => bus.publish(wrong({ eventType: 'A.B' })), 'without eventId, correlationId, metadata'],
  [(bus) => bus.publish(anEvent({ metadata: wrong(5) })), 'a field of the wrong kind'],
  [(bus) => bus.publish(anEvent(), wrong('fast')), 'What publish() takes as options is an object'],
  [(bus) => bus.publish(anEvent(), { signal: wrong(0) }), "publish()'s signal is an AbortSignal"],
  [(bus) => bus.waitFor(ANY, wrong({ timeoutMs: 5 })), 'predicate, which comes before its options'],
  [(bus) => bus.waitFor(ANY, undefined, { timeoutMs: wrong('5') }), "waitFor()'s timeoutMs"],
  [(bus) => bus.waitFor(ANY, undefined, { signal: wrong(true) }), "waitFor()'s signal"],
  [(bus) => bus.waitFor(ANY, undefined, wrong(5)), 'What waitFor() takes as options'],
  [(bus) => bus.waitFor(wrong(5)), 'got 5'],
  [(bus) => bus.drain({ signal: wrong('now') }), "drain()'s signal"],
  [(bus) => bus.drain(wrong(5)), 'What drain() takes as options'],
  [(bus) => bus.close({ signal: wrong('now') }), "close()'s signal"],
  [(bus) => bus.close(wrong(5)), 'What close() takes as options'],
])('%#: a call that rejects with what is expected: %s', async (call, message) => {
  const { bus } = openBus()
  await expect(call(bus)).rejects.toEqual(refusal(message))
  expect((await bus.publish(anEvent())).outcomes).toEqual([])
})

test.each<[options: EventBusOptions<AnyEventDefinition>, message: string]>([
  [wrong(5), 'What createEventBus() takes as options'],
  [{ events: wrong(CounterUpdated) }, "createEventBus()'s events is a list of definitions"],
  [{ events: wrong([UpdateCounter]) }, "createEventBus()'s events is a list of definitions"],
  [{ source: wrong(5) }, "createEventBus()'s source is a text"],
  [{ onFailure: wrong('log') }, "createEventBus()'s onFailure is a function"],
  [{ onUnhandled: wrong(true) }, "The bus's onUnhandled is a function"],
  [{ check: wrong('no') }, "The bus's check is true or false; got no"],
  [{ timings: wrong(1) }, "The bus's timings is true or false"],
  [{ clock: wrong({}) }, "createEventBus()'s clock.now is a function"],
  [{ clock: wrong({ now: Date.now }) }, "createEventBus()'s clock.sleep is a function"],
  [{ ids: wrong({}) }, "createEventBus()'s ids.newId is a function"],
  [{ queue: wrong(1000) }, "What the bus's queue takes as options"],
  [{ queue: { maxQueueSize: 0 } }, "The queue's maxQueueSize is a whole number from 1 up"],
  [{ queue: { concurrency: Number.NaN } }, "The queue's concurrency"],
  [{ queue: { agingMs: -1 } }, "The queue's agingMs"],
  [{ queue: { overflow: wrong('forget') } }, "The queue's overflow is 'wait' or 'reject'"],
])('%#: a bus that is refused with what is expected: %s', (options, message) => {
  expect(() => createEventBus(options)).toThrow(refusal(message))
})

test('an option that is undefined is one that was left out', async () => {
  const bus = createEventBus({
    queue: { maxQueueSize: wrong(undefined) },
    source: wrong(undefined),
  })
  expect(bus.enqueue(anEvent())).toBeUndefined()
  await bus.close()
})

test('a predicate that answers with a promise is refused: it would be true for all', async () => {
  const { bus, failures } = openBus()
  const stop = new AbortController()
  const waiting = bus.waitFor(
    ANY,
    wrong(async () => false),
    { signal: stop.signal },
  )
  await bus.publish(anEvent())
  expect(failures.map(({ error }) => error)).toEqual([refusal("waitFor()'s predicate")])
  stop.abort('over')
  await expect(waiting).rejects.toBe('over')
})
