import type { DeliveryOptions, SubscriptionOptions } from 'tidings'
import {
  nameOf,
  openRuntime,
  OrderPlaced,
  parkedOf,
  recorder,
  type Order,
  type OrderPayload,
  type Process,
  type Runtime,
} from './runtime-kit.ts'
import { appendOf, sampleEvent } from './sample-event.ts'
import type { StoreHarness } from './scenario.ts'

/** A log, and processes whose handler fails on some of its events. */
export interface Failing {
  readonly runtime: Runtime
  /** Those that it fails on: `key:n`. */
  readonly broken: Set<string>
  /** Every event that a handler was given, in order. */
  readonly seen: string[]
  readonly start: (options?: FailingOptions) => Promise<Process>
  /** What is put aside, in order: `key:n reason`. */
  readonly parked: () => Promise<readonly string[]>
  /** An order without a number: it fits its contract nowhere. */
  readonly placeUnreadable: (key: string) => Promise<void>
}

export interface FailingOptions extends Partial<SubscriptionOptions<Order>> {
  /** Runs before it is looked whether the event is one of the broken ones. */
  readonly first?: (order: Order) => unknown
  readonly diesAfter?: number
  readonly delivery?: DeliveryOptions
}

export async function openFailing(
  harness: StoreHarness,
  ...failing: readonly string[]
): Promise<Failing> {
  const runtime = await openRuntime(harness)
  const broken = new Set(failing)
  const seen: string[] = []
  const start = ({
    first,
    diesAfter,
    delivery,
    ...options
  }: FailingOptions = {}): Promise<Process> => {
    const before = async (order: Order): Promise<void> => {
      await first?.(order)
      const name = nameOf(order.payload)
      if (broken.has(name)) throw new Error('It does not work')
    }
    return runtime.start({
      parts: [recorder({ seen, before, ...options })],
      ...(diesAfter === undefined ? {} : { diesAfter }),
      ...(delivery === undefined ? {} : { delivery }),
    })
  }
  const parked = async (): Promise<readonly string[]> => {
    const orders = await runtime.store.query({ types: [OrderPlaced.type] }).toArray()
    const byId = new Map(orders.map(({ eventId, payload }) => [eventId, payload as OrderPayload]))
    const letters = await parkedOf(runtime.store)
    return letters.map(({ eventId, reason }) => `${nameOf(byId.get(eventId)!)} ${reason}`)
  }
  const placeUnreadable = async (key: string): Promise<void> => {
    const event = sampleEvent(harness.ids, {
      stream: `Sample.Order/${key}`,
      definition: OrderPlaced,
      payload: { key },
    })
    await runtime.store.append([appendOf('any', event)])
  }
  return { runtime, broken, seen, start, parked, placeUnreadable }
}
