import type { AnyAggregate } from '../contract/define-aggregate.ts'
import type { AnyCommandDefinition, Draft } from '../contract/definition.ts'
import { streamName, type StoredEnvelope } from '../contract/envelope.ts'
import { sealDraft, type SealedEvent } from '../contract/seal.ts'
import type { Registry } from '../contract/registry.ts'
import { shorten } from '../errors/contract-error.ts'
import { UsageError } from '../errors/usage-errors.ts'
import type { CommandRecord } from '../store/command-record.ts'
import type { RetentionStore } from '../store/retention-store.ts'
import type {
  AppendResult,
  ExpectedVersion,
  SnapshotStore,
  StoreTransaction,
  StreamAppend,
} from '../store/store.ts'
import type { TimerRecord } from '../store/timer-store.ts'
import { AggregateRoot, endedError } from './aggregate-root.ts'
import { originOf, type Cause, type Environment } from './origin.ts'
import { planTimer, type TimerDue, type TimerOptions } from './plan-timer.ts'
import { dueSnapshot, loadState } from './repository.ts'
import { isRepeat, readBack, toStoredEvents } from './stored-events.ts'

/** Which stream: an aggregate's type and id. */
export interface StreamRef {
  readonly aggregateType: string
  readonly aggregateId: string
}

/** Drafts for one stream. */
export interface EventAppend extends StreamRef {
  readonly events: Draft | readonly Draft[]
  /** `any` by default. */
  readonly expectedVersion?: ExpectedVersion
}

/** The type parameters of an aggregate, as a unit of work hands it out. */
export type RootOf<A extends AnyAggregate> = AggregateRoot<A['~state'], A['~draft']>

/**
 * What is committed together: events, the aggregates that recorded them, and (on a store that has
 * SQL) the user's own rows through `sql`. Nothing of it is seen by anyone before the commit.
 */
export interface WorkScope {
  /** Loads an aggregate; what it records is committed with this unit. The same one twice is one object. */
  load<A extends AnyAggregate>(aggregate: A, id: string): Promise<RootOf<A>>
  /**
   * Takes events for a stream. They are checked now and appended when the unit commits, after the
   * user's own statements: what can wait happens before the log is held. So a version conflict
   * surfaces at the commit.
   *
   * @throws {ContractError} a payload does not fit its contract: nothing of this call is taken
   * @throws {UsageError} a second append to a stream expects a version that the first one excludes
   */
  append(...appends: readonly EventAppend[]): Promise<void>
  /**
   * Notes that a message from elsewhere was received, with everything else that is committed. The note
   * is kept as long as `delivery.retention` says.
   *
   * @param source who sends it
   * @param messageId what the source calls it
   * @returns true the first time; false when it was noted before
   * @throws {UsageError} a source or id that is no text of 1 to 500 characters
   */
  once(source: string, messageId: string): Promise<boolean>
}

/** A unit of work over a store's own transaction: `sql` is there where that one has it. */
export type WorkTransaction<Tx extends StoreTransaction = StoreTransaction> = WorkScope &
  (Tx extends { readonly sql: infer Sql } ? { readonly sql: Sql } : unknown)

/** What a unit of work is made of. */
export interface WorkPorts {
  readonly environment: Environment
  readonly registry: Registry
  readonly snapshots: SnapshotStore
  readonly retention: Pick<RetentionStore, 'removed'>
}

interface PendingStream {
  readonly expectedVersion: ExpectedVersion
  readonly events: SealedEvent[]
}

/**
 * Collects what one transaction records.
 *
 * collecting → ended (by `flush`, which appends everything in one call, last in the transaction, or
 * by `end`). What came later would be in no transaction, so it is refused.
 */
export class UnitOfWork implements WorkScope {
  #tx: StoreTransaction | undefined
  readonly #cause: Cause
  readonly #ports: WorkPorts
  readonly #pending = new Map<string, PendingStream>()
  readonly #roots = new Map<string, AggregateRoot>()
  readonly #loading = new Map<string, Promise<AggregateRoot>>()
  readonly #timers: TimerRecord[] = []
  readonly #cancelled: string[] = []
  #ended = false
  #repeated = false
  #sql: unknown

  /** @param tx undefined: one that begins later, and is told by `useIn`; until then it only collects */
  constructor(tx: StoreTransaction | undefined, cause: Cause, ports: WorkPorts) {
    if (tx !== undefined) this.useIn(tx)
    this.#cause = cause
    this.#ports = ports
  }

  /** Where it reads from here on, and what its `flush` appends in. */
  useIn(tx: StoreTransaction): void {
    this.#tx = tx
    if ('sql' in tx) this.#sql = (tx as { sql: (...args: unknown[]) => unknown }).sql.bind(tx)
  }

  /** There where the store's transaction has it. */
  get sql(): unknown {
    return this.#sql
  }

  async load<A extends AnyAggregate>(aggregate: A, id: string): Promise<RootOf<A>> {
    const stream = streamName(aggregate.type, id)
    // Kept from the start of the loading: of two roots of one stream the records of one would be lost.
    const loading = this.#loading.get(stream) ?? this.#loadRoot(aggregate, id)
    this.#loading.set(stream, loading)
    return loading
  }

  async #loadRoot(aggregate: AnyAggregate, id: string): Promise<AggregateRoot> {
    this.#requireOpen()
    const tx = this.#requireTx()
    const source = {
      readStream: tx.readStream.bind(tx),
      loadSnapshot: (name: string) => this.#ports.snapshots.load(name),
      removed: (name: string) => this.#ports.retention.removed(name),
    }
    const loaded = await loadState(source, this.#ports.registry, aggregate, { id })
    this.#requireOpen()
    const root = new AggregateRoot(aggregate, id, {
      ...loaded,
      environment: this.#ports.environment,
      cause: this.#cause,
    })
    this.#roots.set(root.stream, root)
    return root
  }

  async append(...appends: readonly EventAppend[]): Promise<void> {
    this.#requireOpen()
    const all = sealAppends(this.#ports.environment, this.#cause, appends)
    for (const append of all) this.#take(append)
  }

  async once(source: string, messageId: string): Promise<boolean> {
    this.#requireOpen()
    requireName('source', source)
    requireName('id', messageId)
    return this.#requireTx().once(source, messageId)
  }

  #take({ stream, expectedVersion, events }: StreamAppend): void {
    const pending = this.#pending.get(stream)
    if (pending === undefined) {
      this.#pending.set(stream, { expectedVersion, events: [...events] })
      return
    }
    requireFollowing(stream, pending, expectedVersion)
    pending.events.push(...events)
  }

  /**
   * Has a command sent at a time; committed with everything else.
   *
   * @returns the timer's id
   */
  setTimer(
    due: TimerDue,
    what: { readonly command: AnyCommandDefinition; readonly input: unknown },
    options: TimerOptions = {},
  ): string {
    this.#requireOpen()
    const { clock, ids } = this.#ports.environment
    const nowMs = clock.now()
    const timerId = options.timerId ?? ids.newId(nowMs)
    const timer = planTimer(due, { ...what, timerId }, { cause: this.#cause, nowMs })
    this.#timers.push(timer)
    return timer.timerId
  }

  /** Cancels a timer with the commit, if it has not fired by then. */
  cancelTimer(timerId: string): void {
    this.#requireOpen()
    this.#cancelled.push(timerId.toLowerCase())
  }

  get hasTimers(): boolean {
    return this.#timers.length > 0
  }

  /** Appends everything that was collected, in one call. The caller commits. */
  async flush(command?: CommandRecord): Promise<StoredEnvelope[]> {
    const tx = this.#requireTx()
    const appends = this.takeAppends()
    for (const timerId of this.#cancelled) await tx.cancelTimer(timerId)
    if (this.#timers.length > 0) await tx.setTimers(this.#timers)
    if (appends.length === 0 && command === undefined) return []
    const results = await tx.append(appends, { command })
    this.#repeated = isRepeat(results)
    // A repeat leaves its command out, but this one is new: without a row it would be done again.
    if (this.#repeated && command !== undefined) await tx.append([], { command })
    return this.#repeated ? readBack(tx, results) : toStoredEvents(appends, results)
  }

  /** Ends it, and gives what it collected: for whoever appends that of several, and then says `appended`. */
  takeAppends(): readonly StreamAppend[] {
    for (const root of this.#roots.values()) this.#takeRoot(root)
    this.end()
    const appends: StreamAppend[] = []
    for (const [stream, { expectedVersion, events }] of this.#pending) {
      if (events.length > 0) appends.push({ stream, expectedVersion, events })
    }
    return appends
  }

  /** What was taken has its places. @returns the events that are new in the log, in order of position */
  appended(
    appends: readonly StreamAppend[],
    results: readonly AppendResult[],
  ): readonly StoredEnvelope[] {
    this.#repeated = isRepeat(results)
    return this.#repeated ? [] : toStoredEvents(appends, results)
  }

  /** Whether the events were in the log before: then they were published, and counted, at that time. */
  get repeated(): boolean {
    return this.#repeated
  }

  /** Refuses whatever is recorded from now on: the transaction is over, or about to be committed. */
  end(): void {
    this.#ended = true
    for (const root of this.#roots.values()) root.end()
  }

  #requireOpen(): void {
    if (this.#ended) throw endedError()
  }

  #requireTx(): StoreTransaction {
    if (this.#tx === undefined)
      throw new TypeError('A unit of work was used before its transaction')
    return this.#tx
  }

  #takeRoot(root: AggregateRoot): void {
    if (root.recorded.length === 0) return
    if (this.#pending.has(root.stream)) {
      throw new UsageError(
        'TIDINGS_ARGUMENT_INVALID',
        `'${root.stream}' was both loaded and appended to in one transaction. Record through the loaded aggregate only.`,
      )
    }
    this.#pending.set(root.stream, {
      expectedVersion: root.loadedVersion,
      events: [...root.recorded],
    })
  }

  /** The aggregates that recorded something, for their snapshots after the commit. */
  dueSnapshots(): ReturnType<typeof dueSnapshot>[] {
    // A repeat was folded in twice: once from the log, once as recorded.
    if (this.#repeated) return []
    return [...this.#roots.values()].filter((root) => root.recorded.length > 0).map(dueSnapshot)
  }
}

/** What a message is known by: an empty text would make all of them one. */
function requireName(what: string, text: unknown): void {
  if (typeof text === 'string' && text.length > 0 && text.length <= 500) return
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `The ${what} of a message from elsewhere is a text of 1 to 500 characters; got ${shorten(text)}. Nothing was received.`,
  )
}

function requireFollowing(stream: string, pending: PendingStream, expected: ExpectedVersion): void {
  if (expected === 'any' || expected === 'stream-exists') return
  const base = pending.expectedVersion === 'no-stream' ? 0 : pending.expectedVersion
  if (typeof base === 'number' && expected === base + pending.events.length) return
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `A second append to '${stream}' in one transaction expects ${expected}, which the first one excludes. Leave expectedVersion out, or give the version after the first append.`,
  )
}

/** Drafts as events of one cause, checked against their contracts. @throws {ContractError} one does not fit */
export function sealAppends(
  environment: Environment,
  cause: Cause,
  appends: readonly EventAppend[],
): readonly StreamAppend[] {
  return appends.map(({ aggregateType, aggregateId, events, expectedVersion = 'any' }) => {
    const origin = originOf(environment, cause, aggregateType, aggregateId)
    const drafts = Array.isArray(events) ? (events as readonly Draft[]) : [events as Draft]
    return {
      stream: streamName(aggregateType, aggregateId),
      expectedVersion,
      events: drafts.map((draft) => sealDraft(draft, origin)),
    }
  })
}
