import {
  StoreError,
  UsageError,
  type AppendOptions,
  type AppendResult,
  type CommitListener,
  type EventFilter,
  type EventReader,
  type LeaseStore,
  type OperationStore,
  type ParkedStore,
  type ReadOptions,
  type ReadStreamOptions,
  type StoredEnvelope,
  type StoreTransaction,
  type StreamAppend,
  type SubscriptionStore,
  type TimerStore,
} from 'tidings'
import { readRecordName } from '../../../core/src/delivery/shards.ts'
import { readerOf, StoreWrapper } from '../../src/broken/store-wrapper.ts'
import type { SimulatedProcess } from './process.ts'
import type { SharedLog } from './shared-log.ts'

/** The name of the subscription that histories are about. */
export const SUBSCRIPTION = 'orders'

/**
 * The shared log as one process sees it: every call is a step of that process, which may fail, last,
 * or be its last one; and closing it lets go of nothing but itself.
 */
export class ProcessStore extends StoreWrapper {
  readonly #process: SimulatedProcess
  readonly #log: SharedLog
  readonly #closed = Promise.withResolvers<never>()
  #isClosed = false
  readonly #subscriptions: SubscriptionStore
  readonly #leases: LeaseStore
  readonly #parked: ParkedStore
  readonly #operations: OperationStore
  readonly #timers: TimerStore

  constructor(process: SimulatedProcess, log: SharedLog) {
    super(log.store)
    // Heard only by those who wait when it closes.
    this.#closed.promise.catch(() => undefined)
    this.#process = process
    this.#log = log
    const { store } = log
    this.#subscriptions = this.#makeSubscriptions(store.subscriptions)
    this.#leases = this.#makeLeases(store.leases)
    this.#parked = this.#steps('parked', store.parked, ['sweep'])
    this.#operations = this.#makeOperations(store.operations)
    this.#timers = this.#steps('timers', store.timers, ['sweep'])
  }

  override get subscriptions(): SubscriptionStore {
    return this.#subscriptions
  }

  override get leases(): LeaseStore {
    return this.#leases
  }

  override get parked(): ParkedStore {
    return this.#parked
  }

  override get operations(): OperationStore {
    return this.#operations
  }

  override get timers(): TimerStore {
    return this.#timers
  }

  override append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    return this.#write('append', () => this.inner.append(appends, options))
  }

  override transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    return this.#step('transaction', async () => {
      const result = await this.#log.transaction(this.#process, work)
      if (this.#process.isAnswerLost()) {
        this.#log.journal.write({ kind: 'unanswered', process: this.#process.name })
        throw unanswered()
      }
      return result
    })
  }

  override readStream(stream: string, options?: ReadStreamOptions): EventReader {
    return this.#reader('readStream', () => this.inner.readStream(stream, options))
  }

  override readAll(options?: ReadOptions): EventReader {
    return this.#reader('readAll', () => this.inner.readAll(options))
  }

  override query(filter: EventFilter, options?: ReadOptions): EventReader {
    return this.#reader('query', () => this.inner.query(filter, options))
  }

  override findEvent(eventId: string): Promise<StoredEnvelope | undefined> {
    return this.#step('findEvent', () => this.inner.findEvent(eventId))
  }

  override head(): Promise<number> {
    return this.#step('head', () => this.inner.head())
  }

  override waitBeyond(position: number, options?: { signal?: AbortSignal }): Promise<void> {
    const waiting = this.inner.waitBeyond(position, options)
    return this.#process.hear(Promise.race([waiting, this.#closed.promise]))
  }

  /** Of half of the commits, as if another process had made the others: whoever follows has to read those. */
  override onCommitted(listener: CommitListener): () => void {
    return this.inner.onCommitted((committed) => {
      if (!this.#isClosed && this.#process.hearsNow()) listener(committed)
    })
  }

  override async close(): Promise<void> {
    this.#isClosed = true
    this.#closed.reject(closed())
  }

  #step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    return this.#process.step(name, () => {
      if (this.#isClosed) throw closed()
      return work()
    })
  }

  #write<Result>(
    name: string,
    work: () => Promise<Result>,
    written: (result: Result) => void = () => undefined,
  ): Promise<Result> {
    return this.#step(name, () => this.#log.write(work, written))
  }

  #reader(name: string, read: () => EventReader): EventReader {
    const step = (): Promise<void> => this.#step(name, async () => undefined)
    return readerOf(async function* pages() {
      await step()
      for await (const page of read().pages()) {
        yield page
        await step()
      }
    })
  }

  /** A port of which every call is a step, and those that are named are writes. */
  #steps<Port extends object>(
    name: string,
    port: Port,
    writes: readonly (keyof Port & string)[],
  ): Port {
    const steps: Record<string, unknown> = {}
    for (const [method, call] of Object.entries(port) as [
      keyof Port & string,
      (...args: readonly unknown[]) => Promise<unknown>,
    ][]) {
      const step = `${name}.${method}`
      steps[method] = writes.includes(method)
        ? (...args: readonly unknown[]) => this.#write(step, () => call(...args))
        : (...args: readonly unknown[]) => this.#step(step, () => call(...args))
    }
    return steps as Port
  }

  #makeLeases(leases: LeaseStore): LeaseStore {
    return this.#steps('leases', leases, ['acquire', 'renew', 'release'])
  }

  /** Those that are asked of a shard are asked by a process. */
  #makeOperations(port: OperationStore): OperationStore {
    const { journal } = this.#log
    return {
      ...this.#steps('operations', port, []),
      request: (operation) =>
        this.#write(
          'operations.request',
          () => port.request(operation),
          () => journal.write({ kind: 'requested', operation }),
        ),
      cancel: (...cancelled) =>
        this.#write(
          'operations.cancel',
          () => port.cancel(...cancelled),
          (operation) => {
            if (operation !== undefined) journal.write({ kind: 'requested', operation })
          },
        ),
    }
  }

  #makeSubscriptions(port: SubscriptionStore): SubscriptionStore {
    const { journal } = this.#log
    const process = this.#process.name
    const write = <Result>(
      method: string,
      work: () => Promise<Result>,
      written: (result: Result) => void,
    ): Promise<Result> => this.#write(`subscriptions.${method}`, work, written)
    return {
      ...this.#steps('subscriptions', port, ['describe']),
      claim: (claim) =>
        write(
          'claim',
          () => port.claim(claim),
          ({ record }) => {
            if (!isOurs(claim.name)) return
            const { name: subscription, token, generation, position } = record
            journal.write({ kind: 'claimed', process, subscription, token, generation, position })
          },
        ),
      setPaused: (fence, paused) =>
        write(
          'setPaused',
          () => port.setPaused(fence, paused),
          () => journal.write({ kind: paused ? 'paused' : 'resumed', process, fence }),
        ),
      reset: (fence, position) =>
        write(
          'reset',
          () => port.reset(fence, position),
          () => journal.write({ kind: 'reset', process, fence, to: position }),
        ),
      begin: (fence, position) =>
        write(
          'begin',
          () => port.begin(fence, position),
          () => {
            const { subscription } = fence
            journal.write({ kind: 'watched', process, subscription, position })
          },
        ),
      release: (fence) =>
        write(
          'release',
          () => port.release(fence),
          () => {
            if (isOurs(fence.subscription)) {
              journal.write({ kind: 'released', process, fence })
            }
          },
        ),
    }
  }
}

/** What histories are about, and what is kept for parts of it. */
function isOurs(record: string): boolean {
  return readRecordName(record).name === SUBSCRIPTION
}

function unanswered(): StoreError {
  return new StoreError('TIDINGS_STORE_FAILED', 'simulation', 'The connection was cut.', {
    retryable: true,
  })
}

function closed(): UsageError {
  return new UsageError('TIDINGS_CLOSED', "The store 'simulation' is closed. Nothing was done.")
}
