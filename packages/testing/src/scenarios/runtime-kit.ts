import assert from 'node:assert/strict'
import {
  bootstrap,
  defineEvent,
  defineModule,
  defineSubscription,
  defineTopic,
  type AnyPart,
  type App,
  type DeliveryContext,
  type DeliveryOptions,
  type Envelope,
  type EventDefinition,
  type OperationRecord,
  type OperationRequest,
  type ParkedEvent,
  type Publisher,
  type RelayOptions,
  type Store,
  type SubscriptionOptions,
} from 'tidings'
import { fakeClock, type FakeClock, type ShiftedClock } from '../fakes/fake-clock.ts'
import { turns } from './expectations.ts'
import { appendOf, sampleEvent, sampleSchema } from './sample-event.ts'
import type { StoreHarness } from './scenario.ts'
import { quiet } from './quiet.ts'
import { severable, type SeverableStore } from './severable-store.ts'

/** What a process is started with. */
export interface ProcessOptions {
  readonly parts: readonly AnyPart[]
  readonly publisher?: Publisher
  readonly relay?: RelayOptions
  readonly delivery?: DeliveryOptions
  /** Another instance of the log than that of the others. */
  readonly store?: Store
  /** Calls of the store, and begins and ends of transactions, after which the process is dead. */
  readonly diesAfter?: number
  /** Told of every call of the store. */
  readonly onAsk?: (method: string) => void
  /** How far its clock is ahead of that of the others. */
  readonly skewMs?: number
  /** Chance of the jitter; the harness's own by default. */
  readonly random?: () => number
}

/** An application on a log, as one process runs it. */
export interface Process {
  readonly app: App
  /** It stops in good order. */
  close(): Promise<void>
  /** It is gone from one moment to the next; its lease runs out. */
  die(): void
  readonly isDead: boolean
  /** It stands still, and its lease runs out. What it was about to ask of the log it asks when it goes on. */
  freeze(): void
  thaw(): void
  /** From now on everything that it asks of the log fails with this; undefined: no longer. */
  troubledBy(error: Error | undefined): void
  /** Everything that is in the log now is handled, skipped or parked. */
  caughtUp(): Promise<void>
}

/** One log, one time, and the processes that run on it one after or beside the other. */
export interface Runtime {
  readonly store: Store
  /** Of the processes, not of the store: delays take no time. */
  readonly clock: FakeClock
  start(options: ProcessOptions): Promise<Process>
  /** Lets time pass until something is so. @throws {AssertionError} it never is */
  until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void>
  /** Lets time pass until something has ended. */
  during<Result>(work: Promise<Result>): Promise<Result>
  /** Appends an event for each number to the stream of a key. */
  place(key: string, ...numbers: readonly number[]): Promise<void>
  /** What the handlers have recorded through `ctx.tx`, in order: `key:n`. */
  effects(): Promise<readonly string[]>
}

export interface OrderPayload {
  readonly key: string
  readonly n: number
  readonly text?: string
}

export interface EffectPayload {
  readonly key: string
  readonly n: number
}

const orders = defineTopic('sample-orders', { carries: 'facts' })

/** What happens in the scenarios: it has a topic, and must have a number. */
export const OrderPlaced: EventDefinition<'Sample.Order.Placed', OrderPayload> = defineEvent(
  'Sample.Order.Placed',
  {
    payload: sampleSchema<OrderPayload>('n'),
    topic: orders,
  },
)
/** What a handler records: one for each event that it has handled. */
export const EffectRecorded: EventDefinition<'Sample.Effect.Recorded', EffectPayload> = defineEvent(
  'Sample.Effect.Recorded',
  {
    payload: sampleSchema<EffectPayload>('n'),
  },
)

export type Order = Envelope<string, OrderPayload>

/** Records the effect of an event in the transaction of its handler. */
export function recordEffect(
  { payload: { key, n } }: Order,
  ctx: Pick<DeliveryContext, 'tx'>,
): Promise<void> {
  return ctx.tx.append({
    aggregateType: 'Sample.Effect',
    aggregateId: key,
    events: EffectRecorded({ key, n }),
  })
}

/** Between two looks at first; more and more, so that three minutes are some thousands of them. */
const STEP_MS = 5
const LONGEST_STEP_MS = 1000
const MOST_STEPS = 3000

/** The name that a lease is held under, and how long it lasts, in the scenarios. */
const LEASE_MS = 10_000

/** Opens the log of a scenario for applications. */
export async function openRuntime(harness: StoreHarness): Promise<Runtime> {
  harness.clock.stop()
  const store = await harness.open()
  const links: SeverableStore[] = []
  const answered = quiet(() => sumOf(links.map((link) => (link.isSevered ? 0 : link.underWay))))
  const clock = moveTogether(fakeClock(harness.clock.now()), harness.clock, answered)
  const failures: unknown[] = []
  let started = 0

  const pass = async (isOver: () => boolean | Promise<boolean>, what: string): Promise<void> => {
    for (let steps = 0; !(await isOver()); steps++) {
      if (failures.length > 0)
        throw new AggregateError(failures, `A process failed: ${String(failures[0])}`)
      if (steps === MOST_STEPS) assert.fail(`It never came: ${what}`)
      // First whatever can go on at once, then what waits for the time.
      await turns()
      await clock.advance(Math.min(LONGEST_STEP_MS, STEP_MS * (1 + Math.floor(steps / 100))))
    }
  }
  const during = async <Result>(work: Promise<Result>): Promise<Result> => {
    let hasEnded = false
    const ended = work.finally(() => (hasEnded = true))
    // Told below: it may be rejected before anybody waits for it.
    ended.catch(() => undefined)
    await pass(() => hasEnded, 'the end of what was begun')
    return ended
  }
  const start = async (options: ProcessOptions): Promise<Process> => {
    const { parts, random = () => harness.random.next(), delivery } = options
    const { publisher, relay, diesAfter, onAsk, skewMs = 0 } = options
    const leaseMs = delivery?.leaseMs ?? LEASE_MS
    const runOut = (): void => harness.clock.shift(leaseMs + 1)
    const link = severable(options.store ?? store, { diesAfter, onDeath: runOut, onAsk })
    links.push(link)
    let isSpared = false
    const app: App = await bootstrap({
      ...(publisher === undefined ? {} : { publisher: harness.patch.publisher(publisher) }),
      ...(relay === undefined ? {} : { relay }),
      store: link.store,
      modules: [
        harness.patch.module(defineModule('sample', [...parts, OrderPlaced, EffectRecorded])),
      ],
      clock: skewMs === 0 ? clock : { ...clock, now: () => clock.now() + skewMs },
      ids: harness.ids,
      random,
      delivery: { owner: `process-${++started}`, leaseMs: LEASE_MS, pollMs: 500, ...delivery },
      onFailure: ({ error }) => {
        if (!isSpared && !link.isSevered) failures.push(error)
      },
    })
    return {
      app,
      close: () => during(app.close()),
      die: () => link.sever(),
      get isDead() {
        return link.isSevered
      },
      freeze() {
        isSpared = true
        link.freeze()
        runOut()
      },
      thaw: () => link.thaw(),
      troubledBy(error) {
        isSpared = true
        link.trouble = error
      },
      caughtUp: () => during(app.delivery.caughtUp()),
    }
  }
  return {
    store,
    clock,
    start,
    until: pass,
    during,
    place: (key, ...numbers) => placeOrders(harness, store, { key, numbers }),
    effects: async () => {
      const events = await store.query({ types: [EffectRecorded.type] }).toArray()
      return events.map(({ payload }) => nameOf(payload as OrderPayload))
    },
  }
}

/** The clocks of the processes, and that of the store: leases run out by the one, and are renewed by the other. */
function moveTogether(
  clock: FakeClock,
  store: ShiftedClock,
  answered: () => Promise<void>,
): FakeClock {
  return {
    now: () => clock.now(),
    sleep: (delayMs, options) => clock.sleep(delayMs, options),
    set: (timeMs) => clock.set(timeMs),
    get sleeping() {
      return clock.sleeping
    },
    async advance(ms) {
      for (let leftMs = Math.ceil(ms); leftMs > 0; leftMs -= LONGEST_STEP_MS) {
        const stepMs = Math.min(leftMs, LONGEST_STEP_MS)
        await answered()
        store.shift(stepMs)
        await clock.advance(stepMs)
      }
    },
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

async function placeOrders(
  { ids }: StoreHarness,
  store: Store,
  { key, numbers }: { readonly key: string; readonly numbers: readonly number[] },
): Promise<void> {
  const stream = `Sample.Order/${key}`
  for (const n of numbers) {
    const payload = { key, n }
    const event = sampleEvent(ids, { stream, definition: OrderPlaced, payload })
    await store.append([appendOf('any', event)])
  }
}

/** `key:n` */
export function nameOf({ key, n }: Pick<OrderPayload, 'key' | 'n'>): string {
  return `${key}:${n}`
}

/** `a:1` to `a:3` */
export function names(key: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `${key}:${from + index}`)
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

/** Those of a key, in their order. */
export function ofKey(all: readonly string[], key: string): string[] {
  return all.filter((name) => name.startsWith(`${key}:`))
}

/** What is asked for; of {@link NAME}, by ann, because it is mended, where it does not say. */
export type OperationWish = OperationRequest extends infer Request
  ? Request extends OperationRequest
    ? Omit<Request, 'by' | 'reason' | 'subscription'> &
        Partial<Pick<Request, 'by' | 'reason' | 'subscription'>>
    : never
  : never

/** Asks for an operation, and waits for its end. */
export async function carryOut(
  runtime: Runtime,
  { app }: Process,
  request: OperationWish,
): Promise<OperationRecord> {
  const asked = { subscription: NAME, by: 'ann', reason: 'mended', ...request } as OperationRequest
  const { operationId } = await app.admin.request(asked)
  const { operation } = await runtime.during(app.admin.ended(operationId))
  return operation
}

/** What a subscription that records what it handles is made of. */
export interface Recorder extends Partial<SubscriptionOptions<Order>> {
  readonly events?: EventDefinition<string, OrderPayload> | string
  readonly name?: string
  /** Every event that its handler was given, in order: `key:n`. */
  readonly seen?: string[]
  /** Runs before the effect is recorded. */
  readonly before?: (order: Order, ctx: DeliveryContext) => unknown
  /** Runs when it is recorded, before that is committed. */
  readonly after?: (order: Order, ctx: DeliveryContext) => unknown
}

/** A subscription whose handler records an effect of each order in its transaction. */
export function recorder(options: Recorder = {}): AnyPart {
  const { name = NAME, seen, before, after, events = OrderPlaced, ...rest } = options
  return defineSubscription(name, {
    events: events as typeof OrderPlaced,
    retry: { attempts: 1 },
    outageAfter: 1000,
    ...rest,
    handle: async (order, ctx) => {
      seen?.push(nameOf(order.payload))
      await before?.(order, ctx)
      await recordEffect(order, ctx)
      await after?.(order, ctx)
    },
  })
}

/** Never answers: what a handler that hangs does. */
export function forever(): Promise<never> {
  return new Promise(() => undefined)
}

/** The subscription of most scenarios. */
export const NAME = 'sample'

/** What is parked for a subscription, in order. */
export function parkedOf(store: Store, name: string = NAME): Promise<readonly ParkedEvent[]> {
  return store.parked.list({ subscription: name }, { limit: 100_000 })
}

/** The state of a subscription as this process sees it. */
export function stateOf({ app }: Process, name: string = NAME): string {
  return app.delivery.subscriptions.find((one) => one.name === name)?.state ?? 'none'
}

/** Without what came again: the first of each. */
export function firsts(all: readonly string[]): string[] {
  return [...new Set(all)]
}
