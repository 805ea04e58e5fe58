import type {
  ClaimedProgress,
  CommitListener,
  OperationStore,
  ParkedEvent,
  Store,
  StoreTransaction,
  SubscriptionRecord,
  SubscriptionStore,
} from 'tidings'
import { Caution, type Care } from '../../../core/src/delivery/caution.ts'
import { Deadlines } from '../../../core/src/delivery/deadlines.ts'
import { Lanes } from '../../../core/src/delivery/lanes.ts'
import { Outage } from '../../../core/src/delivery/outage.ts'
import { ParkedIndex } from '../../../core/src/delivery/parked-index.ts'
import { ProgressTracker, type ProgressPlan } from '../../../core/src/delivery/progress-tracker.ts'
import { ProgressWriter } from '../../../core/src/delivery/progress-writer.ts'
import { ShardShare } from '../../../core/src/delivery/shard-share.ts'
import { readRecordName } from '../../../core/src/delivery/shards.ts'
import { changeTransaction, StoreWrapper } from '../../src/broken/store-wrapper.ts'
import { SUBSCRIPTION } from './process-store.ts'

/** A line of the runtime that is wrong on purpose. */
export interface PlantedBug {
  readonly name: string
  /** It takes so many histories that it is looked for only by `TIDINGS_ALL_BUGS=1`. */
  readonly isRare?: boolean
  /** Breaks the runtime. @returns what mends it */
  readonly plant?: () => () => void
  /** Breaks what the runtime is told, or what it writes. */
  readonly givesStore?: (store: Store) => Store
}

/** Replaces a method; the new one gets the old one. @returns what puts the old one back */
function patch<Name extends string, Method extends (...args: never) => unknown>(
  prototype: Record<Name, Method>,
  name: Name,
  change: (old: Method) => Method,
): () => void {
  const old = prototype[name]
  prototype[name] = change(old)
  return () => {
    prototype[name] = old
  }
}

const NO_CARE: Care = { isWatched: false, isAlone: false }

const inRuntime: readonly PlantedBug[] = [
  {
    name: 'moves the mark over a hole',
    plant: () =>
      patch(
        ProgressTracker.prototype,
        'plan',
        (old) =>
          function plan(this: ProgressTracker, positions: readonly number[]): ProgressPlan {
            const { mark, ahead }: ProgressPlan = old.call(this, positions)
            if (mark !== undefined || ahead === undefined) return { mark, ahead }
            return { mark: { from: this.mark, to: Math.max(...ahead) } }
          },
      ),
  },
  {
    name: 'does not write down what ran ahead',
    plant: () =>
      patch(
        ProgressTracker.prototype,
        'plan',
        (old) =>
          function plan(this: ProgressTracker, positions: readonly number[]): ProgressPlan {
            const { mark }: ProgressPlan = old.call(this, positions)
            return { mark }
          },
      ),
  },
  {
    name: 'commits effects without their progress',
    plant: () => patch(ProgressWriter.prototype, 'within', () => async () => ({})),
  },
  {
    name: 'drops what is parked where nothing else is written',
    plant: () =>
      patch(
        ProgressWriter.prototype,
        'done',
        (old) =>
          function done(this: ProgressWriter, position: number): Promise<void> {
            return old.call(this, position)
          },
      ),
  },
  {
    name: 'does not park the follower of a parked event',
    plant: () => patch(ParkedIndex.prototype, 'has', () => () => false),
  },
  {
    name: 'forgets a parked key when its first event is done',
    plant: () =>
      patch(
        ParkedIndex.prototype,
        'finished',
        () =>
          function finished(this: ParkedIndex, key: string): void {
            this.forget(key)
          },
      ),
  },
  {
    name: 'never tries again what is parked',
    plant: () => patch(ParkedIndex.prototype, 'runnable', () => () => []),
  },
  {
    name: 'handles two events of a key at the same time',
    plant: () =>
      patch(
        Lanes.prototype,
        'next',
        (old) =>
          function next(this: Lanes<unknown>, key: string): unknown {
            const item = old.call(this, key)
            this.release(key)
            return item
          },
      ),
  },
  {
    name: 'puts an event back behind those of its key',
    plant: () =>
      patch(
        Lanes.prototype,
        'putBack',
        () =>
          function putBack(this: Lanes<unknown>, key: string, item: unknown): void {
            this.add(key, item)
          },
      ),
  },
  {
    name: 'is careful about nothing after a death',
    isRare: true,
    plant: () => patch(Caution.prototype, 'of', () => () => NO_CARE),
  },
  {
    name: 'never ends an outage',
    plant: () => patch(Outage.prototype, 'succeeded', () => () => false),
  },
  {
    name: 'takes a commit that was not answered for one that was not done',
    isRare: true,
    plant: () =>
      patch(
        ProgressTracker.prototype,
        'abandoned',
        (old) =>
          function abandoned(this: ProgressTracker, { mark }: ProgressPlan): void {
            old.call(this, { mark })
          },
      ),
  },
  {
    name: 'waits for a handler for ever',
    plant: () => patch(Deadlines.prototype, 'watch', () => () => undefined),
  },
]

/** Changes the subscriptions of a store. */
class OtherSubscriptions extends StoreWrapper {
  readonly #changes: Partial<SubscriptionStore>

  constructor(
    inner: Store,
    change: (subscriptions: SubscriptionStore) => Partial<SubscriptionStore>,
  ) {
    super(inner)
    this.#changes = change(inner.subscriptions)
  }

  override get subscriptions(): SubscriptionStore {
    return { ...this.inner.subscriptions, ...this.#changes }
  }
}

/** Changes the transactions of a store. */
class OtherTransactions extends StoreWrapper {
  readonly #change: (tx: StoreTransaction) => Partial<StoreTransaction>

  constructor(inner: Store, change: (tx: StoreTransaction) => Partial<StoreTransaction>) {
    super(inner)
    this.#change = change
  }

  override transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    return this.inner.transaction((tx) => work(changeTransaction(tx, this.#change(tx))))
  }
}

/** Tells of commits as if the event behind them were in them too. */
class Overstating extends StoreWrapper {
  override onCommitted(listener: CommitListener): () => void {
    return this.inner.onCommitted(({ after, upTo, count, events }) =>
      listener({ after, upTo: upTo + 1, count, events }),
    )
  }
}

function claimsAs(change: (claimed: ClaimedProgress) => ClaimedProgress): (store: Store) => Store {
  return (store) =>
    new OtherSubscriptions(store, (subscriptions) => ({
      claim: async (claim) => change(await subscriptions.claim(claim)),
    }))
}

function isOpen({ state }: ParkedEvent): boolean {
  return state === 'parked' || state === 'redriving'
}

function oneFurther(record: SubscriptionRecord): SubscriptionRecord {
  return { ...record, position: record.position + 1 }
}

const atStore: readonly PlantedBug[] = [
  {
    name: 'forgets at a restart what ran ahead',
    givesStore: claimsAs((claimed) => ({ ...claimed, ahead: [] })),
  },
  {
    name: 'takes every end of a process for a good one',
    isRare: true,
    givesStore: claimsAs((claimed) => ({ ...claimed, wasReleased: true })),
  },
  {
    name: 'begins one event too late after a reset',
    givesStore: (store) =>
      new OtherSubscriptions(store, (subscriptions) => ({
        reset: async (fence, position) => oneFurther(await subscriptions.reset(fence, position)),
      })),
  },
  {
    name: 'loses what waits behind a parked event',
    givesStore: (store) =>
      new OtherTransactions(store, (tx) => ({
        park: (events) => tx.park(events.filter(({ reason }) => reason !== 'behind')),
      })),
  },
  {
    name: 'writes under the fence of its successor',
    givesStore: (store) =>
      new OtherTransactions(store, (tx) => ({
        progress: async (change) => {
          const record = await store.subscriptions.find(change.subscription)
          return tx.progress({ ...change, token: record?.token ?? change.token })
        },
      })),
  },
  {
    name: 'takes what it is handed for more than it is',
    givesStore: (store) => new Overstating(store),
  },
  {
    name: 'forgets when a parked event is due',
    givesStore: (store) =>
      new OtherTransactions(store, (tx) => ({
        park: (events) =>
          tx.park(events.map((event) => (isOpen(event) ? { ...event, dueAt: undefined } : event))),
      })),
  },
]

const inShards: readonly PlantedBug[] = [
  {
    name: 'lets go of no shard when another process comes',
    plant: () => {
      const old = Object.getOwnPropertyDescriptor(ShardShare.prototype, 'excess')!
      Object.defineProperty(ShardShare.prototype, 'excess', { ...old, get: () => [] })
      return () => void Object.defineProperty(ShardShare.prototype, 'excess', old)
    },
  },
  {
    name: 'counts a shard as its own when it has let it go',
    plant: () => patch(ShardShare.prototype, 'leave', () => () => undefined),
  },
  {
    name: 'begins a shard one event too late',
    givesStore: (store) =>
      new OtherSubscriptions(store, (subscriptions) => ({
        claim: (claim) =>
          subscriptions.claim(
            isShard(claim.name) ? { ...claim, startAt: claim.startAt + 1 } : claim,
          ),
      })),
  },
  {
    name: 'believes for ever how many shards there were at first',
    givesStore: (store) => {
      let first: Promise<readonly SubscriptionRecord[]> | undefined
      return new OtherSubscriptions(store, (subscriptions) => ({
        list: async () => {
          const all = await (first ?? subscriptions.list())
          if (all.some(({ name }) => readRecordName(name).name === SUBSCRIPTION)) {
            first ??= Promise.resolve(all)
          }
          return all
        },
      }))
    },
  },
  {
    name: 'forgets that it has begun with a reset',
    givesStore: (store) =>
      new OtherOperations(store, (operations) => ({
        list: async (...asked) =>
          (await operations.list(...asked)).map((operation) => ({ ...operation, progress: {} })),
      })),
  },
  {
    name: 'takes a redrive for over when one shard is done with it',
    isRare: true,
    givesStore: (store) =>
      new OtherOperations(store, (operations) => ({
        find: async (operationId) => {
          const found = await operations.find(operationId)
          if (found === undefined || !found.subscription.includes('#0/')) return found
          return { ...found, state: 'done' }
        },
      })),
  },
]

function isShard(record: string): boolean {
  return readRecordName(record).index !== undefined
}

/** Changes the operations of a store. */
class OtherOperations extends StoreWrapper {
  readonly #changes: Partial<OperationStore>

  constructor(inner: Store, change: (operations: OperationStore) => Partial<OperationStore>) {
    super(inner)
    this.#changes = change(inner.operations)
  }

  override get operations(): OperationStore {
    return { ...this.inner.operations, ...this.#changes }
  }
}

export const plantedBugs: readonly PlantedBug[] = [...inRuntime, ...atStore, ...inShards]
