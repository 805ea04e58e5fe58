import { onTestFinished } from 'vitest'
import { z } from 'zod'
import type { App } from '../../src/bootstrap/app.ts'
import { bootstrap } from '../../src/bootstrap/bootstrap.ts'
import { defineEvent } from '../../src/contract/define-event.ts'
import { defineModule } from '../../src/contract/define-module.ts'
import {
  defineSubscription,
  type SubscriptionOptions,
} from '../../src/delivery/define-subscription.ts'
import type { BatchContext, DeliveryContext } from '../../src/delivery/delivery-context.ts'
import type { DeliveryOptions } from '../../src/delivery/delivery.ts'
import { StoreError } from '../../src/errors/store-errors.ts'
import { memoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { manualClock, type ManualClock } from './fake-clock.ts'
import { intercept, withOverrides } from './stores.ts'

export const OrderCreated = defineEvent('Shop.Order.Created', {
  payload: z.object({ key: z.string(), n: z.number() }),
})

type Order = (typeof OrderCreated)['~event']

export interface OrderOptions {
  readonly store: Store
  readonly clock: ManualClock
  readonly handle?: (event: Order, ctx: DeliveryContext) => unknown
  readonly handleBatch?: (events: readonly Order[], ctx: BatchContext) => unknown
  readonly subscription?: Partial<SubscriptionOptions<Order>>
  readonly delivery?: DeliveryOptions
  /** Its process dies in the test: then nobody closes it. */
  readonly isDoomed?: boolean
}

export interface OrderApp {
  readonly app: App
  /** Every state that the subscription came to, in order. */
  readonly states: string[]
  /** States are noted no more, and nobody observes the application. */
  readonly stopWatching: () => void
  /** Appends an order for each key; numbers go on. */
  readonly place: (...keys: readonly string[]) => Promise<void>
}

/** A store and the time that it goes by. */
export function openTimed(): { readonly store: Store; readonly clock: ManualClock } {
  const clock = manualClock()
  return { store: memoryStore({ clock }), clock }
}

/** An application with one subscription, `orders`, on a clock that the test moves. */
export async function startOrders(options: OrderOptions): Promise<OrderApp> {
  const { store, clock, handle, handleBatch, subscription, delivery } = options
  const orders = defineSubscription('orders', {
    events: OrderCreated,
    retry: { attempts: 1 },
    outageAfter: 1000,
    ...subscription,
    ...((handleBatch === undefined ? { handle } : { handleBatch, batch: { age: 0 } }) as {
      readonly handle: NonNullable<OrderOptions['handle']>
    }),
  })
  const app = (await bootstrap({
    store,
    clock,
    modules: [defineModule('shop', [OrderCreated, orders])],
    delivery: { pollMs: 20, leaseMs: 1000, graceMs: 0, ...delivery },
    onFailure: () => undefined,
  })) as unknown as App
  if (options.isDoomed !== true) {
    onTestFinished(async () => {
      const closed = app.close().then(() => true)
      await until(clock, () => closed)
    })
  }
  const states: string[] = []
  const watching = app.observations.subscription.observe(({ to }) => void states.push(to))
  let n = 0
  const place = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) {
      const events = OrderCreated({ key, n: ++n })
      await app.store.append({ aggregateType: 'Shop.Order', aggregateId: key, events })
    }
  }
  return { app, states, place, stopWatching: () => watching[Symbol.dispose]() }
}

/** Moves the clock until something is so. @throws when it is not within a minute of that clock */
export async function until(
  clock: ManualClock,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let left = 6000; left > 0; left--) {
    const answer = isSo()
    await clock.advance(10)
    if (answer instanceof Promise ? await Promise.race([answer, no()]) : answer) return
  }
  throw new Error('It did not come to that within a minute of the clock')
}

async function no(): Promise<boolean> {
  // After everything that is only a promise away.
  await new Promise((resolve) => setImmediate(resolve))
  return false
}

export function busy(): StoreError {
  return new StoreError('TIDINGS_STORE_BUSY', 'memory:', 'Too busy.', { retryable: true })
}

/** A method that fails so many times before it does what it should. */
export function failing<Args extends readonly unknown[], Result>(
  times: number,
  method: (...args: Args) => Promise<Result>,
  error: () => Error = busy,
): (...args: Args) => Promise<Result> {
  let left = times
  return async (...args) => {
    if (left-- > 0) throw error()
    return method(...args)
  }
}

/** A store as a process sees it, and what ends the process: nothing that it does from then on has an effect. */
export function severable(store: Store): { readonly store: Store; readonly sever: () => void } {
  let isSevered = false
  const port = intercept(store, (_method, call) =>
    isSevered ? new Promise(() => undefined) : call(),
  )
  // Its application closes with the test, and the store does not belong to it.
  const seen = withOverrides(port, { close: async () => undefined })
  return {
    store: seen,
    sever: () => {
      isSevered = true
    },
  }
}
