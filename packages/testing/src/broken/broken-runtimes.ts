import {
  memoryStore,
  type AnyModule,
  type AnyPart,
  type Clock,
  type ParkedStore,
  type ProgressChange,
  type Publisher,
  type Store,
  type StoreTransaction,
  type SubscriptionRecord,
  type SubscriptionStore,
  type TimerStore,
} from 'tidings'
import { turns } from '../scenarios/expectations.ts'
import type { StoreAdapter } from '../scenarios/run-scenario.ts'
import type { Patch } from '../scenarios/scenario.ts'
import {
  AdaptedSteps,
  changeClaims,
  ChangedTransactions,
  ForgettingWhatRanAhead,
  IgnoringTheFence,
  MovingApart,
} from './broken-consumers.ts'
import { HidingCommits, StoreWrapper } from './store-wrapper.ts'

/** A runtime with one promise broken on purpose, and the scenarios that must find it. */
export interface BrokenRuntime {
  /** What is wrong with it. */
  readonly fault: string
  readonly caughtBy: readonly [string, ...string[]]
  /** The store that it runs on, between which and the runtime the fault may be. */
  readonly adapter: StoreAdapter
  /** What its applications are changed by. */
  readonly patch: Partial<Patch>
}

// What is between the runtime and a sound store

/** Puts the mark where the last one that is done stands, whatever is before it. */
class PassingHoles extends AdaptedSteps {
  protected adapt(change: ProgressChange, { position }: SubscriptionRecord): ProgressChange {
    const { mark, ahead = [], ...fence } = change
    const to = Math.max(position, mark?.to ?? 0, ...ahead)
    return to === position ? fence : { ...fence, mark: { from: position, to } }
  }
}

class DroppingFollowers extends ChangedTransactions {
  protected changes(tx: StoreTransaction): Partial<StoreTransaction> {
    return { park: (events) => tx.park(events.filter(({ reason }) => reason !== 'behind')) }
  }
}

/** Takes all there is for done when it lets go. */
class LosingOnClose extends StoreWrapper {
  override get subscriptions(): SubscriptionStore {
    const { inner } = this
    return {
      ...changeClaims(inner.subscriptions, (claimed) => claimed),
      async release(fence) {
        const from = (await inner.subscriptions.find(fence.subscription))?.position ?? 0
        const to = await inner.head()
        if (to > from) {
          await inner.transaction((tx) => tx.progress({ ...fence, mark: { from, to } }))
        }
        await inner.subscriptions.release(fence)
      },
    }
  }
}

/** Begins some events before where it ended. */
class BeginningBefore extends AdaptedSteps {
  protected adapt(change: ProgressChange, { position }: SubscriptionRecord): ProgressChange {
    const { mark, ...rest } = change
    if (mark === undefined) return change
    return mark.to > position ? { ...rest, mark: { from: position, to: mark.to } } : rest
  }

  override get subscriptions(): SubscriptionStore {
    return changeClaims(this.inner.subscriptions, ({ record, ...claimed }) => ({
      ...claimed,
      record: { ...record, position: Math.max(0, record.position - 10) },
    }))
  }
}

function changeParked(inner: ParkedStore, changes: Partial<ParkedStore>): ParkedStore {
  return {
    find: (parkedId) => inner.find(parkedId),
    list: (...args) => inner.list(...args),
    count: (filter) => inner.count(filter),
    groups: (filter) => inner.groups(filter),
    keys: (...args) => inner.keys(...args),
    head: (...args) => inner.head(...args),
    sweep: (finishedBefore) => inner.sweep(finishedBefore),
    ...changes,
  }
}

class ForgettingWhatIsParked extends StoreWrapper {
  override get parked(): ParkedStore {
    return changeParked(this.inner.parked, { keys: async () => [] })
  }
}

/** Keeps the edit in the place of the original. */
class OverwritingOriginals extends ChangedTransactions {
  protected changes(tx: StoreTransaction): Partial<StoreTransaction> {
    return {
      park: (events) =>
        tx.park(
          events.map((event) => {
            if (event.edited === undefined || event.bytes === undefined) return event
            const wire = JSON.parse(new TextDecoder().decode(event.bytes)) as object
            const edited = { ...wire, payload: JSON.parse(event.edited) as unknown }
            return { ...event, bytes: new TextEncoder().encode(JSON.stringify(edited)) }
          }),
        ),
    }
  }
}

/** Counts no redrive: whatever fails again can be sent again for ever. */
class CountingNoRedrives extends ChangedTransactions {
  protected changes(tx: StoreTransaction): Partial<StoreTransaction> {
    return { park: (events) => tx.park(events.map((event) => ({ ...event, redrives: 0 }))) }
  }
}

class FiringEarly extends StoreWrapper {
  override get timers(): TimerStore {
    const { timers } = this.inner
    return {
      find: (timerId) => timers.find(timerId),
      due: (atMs, limit) => timers.due(atMs + 100, limit),
      next: () => timers.next(),
      list: (...args) => timers.list(...args),
      sweep: (dueBeforeMs) => timers.sweep(dueBeforeMs),
    }
  }
}

/** Never hears that the log goes on. */
class SleepingOn extends StoreWrapper {
  override waitBeyond(
    _: number,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  }

  override onCommitted(): () => void {
    return () => undefined
  }
}

// What is done to the subscriptions

interface Plan {
  readonly handle: ((event: unknown, ctx: unknown) => unknown) | undefined
  readonly retry: { readonly delayMs: number }
}

/** Changes what the subscriptions of an application are made of. */
function planned(change: (plan: Plan) => object): Partial<Patch> {
  const changePart = (part: AnyPart): AnyPart => {
    const { plan } = part as AnyPart & { readonly plan: Plan }
    if (part.kind !== 'subscription') return part
    return { ...part, plan: { ...plan, ...change(plan) } } as AnyPart
  }
  return {
    module: (module): AnyModule => ({ ...module, parts: module.parts.map(changePart) }),
  }
}

const retrying = (changes: object): Partial<Patch> =>
  planned(({ retry }) => ({ retry: { ...retry, ...changes } }))

/** Waits for a handler a little, and then takes it for done. */
const impatient = planned(({ handle }) => ({
  handle: (event: unknown, ctx: unknown) => Promise.race([handle?.(event, ctx), turns(10)]),
}))

const hasty = planned(({ retry }) => ({ retry: { ...retry, delayMs: retry.delayMs / 2 } }))

// What is done to the publisher

/** Changes how records are sent. */
function publishing(publish: (inner: Publisher) => Publisher['publish']): Partial<Patch> {
  return {
    publisher: (inner) => ({ publish: publish(inner), close: () => inner.close() }),
  }
}

const optimistic = publishing((inner) => async (records, options) => {
  await inner.publish(records, options)
  return records.map(() => ({ ok: true }))
})

const early = publishing((inner) => async (records, options) => {
  // The point of this fault: nobody waits for it.
  inner.publish(records, options).catch(() => undefined)
  return records.map(() => ({ ok: true }))
})

const reversed = publishing((inner) => async (records, options) => {
  const results = await inner.publish(records.toReversed(), options)
  return results.toReversed()
})

// The list

interface Made {
  readonly store?: (inner: Store) => Store
  readonly patch?: Partial<Patch>
}

const faults: readonly (readonly [
  fault: string,
  caughtBy: readonly [string, ...string[]],
  made: Made,
])[] = [
  ['acknowledges early', ['D61', 'A54'], { patch: impatient }],
  ['moves its progress past a hole', ['D61'], { store: (inner) => new PassingHoles(inner) }],
  [
    'forgets on restart what ran ahead',
    ['D60'],
    { store: (inner) => new ForgettingWhatRanAhead(inner) },
  ],
  [
    "drops a parked key's followers",
    ['F50', 'F60'],
    { store: (inner) => new DroppingFollowers(inner) },
  ],
  ['retries for ever', ['E01'], { patch: retrying({ attempts: 1e9 }) }],
  ['loses on close', ['D63', 'A54'], { store: (inner) => new LosingOnClose(inner) }],
  ['doubles on restart', ['D63'], { store: (inner) => new BeginningBefore(inner) }],
  ['ignores the fence', ['H53'], { store: (inner) => new IgnoringTheFence(inner) }],
  ['moves its mark apart from its effects', ['H53'], { store: (inner) => new MovingApart(inner) }],
  [
    'forgets on restart what is parked',
    ['F51', 'F58'],
    { store: (inner) => new ForgettingWhatIsParked(inner) },
  ],
  ['keeps no order within a key', ['A59', 'F50'], { patch: planned(() => ({ order: 'none' })) }],
  ['heeds no rule of its policy', ['E05', 'E06', 'E07'], { patch: retrying({ rules: [] }) }],
  ['tries nothing later', ['E08', 'F58'], { patch: retrying({ laterMs: [] }) }],
  ['waits half as long', ['E03', 'E17'], { patch: hasty }],
  ['lets handlers run too long', ['E14'], { patch: planned(() => ({ timeoutMs: 20_000 })) }],
  ['knows no outage', ['E15'], { patch: planned(() => ({ outageAfter: 1e9 })) }],
  ['skips what it cannot read', ['F53'], { patch: planned(() => ({ unreadable: 'skip' })) }],
  ['parks without a bound', ['F52'], { patch: planned(() => ({ maxParkedOfKey: 1e9 })) }],
  [
    'keeps an edit in the place of the original',
    ['F63'],
    { store: (inner) => new OverwritingOriginals(inner) },
  ],
  ['counts no redrives', ['F67'], { store: (inner) => new CountingNoRedrives(inner) }],
  ['runs more handlers than it may', ['A63'], { patch: planned(() => ({ concurrency: 1000 })) }],
  ['reads more than it may', ['A63'], { patch: planned(() => ({ buffer: 1e9 })) }],
  ['goes faster than it may', ['A68'], { patch: planned(() => ({ rate: Infinity })) }],
  ['always begins at the beginning', ['B71'], { patch: planned(() => ({ from: 'beginning' })) }],
  ['sleeps through what is appended', ['B75'], { store: (inner) => new SleepingOn(inner) }],
  ['is handed commits past a hole', ['H68'], { store: (inner) => new HidingCommits(inner) }],
  ['fires timers early', ['T50'], { store: (inner) => new FiringEarly(inner) }],
  ['takes refused records for sent', ['D56'], { patch: optimistic }],
  ['marks records before they are sent', ['D51', 'A62'], { patch: early }],
  ['sends a batch in another order', ['D50', 'D55'], { patch: reversed }],
]

/** The own test of `runtimeScenarios`: each of these must fail, by the scenarios that are there for it. */
export const brokenRuntimes: readonly BrokenRuntime[] = Object.freeze(
  faults.map(([fault, caughtBy, { store: make = (inner: Store) => inner, patch = {} }]) => ({
    fault,
    caughtBy,
    patch,
    adapter: {
      name: `a runtime that ${fault}`,
      shared: false,
      sql: false,
      createLog: (clock: Clock) => ({ open: () => make(memoryStore({ clock })) }),
    },
  })),
)
