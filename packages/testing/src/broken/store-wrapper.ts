import type {
  AppendOptions,
  AppendResult,
  CommandStore,
  ContractStore,
  EventFilter,
  EventReader,
  LogCatalog,
  ReadOptions,
  ReadStreamOptions,
  SnapshotStore,
  Store,
  StoredEnvelope,
  StoreTransaction,
  StreamAppend,
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

  append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    return this.inner.append(appends, options)
  }

  transaction<Result>(
    work: (tx: StoreTransaction) => Promise<Result>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Result> {
    return this.inner.transaction(work, options)
  }

  readStream(stream: string, options?: ReadStreamOptions): EventReader {
    return this.inner.readStream(stream, options)
  }

  readAll(options?: ReadOptions): EventReader {
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

  close(): Promise<void> {
    return this.inner.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
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
