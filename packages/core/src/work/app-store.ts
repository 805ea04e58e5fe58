import type { AnyAggregate } from '../contract/define-aggregate.ts'
import type { StoredEnvelope } from '../contract/envelope.ts'
import { isGlob } from '../contract/glob.ts'
import type { Registry } from '../contract/registry.ts'
import { currentFrame } from '../internal/flow.ts'
import { mapReader } from '../store/event-reader.ts'
import type {
  EventFilter,
  EventReader,
  ReadOptions,
  ReadStreamOptions,
  Store,
  StoreTransaction,
  StreamAppend,
} from '../store/store.ts'
import { causeOf, type Cause, type Environment } from './origin.ts'
import { loadState, type LoadOptions } from './repository.ts'
import { isRepeat, readBack, toStoredEvents } from './stored-events.ts'
import { sealAppends, UnitOfWork, type EventAppend, type WorkTransaction } from './unit-of-work.ts'

/** What an aggregate is at some version of its stream. */
export interface Loaded<State> {
  readonly state: State
  /** 0 where there is no event. */
  readonly version: number
}

export interface TransactionOptions {
  readonly signal?: AbortSignal
  /** Rather than that of the code that calls. */
  readonly correlationId?: string
}

/**
 * The log as an application sees it: drafts in, checked against their contracts; events out, as their
 * contracts are today. What is committed here is then published in the process.
 */
export interface AppStore<Tx extends StoreTransaction = StoreTransaction> {
  /**
   * Appends events to one or several streams, all or nothing.
   *
   * @returns the events as they are stored, in order of position
   * @throws {ContractError} a payload does not fit its contract; nothing was stored
   * @throws {ConcurrencyError} a stream is not at its expected version; nothing was stored
   */
  append(...appends: readonly EventAppend[]): Promise<readonly StoredEnvelope[]>
  /**
   * Events ready to be appended by a transaction that is not the store's own: checked against their
   * contracts, with ids, and with what led to them. Nothing is stored by it.
   *
   * @throws {ContractError} a payload does not fit its contract
   */
  seal(...appends: readonly EventAppend[]): readonly StreamAppend[]
  /**
   * Runs `work` in one transaction: its events, and its own rows where the store has SQL, are committed
   * together when it resolves, and only then published; nothing of it is left when it rejects.
   */
  transaction<Result>(
    work: (tx: WorkTransaction<Tx>) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>
  /** The state of an aggregate, from its snapshot and the events after it; `to` for an earlier version. */
  load<A extends AnyAggregate>(
    aggregate: A,
    id: string,
    options?: LoadOptions,
  ): Promise<Loaded<A['~state']>>
  readStream(stream: string, options?: ReadStreamOptions): EventReader
  readAll(options?: ReadOptions): EventReader
  /** `types` also takes aliases and enum names, and finds events that were stored under an alias. */
  query(filter: EventFilter, options?: ReadOptions): EventReader
  findEvent(eventId: string): Promise<StoredEnvelope | undefined>
  /** Resolves when the log goes beyond a position. */
  waitBeyond(position: number, options?: { readonly signal?: AbortSignal }): Promise<void>
  head(): Promise<number>
}

/** What the application's store is made of. */
export interface AppStorePorts {
  readonly environment: Environment
  readonly registry: Registry
  /** Called after each commit, with its events in order of position. */
  readonly publish: (events: readonly StoredEnvelope[]) => void
  /** Called after a commit that set timers. */
  readonly onTimersSet: () => void
  /** Owns failures that must not fail what was committed: a snapshot that could not be kept. */
  readonly onError: (error: unknown) => void
}

export function createAppStore<Tx extends StoreTransaction>(
  store: Store<Tx>,
  ports: AppStorePorts,
): AppStore<Tx> {
  const { registry } = ports
  const source = {
    readStream: store.readStream.bind(store),
    loadSnapshot: (stream: string) => store.snapshots.load(stream),
    removed: (stream: string) => store.retention.removed(stream),
  }
  return {
    // Not async: the frame is read before anything is waited for.
    append: (...appends) =>
      appendDrafts(store, ports, causeOf(currentFrame(), ports.environment), appends),
    seal: (...appends) =>
      sealAppends(ports.environment, causeOf(currentFrame(), ports.environment), appends),
    transaction: (work, options = {}) =>
      runTransaction(store, ports, {
        cause: causeOf(currentFrame(), ports.environment, options),
        signal: options.signal,
        work: (unit) => work(unit as unknown as WorkTransaction<Tx>),
      }),
    load: async (aggregate, id, options) => {
      const { state, version } = await loadState(source, registry, aggregate, { ...options, id })
      return { state, version }
    },
    readStream: (stream, options) =>
      mapReader(store.readStream(stream, options), registry.read, options?.signal),
    readAll: (options) => mapReader(store.readAll(options), registry.read, options?.signal),
    query: (filter, options) =>
      mapReader(
        store.query(expandTypes(filter, registry), options),
        registry.read,
        options?.signal,
      ),
    findEvent: async (eventId) => {
      const event = await store.findEvent(eventId)
      return event === undefined ? undefined : registry.read(event)
    },
    waitBeyond: (position, options) => store.waitBeyond(position, options),
    head: () => store.head(),
  }
}

async function appendDrafts(
  store: Store,
  ports: AppStorePorts,
  cause: Cause,
  appends: readonly EventAppend[],
): Promise<readonly StoredEnvelope[]> {
  const sealed = sealAppends(ports.environment, cause, appends)
  const results = await store.append(sealed)
  // A repeat was published when it first came.
  if (isRepeat(results)) return (await readBack(store, results)).map(ports.registry.read)
  const stored = toStoredEvents(sealed, results)
  ports.publish(stored)
  return stored
}

/** What one transaction is run with. */
export interface TransactionPlan<Result> {
  readonly cause: Cause
  readonly signal?: AbortSignal | undefined
  readonly work: (unit: UnitOfWork) => Promise<Result>
  /** Appends what was collected, last in the transaction; `flush` by default. */
  readonly finish?: (unit: UnitOfWork, result: Result) => Promise<StoredEnvelope[]>
}

/** Runs `plan.work` in a transaction of the store, commits, publishes, and takes due snapshots. */
export async function runTransaction<Result>(
  store: Store,
  ports: AppStorePorts,
  plan: TransactionPlan<Result>,
): Promise<Result> {
  const { environment, registry } = ports
  const finish = plan.finish ?? ((unit: UnitOfWork) => unit.flush())
  const committed = await store.transaction(
    async (tx) => {
      const unit = new UnitOfWork(tx, plan.cause, {
        environment,
        registry,
        snapshots: store.snapshots,
        retention: store.retention,
      })
      try {
        const result = await plan.work(unit)
        return { unit, result, events: await finish(unit, result) }
      } finally {
        unit.end()
      }
    },
    plan.signal === undefined ? undefined : { signal: plan.signal },
  )
  if (!committed.unit.repeated) ports.publish(committed.events)
  if (committed.unit.hasTimers) ports.onTimersSet()
  await keepSnapshots(store, ports, () => committed.unit.dueSnapshots())
  return committed.result
}

/** Keeps snapshots that are due. They are a cache: one that fails goes to `onError`, not to the caller. */
export async function keepSnapshots(
  store: Store,
  ports: Pick<AppStorePorts, 'onError'>,
  due: () => ReturnType<UnitOfWork['dueSnapshots']>,
): Promise<void> {
  try {
    for (const snapshot of due()) if (snapshot !== undefined) await store.snapshots.save(snapshot)
  } catch (error) {
    ports.onError(error)
  }
}

/** Every name under which the wanted events may stand in the log: aliases are read, never written. */
function expandTypes(filter: EventFilter, registry: Registry): EventFilter {
  if (filter.types === undefined) return filter
  const names = filter.types.flatMap((pattern) =>
    isGlob(pattern)
      ? [pattern, ...registry.expand(pattern).flatMap((type) => registry.namesOf(type))]
      : registry.namesOf(pattern),
  )
  return { ...filter, types: [...new Set(names)] }
}
