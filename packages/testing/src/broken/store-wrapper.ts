import type {
  AppendOptions,
  AppendResult,
  CommandStore,
  CommitListener,
  ContractStore,
  EventFilter,
  EventReader,
  InboxStore,
  LeaseStore,
  LogCatalog,
  OperationStore,
  ParkedStore,
  LogReadOptions,
  ReadOptions,
  ReadStreamOptions,
  RetentionStore,
  SnapshotStore,
  Store,
  StoredEnvelope,
  StoreTransaction,
  StreamAppend,
  SubscriptionStore,
  TimerStore,
  CommitOptions,
} from 'tidings'

/** A store in front of another one, which does all the work. What is broken overrides one method. */
export class StoreWrapper implements Store {
  protected readonly inner: Store

  constructor(inner: Store) {
    this.inner = inner
  }

  get location(): string {
    return this.inner.location
  }

  get commands(): CommandStore {
    return this.inner.commands
  }

  get snapshots(): SnapshotStore {
    return this.inner.snapshots
  }

  get contracts(): ContractStore {
    return this.inner.contracts
  }

  get catalog(): LogCatalog {
    return this.inner.catalog
  }

  get subscriptions(): SubscriptionStore {
    return this.inner.subscriptions
  }

  get leases(): LeaseStore {
    return this.inner.leases
  }

  get parked(): ParkedStore {
    return this.inner.parked
  }

  get operations(): OperationStore {
    return this.inner.operations
  }

  get timers(): TimerStore {
    return this.inner.timers
  }

  get inbox(): InboxStore {
    return this.inner.inbox
  }

  get retention(): RetentionStore {
    return this.inner.retention
  }

  append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    return this.inner.append(appends, options)
  }

  transaction<Result>(
    work: (tx: StoreTransaction) => Promise<Result>,
    options?: CommitOptions,
  ): Promise<Result> {
    return this.inner.transaction(work, options)
  }

  readStream(stream: string, options?: ReadStreamOptions): EventReader {
    return this.inner.readStream(stream, options)
  }

  readAll(options?: LogReadOptions): EventReader {
    return this.inner.readAll(options)
  }

  query(filter: EventFilter, options?: ReadOptions): EventReader {
    return this.inner.query(filter, options)
  }

  findEvent(eventId: string): Promise<StoredEnvelope | undefined> {
    return this.inner.findEvent(eventId)
  }

  head(): Promise<number> {
    return this.inner.head()
  }

  waitBeyond(position: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.inner.waitBeyond(position, options)
  }

  onCommitted(listener: CommitListener): () => void {
    return this.inner.onCommitted(listener)
  }

  close(): Promise<void> {
    return this.inner.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Says nothing of some commits, and of the next one as if they had never been. */
export class HidingCommits extends StoreWrapper {
  override onCommitted(listener: CommitListener): () => void {
    let hidden: number | undefined
    let heard = 0
    return this.inner.onCommitted(({ after, upTo, count, events }) => {
      heard++
      // Every second one, and now and then the other one: whatever comes in pairs is hidden in part.
      const isHidden = (heard + Math.floor(heard / 7)) % 2 === 0
      if (!isHidden) listener({ after: hidden ?? after, upTo, count, events })
      hidden = isHidden ? after : undefined
    })
  }
}

/** A transaction of which some methods are replaced. */
export function changeTransaction(
  tx: StoreTransaction,
  changes: Partial<StoreTransaction>,
): StoreTransaction {
  return {
    append: (appends, options) => tx.append(appends, options),
    readStream: (stream, options) => tx.readStream(stream, options),
    progress: (change) => tx.progress(change),
    park: (events) => tx.park(events),
    putOperations: (operations) => tx.putOperations(operations),
    setTimers: (timers) => tx.setTimers(timers),
    cancelTimer: (timerId) => tx.cancelTimer(timerId),
    fireTimer: (timerId, fired) => tx.fireTimer(timerId, fired),
    once: (consumer, messageId) => tx.once(consumer, messageId),
    ...changes,
  }
}

/** A reader over pages that come from elsewhere. */
export function readerOf(pages: () => AsyncIterable<readonly StoredEnvelope[]>): EventReader {
  async function* each(): AsyncGenerator<StoredEnvelope> {
    for await (const page of pages()) yield* page
  }
  return {
    pages,
    [Symbol.asyncIterator]: each,
    toArray: () => Array.fromAsync(each()),
  }
}

/** A reader whose pages are changed on the way. */
export function changePages(
  reader: EventReader,
  change: (page: readonly StoredEnvelope[]) => readonly StoredEnvelope[],
): EventReader {
  return readerOf(async function* changed() {
    for await (const page of reader.pages()) yield change(page)
  })
}
