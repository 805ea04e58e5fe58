import * as z from 'zod'
import { concurrency } from '../packages/core/src/bus/operators/concurrency.ts'
import { PriorityQueue } from '../packages/core/src/bus/priority-queue.ts'
import { createEventBus } from '../packages/core/src/bootstrap/create-event-bus.ts'
import { defineEvent } from '../packages/core/src/contract/define-event.ts'
import type { Envelope } from '../packages/core/src/contract/envelope.ts'
import { systemClock } from '../packages/core/src/internal/clock.ts'
import { scaled, type Bench, type Running, type Setting, type Variant } from './harness/bench.ts'
import { importPeer } from './harness/peers.ts'
import { TunedBus, tunedPool } from './twins/tuned-bus.ts'
import '../packages/core/src/contract/zod-schemas.ts'

/** Long enough that what V8 compiles anew after the collection before a sample is a small part of it. */
const COUNT = 400_000
const payload = { orderId: 'order-1', amount: 42 }
const OrderPlaced = defineEvent('Bench.Order.Placed', {
  payload: z.object({ orderId: z.string(), amount: z.number() }),
})

let handled = 0
/** Distinct functions, as real handlers are: one shared by all would be inlined. */
const syncHandler = (): (() => void) => () => void handled++
const asyncHandler = (): (() => Promise<void>) => async () => {
  // oxlint-disable-next-line typescript/await-thenable -- the least that a handler can wait for
  await undefined
  handled++
}

/** What is published is said once, not anew for each sample: V8 would throw the loop's code away with it. */
function publishing(publish: () => Promise<unknown>, count: number, perEvent: number): Running {
  return { sample: () => loop(publish, count, perEvent) }
}

async function loop(
  publish: () => Promise<unknown>,
  count: number,
  perEvent: number,
): Promise<{ count: number }> {
  const before = handled
  for (let n = 0; n < count; n++) await publish()
  if (handled - before !== count * perEvent)
    throw new Error(`${handled - before} of ${count * perEvent} handlers ran`)
  return { count }
}

type Kind = 'sync' | 'async'
const handlersOf = (kind: Kind, count: number): (() => unknown)[] =>
  Array.from({ length: count }, () => (kind === 'sync' ? syncHandler() : asyncHandler()))

function ours(check: boolean, kind: Kind, handlers: number): Variant['start'] {
  return ({ scale }) => {
    const bus = createEventBus({ events: [OrderPlaced], check })
    for (const handler of handlersOf(kind, handlers)) bus.subscribe(OrderPlaced, handler)
    return publishing(() => bus.publish(OrderPlaced(payload)), scaled(COUNT, scale), handlers)
  }
}

function tuned(kind: Kind, handlers: number): Variant['start'] {
  return ({ scale }) => {
    const bus = new TunedBus()
    for (const handler of handlersOf(kind, handlers)) bus.subscribe('Bench.Order.Placed', handler)
    const publish = (): Promise<unknown> => bus.publish('Bench.Order.Placed', payload)
    return publishing(publish, scaled(COUNT, scale), handlers)
  }
}

interface Emittery {
  on(name: string, listener: () => unknown): void
  emit(name: string, data: unknown): Promise<void>
}

function emittery(kind: Kind, handlers: number): Variant['start'] {
  return async ({ scale }) => {
    const { default: Peer } = await importPeer<{ default: new () => Emittery }>('emittery')
    const bus = new Peer()
    for (const handler of handlersOf(kind, handlers)) bus.on('placed', handler)
    return publishing(() => bus.emit('placed', payload), scaled(COUNT, scale), handlers)
  }
}

const TYPES = 1000

/** 1,000 types with a handler each, published in a scattered order. */
function oursManyTypes(globs: number): Variant['start'] {
  return ({ scale }) => {
    const events = Array.from({ length: TYPES }, (_, n) =>
      defineEvent(`Bench.Order${n}.Placed`, {
        payload: z.object({ orderId: z.string(), amount: z.number() }),
      }),
    )
    const bus = createEventBus({ check: false })
    for (const event of events) bus.subscribe(event, syncHandler())
    for (let n = 0; n < globs; n++) bus.subscribe(`Other.Thing${n}.**`, syncHandler())
    let at = 0
    const next = (): Promise<unknown> => bus.publish(events[(at = (at + 7) % TYPES)]!(payload))
    return publishing(next, scaled(COUNT, scale), 1)
  }
}

interface NestBus {
  publish(event: object): void
  register(handlers: readonly object[]): void
}

/** What Nest's EventBus does for each handler: a filter of its own on the one Subject. */
function nestManyTypes(): Variant['start'] {
  return async ({ scale }) => {
    await importPeer('reflect-metadata')
    const { EventBus, EventsHandler } = await importPeer<{
      EventBus: new (...args: unknown[]) => NestBus
      EventsHandler: (type: unknown) => (target: unknown) => void
    }>('@nestjs/cqrs')
    const bus = new EventBus({}, {}, { publish: () => undefined }, {})
    const types = Array.from(
      { length: TYPES },
      (_, n) =>
        ({
          [`Order${n}`]: class {
            readonly payload = payload
          },
        })[`Order${n}`]!,
    )
    for (const type of types) {
      class HandlerOfType {
        handle(): void {
          handled++
        }
      }
      EventsHandler(type)(HandlerOfType)
      const instance = new HandlerOfType()
      // What Nest's container hands over: the instance, and that it depends on no request.
      bus.register([{ metatype: HandlerOfType, instance, isDependencyTreeStatic: () => true }])
    }
    let at = 0
    const next = async (): Promise<void> => bus.publish(new types[(at = (at + 7) % TYPES)]!())
    return publishing(next, scaled(COUNT / 400, scale), 1)
  }
}

/** With an observer each at `published` and `handled`; `publish, 1 sync` is the same with none. */
function observed(): Variant['start'] {
  return ({ scale }) => {
    const bus = createEventBus({ events: [OrderPlaced], check: false })
    bus.subscribe(OrderPlaced, syncHandler())
    let seen = 0
    bus.observations.published.observe(() => seen++)
    bus.observations.handled.observe(() => seen++)
    const publish = (): Promise<unknown> => bus.publish(OrderPlaced(payload))
    return {
      async sample() {
        const before = seen
        const done = await loop(publish, scaled(COUNT, scale), 1)
        if (seen - before !== 2 * done.count) throw new Error(`${seen - before} facts were seen`)
        return done
      },
    }
  }
}

/** Puts events into the queue and waits where it is full, as `enqueue` asks. */
function enqueued(): Variant['start'] {
  return ({ scale }) => {
    const bus = createEventBus({ events: [OrderPlaced], check: false })
    bus.subscribe(OrderPlaced, syncHandler())
    return {
      async sample() {
        const count = scaled(COUNT, scale)
        const before = handled
        for (let n = 0; n < count; n++) await bus.enqueue(OrderPlaced(payload))
        await bus.drain()
        if (handled - before !== count)
          throw new Error(`${handled - before} of ${count} were handled`)
        return { count }
      },
    }
  }
}

const WAVE = 1000

/** Waves of 1,000 tasks through a pool of ten, each over when its last task is. */
function pooledAt(task: (run: () => Promise<void>) => Promise<unknown>, scale: number): Running {
  return {
    async sample() {
      const run = asyncHandler()
      const waves = scaled(COUNT / WAVE, scale)
      const before = handled
      for (let wave = 0; wave < waves; wave++) {
        await Promise.all(Array.from({ length: WAVE }, () => task(run)))
      }
      if (handled - before !== waves * WAVE) throw new Error(`${handled - before} tasks ran`)
      return { count: waves * WAVE }
    },
  }
}

function oursPool({ scale }: Setting): Running {
  const event = {} as Envelope
  const handler = concurrency({ limit: 10 }, asyncHandler())
  const context = {
    listenerId: 'listener-1',
    name: 'pool',
    signal: new AbortController().signal,
    listenerSignal: new AbortController().signal,
    clock: systemClock,
    reportFailure: (error: unknown) => {
      throw error
    },
  }
  return pooledAt(() => handler(event, context) as Promise<unknown>, scale)
}

interface PQueue {
  add(task: () => Promise<void>): Promise<unknown>
}

async function peerPool({ scale }: Setting): Promise<Running> {
  const { default: Peer } = await importPeer<{ default: new (options: object) => PQueue }>(
    'p-queue',
  )
  const pool = new Peer({ concurrency: 10 })
  return pooledAt((run) => pool.add(run), scale)
}

const QUEUED = 10_000

function queue(make: () => { push(n: number): void; take(): unknown }): Variant['start'] {
  return ({ scale }): Running => {
    const filled = make()
    for (let n = 0; n < QUEUED; n++) filled.push(n)
    return {
      sample() {
        const count = scaled(COUNT * 2, scale)
        for (let n = 0; n < count; n++) {
          filled.push(n)
          if (filled.take() === undefined) throw new Error('the queue ran dry')
        }
        return { count }
      },
    }
  }
}

interface TinyQueue {
  push(item: object): void
  pop(): object | undefined
}

const informative = true
const variants: readonly Variant[] = [
  { name: 'publish, 1 sync', start: ours(false, 'sync', 1) },
  { name: 'publish checked, 1 sync', informative, start: ours(true, 'sync', 1) },
  { name: 'tuned loop, 1 sync', start: tuned('sync', 1) },
  { name: 'emittery, 1 sync', needsPeers: true, start: emittery('sync', 1) },
  { name: 'publish, 10 async', start: ours(false, 'async', 10) },
  { name: 'tuned loop, 10 async', start: tuned('async', 10) },
  { name: 'emittery, 10 async', needsPeers: true, start: emittery('async', 10) },
  { name: 'publish, 1,000 types', start: oursManyTypes(0) },
  { name: 'publish, 1,000 types, 10,000 globs beside', start: oursManyTypes(10_000) },
  { name: 'Nest EventBus, 1,000 types', needsPeers: true, start: nestManyTypes() },
  { name: 'publish observed, 1 sync', informative, start: observed() },
  { name: 'enqueue, 1 sync', informative, start: enqueued() },
  { name: 'pool of ten', start: oursPool },
  { name: 'tuned pool of ten', start: ({ scale }) => pooledAt(tunedPool(10), scale) },
  { name: 'p-queue of ten', informative, needsPeers: true, start: peerPool },
  {
    name: 'priority queue',
    start: queue(() => {
      const items = new PriorityQueue<number>()
      return { push: (n) => items.push(n, (n % 3) - 1), take: () => items.shift() }
    }),
  },
  {
    name: 'tinyqueue',
    needsPeers: true,
    async start(setting) {
      const { default: Peer } = await importPeer<{
        default: new (items: object[], compare: (a: never, b: never) => number) => TinyQueue
      }>('tinyqueue')
      return queue(() => {
        // A heap needs a number of its own to stay first in, first out.
        const items = new Peer(
          [],
          (a: { p: number; s: number }, b: { p: number; s: number }) => b.p - a.p || a.s - b.s,
        )
        let s = 0
        return { push: (n) => items.push({ n, p: (n % 3) - 1, s: s++ }), take: () => items.pop() }
      })(setting)
    },
  },
]

export const bench: Bench = {
  name: 'bus',
  summary:
    'publishing in the process against a tuned loop, emittery and Nest; the priority queue against tinyqueue',
  clock: 'cpu',
  shows: 'time',
  unit: 'operation',
  rounds: 15,
  warmups: 3,
  variants,
  goals: [
    { kind: 'ratio', variant: 'publish, 1 sync', reference: 'tuned loop, 1 sync', atMost: 1.3 },
    { kind: 'ratio', variant: 'publish, 1 sync', reference: 'emittery, 1 sync', atMost: 0.303 },
    // The most that could be reached.
    { kind: 'ratio', variant: 'tuned loop, 1 sync', reference: 'emittery, 1 sync' },
    { kind: 'ratio', variant: 'publish, 10 async', reference: 'tuned loop, 10 async', atMost: 1.3 },
    { kind: 'ratio', variant: 'publish, 10 async', reference: 'emittery, 10 async', atMost: 0.526 },
    {
      kind: 'ratio',
      variant: 'publish, 1,000 types',
      reference: 'Nest EventBus, 1,000 types',
      atMost: 0.004,
    },
    {
      kind: 'ratio',
      variant: 'publish, 1,000 types, 10,000 globs beside',
      reference: 'publish, 1,000 types',
      atMost: 1.1,
    },
    { kind: 'ratio', variant: 'pool of ten', reference: 'tuned pool of ten', atMost: 1.3 },
    { kind: 'ratio', variant: 'priority queue', reference: 'tinyqueue', atMost: 0.25 },
  ],
  notes: [
    'The tuned loop is one class with the features of a publish and none of its comfort: id, time, correlation and causation from the async context, isolated handlers, an outcome for each. No payload is checked in the compared rows, since no peer does it.',
    'Every publish is awaited, and every handler is counted. NODE_ENV=production for all rows: in development drafts are frozen too, and payloads to the bottom.',
    'What a publish to one synchronous handler is made of (perf, 330 to 400 ns): the time 60 (most of it the processor waiting for its counter), the frozen envelope 70 with what the call into C++ costs the code around it, entering the async context 55, a promise and its await 50, the map of listeners 15 where the type is another one, and 830 bytes that are allocated. emittery makes no id, no time and no context, and freezes nothing.',
    'Until lately each sample began with code that V8 had thrown away: every full collection that found no delivery under way took all code for the shape of one with it, and compiling it anew was 70 ms of the processor, a fifth of a sample. It is no matter of the bench alone, a bus is often quiet: one object of each shape is kept now. The bench had the same fault, and for all sides: the function that publishes is made once, not for each sample.',
    'Tried and kept: the result made where the promise is resolved with it, so that no `then` is searched (26 ns); a resource of async_hooks that is told its trigger (15 ns); the listeners of the last type at hand (a twentieth); the aggregate type told by the contract; drafts that are frozen only in development (an eighth of a publish, a quarter at 1,000 types); ids that share their ends. Tried and left: enterWith and back without a resource (161 ns instead of 118); one long-lived resource (20 ns less, but the other storages of the publisher would be lost); performance.now for Date.now (6 ns, and it does not follow the clock); a literal of its own for events without a cause, Array.isArray for instanceof, a frame without its depth (nothing); in the pool, an async function for those who wait, or a promise that is resolved by hand (a tenth and a quarter slower).',
  ],
}
