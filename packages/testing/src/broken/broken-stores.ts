import {
  memoryStore,
  type AppendOptions,
  type AppendResult,
  type Clock,
  type EventReader,
  type LogReadOptions,
  type SealedEvent,
  type Store,
  type StoredEnvelope,
  type StoreTransaction,
  type StreamAppend,
} from 'tidings'
import { seededIds } from '../fakes/seeded.ts'
import type { StoreAdapter } from '../scenarios/run-scenario.ts'
import { breakAdapter, breakStore, type Break } from './break-adapter.ts'
import { consumerFaults, forgettingInbox } from './broken-consumers.ts'
import { retentionFaults } from './broken-retention.ts'
import { changePages, HidingCommits, readerOf, StoreWrapper } from './store-wrapper.ts'

/** A store with one promise broken on purpose, and the scenarios that must find it. */
export interface BrokenStore {
  /** What is wrong with it. */
  readonly fault: string
  readonly caughtBy: readonly [string, ...string[]]
  readonly adapter: StoreAdapter
  /** The same fault in front of another adapter; undefined where it is the memory store's own. */
  readonly over: ((adapter: StoreAdapter) => StoreAdapter) | undefined
}

/** What an append would be answered if it were the next one. */
async function guessResults(
  store: Store,
  appends: readonly StreamAppend[],
): Promise<readonly AppendResult[]> {
  let position = await store.head()
  const recordedAt = new Date(0).toISOString()
  const results: AppendResult[] = []
  for (const { stream, events } of appends) {
    const [last] = await store.readStream(stream, { reverse: true, limit: 1 }).toArray()
    const version = (last?.streamVersion ?? 0) + events.length
    results.push({
      stream,
      version,
      positions: events.map(() => ++position),
      recordedAt,
      repeated: false,
    })
  }
  return results
}

class Dropping extends StoreWrapper {
  #calls = 0

  override append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    this.#calls++
    if (this.#calls % 100 === 0) return guessResults(this.inner, appends)
    return this.inner.append(appends, options)
  }
}

class Duplicating extends StoreWrapper {
  readonly #ids = seededIds(7)

  override async append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const results = await this.inner.append(appends, options)
    if (results.some((result) => result.repeated)) await this.inner.append(this.#copies(appends))
    return results
  }

  #copies(appends: readonly StreamAppend[]): StreamAppend[] {
    const copy = (event: SealedEvent): SealedEvent => ({
      ...event,
      envelope: { ...event.envelope, eventId: this.#ids.newId(1) },
    })
    return appends.map((append) => ({
      ...append,
      expectedVersion: 'any',
      events: append.events.map(copy),
    }))
  }
}

class Reordering extends StoreWrapper {
  override readAll(options?: LogReadOptions): EventReader {
    return changePages(this.inner.readAll(options), ([first, second, ...rest]) =>
      first === undefined || second === undefined
        ? [first].filter(isEvent)
        : [second, first, ...rest],
    )
  }
}

function isEvent(event: StoredEnvelope | undefined): event is StoredEnvelope {
  return event !== undefined
}

class AcknowledgingEarly extends StoreWrapper {
  readonly #pending = new Set<Promise<unknown>>()

  override async append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const results = await guessResults(this.inner, appends)
    const writing = new Promise((resolve) => setImmediate(resolve))
      .then(() => this.inner.append(appends, options))
      // The point of this fault: whoever called was told long ago that all is well.
      .catch(() => undefined)
    this.#pending.add(writing)
    return results
  }

  override async close(): Promise<void> {
    await Promise.all(this.#pending)
    await this.inner.close()
  }
}

/** Numbers events before they are committed, as a plain sequence does, and reads past those that are not. */
class SkippingGaps extends StoreWrapper {
  override readAll(options?: LogReadOptions): EventReader {
    const { inner } = this
    return readerOf(async function* withoutLate() {
      const head = await inner.head()
      const isLate = ({ position }: StoredEnvelope): boolean =>
        position % 5 === 0 && position > head - 3
      for await (const page of inner.readAll(options).pages()) {
        yield page.filter((event) => !isLate(event))
      }
    })
  }
}

class IgnoringWords extends StoreWrapper {
  override append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const looser = appends.map((append): StreamAppend => {
      const isWord =
        append.expectedVersion === 'no-stream' || append.expectedVersion === 'stream-exists'
      return isWord ? { ...append, expectedVersion: 'any' } : append
    })
    return this.inner.append(looser, options)
  }
}

class SplittingBatches extends StoreWrapper {
  override async append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const results: AppendResult[] = []
    for (const append of appends) results.push(...(await this.inner.append([append], options)))
    return results
  }
}

/** Commits each statement of a transaction by itself. */
class LeakingRollbacks extends StoreWrapper {
  override transaction<Result>(work: (tx: StoreTransaction) => Promise<Result>): Promise<Result> {
    const { inner } = this
    return work({
      append: (appends, options) => inner.append(appends, options),
      readStream: (stream, options) => inner.readStream(stream, options),
      progress: (change) => inner.transaction((tx) => tx.progress(change)),
      park: (events) => inner.transaction((tx) => tx.park(events)),
      putOperations: (operations) => inner.transaction((tx) => tx.putOperations(operations)),
      setTimers: (timers) => inner.transaction((tx) => tx.setTimers(timers)),
      cancelTimer: (timerId) => inner.transaction((tx) => tx.cancelTimer(timerId)),
      fireTimer: (timerId, fired) => inner.transaction((tx) => tx.fireTimer(timerId, fired)),
      once: (consumer, messageId) => inner.transaction((tx) => tx.once(consumer, messageId)),
    })
  }
}

/** Puts appends of one turn into one transaction, and all of them fail with the first that does. */
class SpoilingNeighbours extends StoreWrapper {
  #turn:
    | {
        readonly appends: Promise<[PromiseSettledResult<unknown>]>[]
        readonly ended: Promise<void>
      }
    | undefined

  override async append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const mine = this.inner.append(appends, options)
    this.#turn ??= this.#begin()
    const turn = this.#turn
    turn.appends.push(Promise.allSettled([mine]))
    await turn.ended
    for (const [answer] of await Promise.all(turn.appends)) {
      if (answer.status === 'rejected') throw answer.reason
    }
    return mine
  }

  #begin(): {
    readonly appends: Promise<[PromiseSettledResult<unknown>]>[]
    readonly ended: Promise<void>
  } {
    const ended = new Promise<void>((resolve) => {
      setImmediate(() => {
        this.#turn = undefined
        resolve()
      })
    })
    return { appends: [], ended }
  }
}

class RecordingCommandsFirst extends StoreWrapper {
  override async append(
    appends: readonly StreamAppend[],
    { command, ...options }: AppendOptions = {},
  ): Promise<readonly AppendResult[]> {
    if (command !== undefined) await this.inner.commands.record(command)
    return this.inner.append(appends, options)
  }
}

class ReadingEverything extends StoreWrapper {
  override readAll(options?: LogReadOptions): EventReader {
    const { inner } = this
    return readerOf(async function* everything() {
      yield await inner.readAll(options).toArray()
    })
  }
}

class MissingBoundaries extends StoreWrapper {
  override readAll(options?: LogReadOptions): EventReader {
    const size = options?.pageSize ?? 1000
    return changePages(this.inner.readAll(options), (page) =>
      page.length === size ? page.slice(0, -1) : page,
    )
  }
}

class DeafToAborts extends StoreWrapper {
  override readAll({ signal: _, ...options }: LogReadOptions = {}): EventReader {
    return this.inner.readAll(options)
  }
}

/** Takes the time of recording from the clock as it is, also when that steps back. */
class FollowingTheClock extends StoreWrapper {
  readonly #clock: Clock
  readonly #times = new Map<number, string>()

  constructor(inner: Store, clock: Clock) {
    super(inner)
    this.#clock = clock
  }

  override async append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const recordedAt = new Date(this.#clock.now()).toISOString()
    const results = await this.inner.append(appends, options)
    for (const { positions } of results) {
      for (const position of positions) this.#times.set(position, recordedAt)
    }
    return results
  }

  override readAll(options?: LogReadOptions): EventReader {
    return changePages(this.inner.readAll(options), (page) =>
      page.map((event) => ({
        ...event,
        recordedAt: this.#times.get(event.position) ?? event.recordedAt,
      })),
    )
  }
}

/** Keeps what it was told last for later, and never comes to it. */
class LosingOnClose extends StoreWrapper {
  readonly #history: (readonly StreamAppend[])[]

  constructor(inner: Store, history: (readonly StreamAppend[])[]) {
    super(inner)
    this.#history = history
  }

  override async append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const results = await this.inner.append(appends, options)
    this.#history.push(appends)
    return results
  }

  override async close(): Promise<void> {
    await this.inner.close()
    this.#history.pop()
  }
}

/** A log that is put together again from what was kept of it each time it is opened. */
function losingLog(fault: string): StoreAdapter {
  return {
    name: `a store that ${fault}`,
    shared: true,
    sql: false,
    createLog(clock) {
      const history: (readonly StreamAppend[])[] = []
      return {
        async open() {
          const inner = memoryStore({ clock })
          for (const appends of history) await inner.append(appends)
          return new LosingOnClose(inner, history)
        },
      }
    },
  }
}

const faults: readonly (readonly [
  fault: string,
  caughtBy: BrokenStore['caughtBy'],
  make: Break,
])[] = [
  ['drops one append in a hundred', ['B06'], (inner) => new Dropping(inner)],
  ['stores a repeated append twice', ['B12'], (inner) => new Duplicating(inner)],
  ['changes the order of the log', ['B22'], (inner) => new Reordering(inner)],
  ['acknowledges before it commits', ['B08'], (inner) => new AcknowledgingEarly(inner)],
  ['reads past a late committer', ['C12'], (inner) => new SkippingGaps(inner)],
  [
    "takes 'no-stream' and 'stream-exists' for 'any'",
    ['B02', 'B03'],
    (inner) => new IgnoringWords(inner),
  ],
  ['stores a part of a batch', ['B10'], (inner) => new SplittingBatches(inner)],
  [
    'keeps what was rolled back',
    ['C01', 'D09', 'D21', 'D31'],
    (inner) => new LeakingRollbacks(inner),
  ],
  ['fails good appends with bad ones', ['B11'], (inner) => new SpoilingNeighbours(inner)],
  ['records commands apart from events', ['B42'], (inner) => new RecordingCommandsFirst(inner)],
  ['reads the whole log at once', ['B25'], (inner) => new ReadingEverything(inner)],
  ['loses an event at the end of a full page', ['B20'], (inner) => new MissingBoundaries(inner)],
  ['tells of commits as if nothing lay between', ['C20'], (inner) => new HidingCommits(inner)],
  ['goes on after an abort', ['B56'], (inner) => new DeafToAborts(inner)],
  [
    'lets recordedAt fall with the clock',
    ['C16'],
    (inner, clock) => new FollowingTheClock(inner, clock),
  ],
]

const forgetsOnReopening = 'forgets on reopening what it saw'
const losesOnClose = 'loses its last append when it is closed'

/** The suite's own test: each of these must fail, by the scenarios that are there for it. */
export const brokenStores: readonly BrokenStore[] = Object.freeze([
  ...[...faults, ...retentionFaults, ...consumerFaults].map(([fault, caughtBy, make]) => ({
    fault,
    caughtBy,
    adapter: breakStore(fault, make),
    over: (adapter: StoreAdapter) => breakAdapter(adapter, make),
  })),
  {
    fault: forgetsOnReopening,
    caughtBy: ['D24', 'D35'],
    adapter: forgettingInbox(forgetsOnReopening),
    over: undefined,
  },
  { fault: losesOnClose, caughtBy: ['B52'], adapter: losingLog(losesOnClose), over: undefined },
])
