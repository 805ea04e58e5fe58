import {
  defineSubscription,
  PartialFailure,
  type BatchContext,
  type DeliveryContext,
  type Duration,
  type Envelope,
  type FailureAction,
  type FailureRule,
  type Subscription,
  type StoreTransaction,
  type WorkTransaction,
} from 'tidings'
import { Effect, EFFECT_AGGREGATE, OrderV1, OrderV2, type OrderPayload } from './contracts.ts'
import type { Journal, RunEnd } from './journal.ts'
import { recordOf } from './oracles.ts'
import type { Behaviour, SubscriptionShape } from './plan-types.ts'
import type { SimulatedProcess } from './process.ts'
import { SUBSCRIPTION } from './process-store.ts'
import { never } from './virtual-time.ts'

/** What a handler throws. */
export class SimulatedFailure extends Error {
  readonly code: Extract<RunEnd, `SIM_${string}`>

  constructor(code: SimulatedFailure['code'], n: number) {
    super(`Event ${n} failed`)
    this.name = 'SimulatedFailure'
    this.code = code
  }
}

export type Mishap =
  | 'throws'
  | 'hangs'
  | 'slow'
  | 'writes-late'
  | 'kills'
  | 'skip'
  | 'park'
  | 'stop'

/** What handlers of all processes share: what each event has coming. */
export interface HandlerWorld {
  readonly journal: Journal
  /** What happens to the next attempt of an event; drawing it uses it up. */
  readonly next: (n: number) => Behaviour
  readonly happened: (mishap: Mishap) => void
  /** A new number for a run of a handler. */
  readonly newRun: () => number
}

type Order = Envelope<string, OrderPayload>

interface Run {
  readonly n: number
  readonly run: number
  readonly context: Pick<DeliveryContext, 'attempt' | 'signal'>
}

/** The subscription of a history, as one process runs it. */
export function makeSubscription(
  shape: SubscriptionShape,
  process: SimulatedProcess,
  world: HandlerWorld,
  { knows, shards }: { readonly knows: 1 | 2; readonly shards: number },
): Subscription<typeof SUBSCRIPTION, StoreTransaction> {
  const handlers = new Handlers(shape, process, { world, shards })
  const options = {
    events: knows === 1 ? [OrderV1] : [OrderV2],
    order: shape.order,
    concurrency: shape.concurrency,
    shards,
    timeout: shape.timeoutMs,
    ...(shape.rate === undefined ? {} : { rate: shape.rate }),
    retry: {
      attempts: shape.attempts,
      delay: shape.delayMs,
      maxDelay: 1000,
      later: shape.laterMs as readonly Duration[],
      rules: [
        rule('SIM_SKIP', { skip: 'a rule says so' }),
        rule('SIM_PARK', 'park'),
        rule('SIM_STOP', 'stop'),
      ],
    },
    effects: shape.mode === 'grouped' ? ('database' as const) : ('anywhere' as const),
    maxParked: shape.maxParked,
    maxParkedOfKey: shape.maxParkedOfKey,
    outageAfter: shape.outageAfter,
    buffer: shape.buffer,
  }
  if (shape.mode === 'batch-plain' || shape.mode === 'batch-transaction') {
    return defineSubscription(SUBSCRIPTION, {
      ...options,
      batch: { size: shape.batchSize, age: shape.batchAgeMs },
      handleBatch: (events, ctx) => handlers.batch(events as readonly Order[], ctx),
    })
  }
  return defineSubscription(SUBSCRIPTION, {
    ...options,
    handle: (event, ctx) => handlers.single(event as Order, ctx),
  })
}

function rule(when: RunEnd, action: FailureAction): FailureRule {
  // oxlint-disable-next-line unicorn/no-thenable -- that is what a rule of a policy is called
  return { when, then: action }
}

class Handlers {
  readonly #shape: SubscriptionShape
  readonly #process: SimulatedProcess
  readonly #world: HandlerWorld
  readonly #shards: number

  constructor(
    shape: SubscriptionShape,
    process: SimulatedProcess,
    { world, shards }: { readonly world: HandlerWorld; readonly shards: number },
  ) {
    this.#shape = shape
    this.#process = process
    this.#world = world
    this.#shards = shards
  }

  single(event: Order, ctx: DeliveryContext): Promise<void> {
    const effect = this.#shape.mode === 'plain' ? undefined : () => write(ctx.tx, event)
    return this.#watch(this.#begin(event, ctx), effect)
  }

  /** One after the other; what fails is named, or fails the whole batch, as the mode says. */
  async batch(events: readonly Order[], ctx: BatchContext): Promise<void> {
    const failures: { readonly event: Envelope; readonly error: unknown }[] = []
    const isPlain = this.#shape.mode === 'batch-plain'
    for (const event of events) {
      ctx.signal.throwIfAborted()
      // The order that was kept so far is kept by the rest of the batch too.
      const before = failures.find((failure) => this.#holdsUp(failure.event as Order, event))
      if (before !== undefined) {
        failures.push({ event, error: before.error })
        continue
      }
      const effect = isPlain ? undefined : () => write(ctx.causedBy(event).tx, event)
      try {
        await this.#watch(this.#begin(event, ctx), effect)
      } catch (error) {
        if (!isPlain) throw error
        failures.push({ event, error })
      }
    }
    if (failures.length > 0) throw new PartialFailure(failures)
  }

  #holdsUp(before: Order, after: Order): boolean {
    const { order } = this.#shape
    return order === 'all' || (order === 'key' && before.payload.key === after.payload.key)
  }

  #begin({ eventId, payload: { n, key } }: Order, context: Run['context']): Run {
    const run = this.#world.newRun()
    const { name } = this.#process
    const { attempt } = context
    const isCut = (): boolean => context.signal.aborted
    if (!this.#process.isDead) {
      const subscription = recordOf(
        { eventId, key },
        { shards: this.#shards, order: this.#shape.order },
      )
      const began = { kind: 'began', process: name, subscription, n, run, attempt, isCut } as const
      this.#world.journal.write(began)
    }
    return { n, run, context }
  }

  async #watch(run: Run, effect: (() => Promise<void>) | undefined): Promise<void> {
    try {
      await this.#behave(run, effect)
    } catch (error) {
      const code = error instanceof SimulatedFailure ? error.code : 'other'
      this.#end(run, run.context.signal.aborted ? 'late' : code)
      throw error
    }
    this.#end(run, run.context.signal.aborted ? 'late' : 'right')
  }

  #end({ n, run }: Run, how: RunEnd): void {
    if (this.#process.isDead) return
    this.#world.journal.write({ kind: 'ended', process: this.#process.name, n, run, how })
  }

  async #behave({ n }: Run, effect: (() => Promise<void>) | undefined): Promise<void> {
    const { clock } = this.#process
    const behaviour = this.#world.next(n)
    if (behaviour.kind !== 'right') this.#world.happened(behaviour.kind)
    switch (behaviour.kind) {
      case 'slow':
        await clock.sleep(behaviour.ms)
        break
      case 'hangs':
        return never()
      case 'writes-late':
        await clock.sleep(this.#shape.timeoutMs * 1.5)
        break
      case 'kills':
        await effect?.()
        this.#process.die(`handling event ${n}`)
        return never()
      case 'throws':
        // Half of them have done something by then.
        if (n % 2 === 0) await effect?.()
        throw new SimulatedFailure('SIM_FAILED', n)
      case 'skip':
        throw new SimulatedFailure('SIM_SKIP', n)
      case 'park':
        throw new SimulatedFailure('SIM_PARK', n)
      case 'stop':
        throw new SimulatedFailure('SIM_STOP', n)
      case 'right':
        break
    }
    await effect?.()
    if (n % 3 === 0) await clock.sleep(1)
  }
}

function write(tx: WorkTransaction, { payload: { n, key } }: Order): Promise<void> {
  return tx.append({ aggregateType: EFFECT_AGGREGATE, aggregateId: key, events: Effect({ n }) })
}
