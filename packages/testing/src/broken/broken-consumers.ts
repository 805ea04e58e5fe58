import {
  memoryStore,
  type ClaimedProgress,
  type Lease,
  type LeaseStore,
  type OperationRecord,
  type OperationStore,
  type ParkedEvent,
  type ParkedStore,
  type ProgressChange,
  type Store,
  type StoreTransaction,
  type SubscriptionRecord,
  type SubscriptionStore,
  type TimerStore,
} from 'tidings'
import type { StoreAdapter } from '../scenarios/run-scenario.ts'
import { changeTransaction, StoreWrapper } from './store-wrapper.ts'

/** A store that does one of a transaction's calls in its own way. */
export abstract class ChangedTransactions extends StoreWrapper {
  protected abstract changes(tx: StoreTransaction): Partial<StoreTransaction>

  override transaction<Result>(
    work: (tx: StoreTransaction) => Promise<Result>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Result> {
    return this.inner.transaction((tx) => work(changeTransaction(tx, this.changes(tx))), options)
  }
}

/** What a step would have to be for the store to take it. */
export abstract class AdaptedSteps extends ChangedTransactions {
  protected abstract adapt(change: ProgressChange, record: SubscriptionRecord): ProgressChange

  protected changes(tx: StoreTransaction): Partial<StoreTransaction> {
    return {
      progress: async (change) => {
        const record = await this.inner.subscriptions.find(change.subscription)
        await tx.progress(record === undefined ? change : this.adapt(change, record))
      },
    }
  }
}

export class IgnoringTheFence extends AdaptedSteps {
  protected adapt(
    change: ProgressChange,
    { token, generation }: SubscriptionRecord,
  ): ProgressChange {
    return { ...change, token, generation }
  }
}

class MovingFromAnywhere extends AdaptedSteps {
  protected adapt(change: ProgressChange, { position }: SubscriptionRecord): ProgressChange {
    const { mark } = change
    return mark === undefined ? change : { ...change, mark: { from: position, to: mark.to } }
  }
}

/** Looks at the fence only where there is something to write. */
class TakingChecksForNothing extends ChangedTransactions {
  protected changes(tx: StoreTransaction): Partial<StoreTransaction> {
    return {
      progress: async (change) => {
        if (change.mark !== undefined || change.ahead !== undefined) await tx.progress(change)
      },
    }
  }
}

/** Commits a step in a transaction of its own, once the effects are there. */
export class MovingApart extends StoreWrapper {
  override async transaction<Result>(
    work: (tx: StoreTransaction) => Promise<Result>,
  ): Promise<Result> {
    const steps: ProgressChange[] = []
    const progress = async (change: ProgressChange): Promise<void> => void steps.push(change)
    const result = await this.inner.transaction((tx) => work(changeTransaction(tx, { progress })))
    for (const change of steps) await this.inner.transaction((tx) => tx.progress(change))
    return result
  }
}

class LosingHistory extends ChangedTransactions {
  protected changes(tx: StoreTransaction): Partial<StoreTransaction> {
    const shorten = (event: ParkedEvent): ParkedEvent => ({
      ...event,
      history: event.history.slice(-1),
    })
    return { park: (events) => tx.park(events.map(shorten)) }
  }
}

/** Takes an operation as a whole from whoever carries it out. */
class OverwritingCancels extends ChangedTransactions {
  readonly #put = new Map<string, OperationRecord>()

  protected changes(tx: StoreTransaction): Partial<StoreTransaction> {
    return {
      putOperations: async (operations) => {
        await tx.putOperations(operations)
        for (const operation of operations) this.#put.set(operation.operationId, operation)
      },
    }
  }

  override get operations(): OperationStore {
    const { operations } = this.inner
    return {
      request: (operation) => operations.request(operation),
      list: (...args) => operations.list(...args),
      cancel: (...args) => operations.cancel(...args),
      find: async (operationId) =>
        this.#put.get(operationId) ?? (await operations.find(operationId)),
      sweep: (...args) => operations.sweep(...args),
    }
  }
}

/** However many it was allowed to. */
class SweepingAll extends StoreWrapper {
  override get operations(): OperationStore {
    const { operations } = this.inner
    return {
      request: (operation) => operations.request(operation),
      find: (operationId) => operations.find(operationId),
      list: (...args) => operations.list(...args),
      cancel: (...args) => operations.cancel(...args),
      sweep: (endedBefore) => operations.sweep(endedBefore),
    }
  }
}

class FiringCancelled extends ChangedTransactions {
  protected changes(tx: StoreTransaction): Partial<StoreTransaction> {
    return {
      fireTimer: async (timerId, fired) => {
        await tx.fireTimer(timerId, fired)
        return true
      },
    }
  }
}

/** Answers for the subscriptions of a store, but for what a claim brings. */
export function changeClaims(
  inner: SubscriptionStore,
  change: (claimed: ClaimedProgress) => ClaimedProgress,
): SubscriptionStore {
  return {
    find: (name) => inner.find(name),
    list: () => inner.list(),
    countAhead: (name) => inner.countAhead(name),
    describe: (fence, status) => inner.describe(fence, status),
    setPaused: (fence, paused) => inner.setPaused(fence, paused),
    reset: (fence, position) => inner.reset(fence, position),
    begin: (fence, position) => inner.begin(fence, position),
    release: (fence) => inner.release(fence),
    claim: async (claim) => change(await inner.claim(claim)),
  }
}

export class ForgettingWhatRanAhead extends StoreWrapper {
  override get subscriptions(): SubscriptionStore {
    return changeClaims(this.inner.subscriptions, (claimed) => ({ ...claimed, ahead: [] }))
  }
}

class ForgettingWhatWasBegun extends StoreWrapper {
  override get subscriptions(): SubscriptionStore {
    return changeClaims(this.inner.subscriptions, (claimed) => ({ ...claimed, begun: new Map() }))
  }
}

class LeasingTwice extends StoreWrapper {
  override get leases(): LeaseStore {
    const { leases } = this.inner
    return {
      acquire: async (name, owner, ttlMs) =>
        (await leases.acquire(name, owner, ttlMs)) ?? (await leases.find(name)),
      renew: (lease, ttlMs) => leases.renew(lease, ttlMs),
      release: (lease) => leases.release(lease),
      find: (name) => leases.find(name),
      list: () => leases.list(),
    }
  }
}

/** Numbers the holders of a lease anew once somebody has let it go. */
class RestartingTokens extends StoreWrapper {
  readonly #released = new Map<string, number>()

  override get leases(): LeaseStore {
    const { leases } = this.inner
    const shown = (lease: Lease | undefined): Lease | undefined =>
      lease && { ...lease, token: lease.token - (this.#released.get(lease.name) ?? 0) }
    const real = (lease: Lease): Lease => ({
      ...lease,
      token: lease.token + (this.#released.get(lease.name) ?? 0),
    })
    return {
      acquire: async (...args) => shown(await leases.acquire(...args)),
      renew: async (lease, ttlMs) => shown(await leases.renew(real(lease), ttlMs)),
      find: async (name) => shown(await leases.find(name)),
      list: async () => (await leases.list()).map((lease) => shown(lease) as Lease),
      release: async (lease) => {
        const { token } = real(lease)
        await leases.release({ ...lease, token })
        this.#released.set(lease.name, token)
      },
    }
  }
}

class SweepingUnfinished extends StoreWrapper {
  override get parked(): ParkedStore {
    const { parked } = this.inner
    return {
      find: (parkedId) => parked.find(parkedId),
      list: (...args) => parked.list(...args),
      count: (filter) => parked.count(filter),
      groups: (filter) => parked.groups(filter),
      keys: (...args) => parked.keys(...args),
      head: (...args) => parked.head(...args),
      sweep: async (finishedBefore, limit) => {
        const all = await parked.list({})
        const old = all.filter(({ changedAt }) => changedAt < finishedBefore)
        const done = old.map((event): ParkedEvent => ({ ...event, state: 'discarded' }))
        await this.inner.transaction((tx) => tx.park(done))
        return parked.sweep(finishedBefore, limit)
      },
    }
  }
}

class FiringEarly extends StoreWrapper {
  override get timers(): TimerStore {
    const { timers } = this.inner
    return {
      find: (timerId) => timers.find(timerId),
      due: (atMs, limit) => timers.due(atMs + 1, limit),
      next: () => timers.next(),
      list: (...args) => timers.list(...args),
      sweep: (...args) => timers.sweep(...args),
    }
  }
}

/** What is wrong, by which scenarios it is found, and how it is made. */
export type ConsumerFault = readonly [
  fault: string,
  caughtBy: readonly [string, ...string[]],
  make: (inner: Store) => Store,
]

export const consumerFaults: readonly ConsumerFault[] = [
  ['ignores the fence', ['H03', 'H04', 'H06'], (inner) => new IgnoringTheFence(inner)],
  ['moves a mark apart from its effects', ['H04'], (inner) => new MovingApart(inner)],
  ['takes a check for nothing', ['H03'], (inner) => new TakingChecksForNothing(inner)],
  ['moves a mark from any value', ['D01'], (inner) => new MovingFromAnywhere(inner)],
  [
    'forgets at a claim what ran ahead',
    ['D03', 'D30'],
    (inner) => new ForgettingWhatRanAhead(inner),
  ],
  ['forgets at a claim what was begun', ['D05'], (inner) => new ForgettingWhatWasBegun(inner)],
  ['gives a lease to two', ['H20', 'H22'], (inner) => new LeasingTwice(inner)],
  ['counts tokens anew after a release', ['H21'], (inner) => new RestartingTokens(inner)],
  ['loses the history of a parked event', ['F02'], (inner) => new LosingHistory(inner)],
  ['forgets what is unfinished', ['F06'], (inner) => new SweepingUnfinished(inner)],
  ['takes the wish to cancel away', ['F33'], (inner) => new OverwritingCancels(inner)],
  ['forgets more than it was allowed to', ['F35'], (inner) => new SweepingAll(inner)],
  ['fires a timer that was cancelled', ['T03'], (inner) => new FiringCancelled(inner)],
  ['finds timers that are not due yet', ['T02'], (inner) => new FiringEarly(inner)],
]

/** Knows what it saw for as long as it is open. */
class ForgettingOnReopening extends ChangedTransactions {
  readonly #opened: number

  constructor(inner: Store, opened: number) {
    super(inner)
    this.#opened = opened
  }

  protected changes(tx: StoreTransaction): Partial<StoreTransaction> {
    return { once: (consumer, id) => tx.once(`${consumer}@${this.#opened}`, id) }
  }

  /** The log outlives its store. */
  override async close(): Promise<void> {}
}

/** A log that can be opened again and again, of which the inbox is new each time. */
export function forgettingInbox(fault: string): StoreAdapter {
  return {
    name: `a store that ${fault}`,
    shared: true,
    sql: false,
    createLog(clock) {
      const inner = memoryStore({ clock })
      let opened = 0
      return { open: () => new ForgettingOnReopening(inner, ++opened) }
    },
  }
}
