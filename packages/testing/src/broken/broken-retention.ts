import type {
  AppendOptions,
  AppendResult,
  EventRef,
  ParkedEvent,
  RetentionChoice,
  RetentionStore,
  Store,
  StreamAppend,
} from 'tidings'
import { StoreWrapper } from './store-wrapper.ts'

/** A store that deletes or erases in its own way. */
abstract class ChangedRetention extends StoreWrapper {
  protected abstract changes(retention: RetentionStore): Partial<RetentionStore>

  override get retention(): RetentionStore {
    const { retention } = this.inner
    return {
      due: (choice, page) => retention.due(choice, page),
      remove: (choice, events) => retention.remove(choice, events),
      removed: (stream) => retention.removed(stream),
      deleted: () => retention.deleted(),
      erase: (request) => retention.erase(request),
      planErasure: (request) => retention.planErasure(request),
      erasures: () => retention.erasures(),
      ...this.changes(retention),
    }
  }
}

/** Deletes by another choice than it was given. */
class ChoosingOtherwise extends ChangedRetention {
  readonly #choose: (choice: RetentionChoice) => Promise<RetentionChoice> | RetentionChoice

  constructor(
    inner: Store,
    choose: (choice: RetentionChoice, inner: Store) => Promise<RetentionChoice> | RetentionChoice,
  ) {
    super(inner)
    this.#choose = (choice) => choose(choice, inner)
  }

  protected changes(retention: RetentionStore): Partial<RetentionStore> {
    return {
      due: async (choice, page) => retention.due(await this.#choose(choice), page),
      remove: async (choice, events) => retention.remove(await this.#choose(choice), events),
    }
  }
}

async function ignoreAll(choice: RetentionChoice, inner: Store): Promise<RetentionChoice> {
  const names = (await inner.subscriptions.list()).map(({ name }) => name)
  return { ...choice, ignore: names }
}

async function takeFacts(choice: RetentionChoice, inner: Store): Promise<RetentionChoice> {
  const streams = (await inner.catalog.streams()).map(({ stream }) => stream)
  return { ...choice, streams }
}

/** Looks at the marks of subscriptions, and not at what they put aside. */
class ForgettingLetters extends ChangedRetention {
  protected changes(retention: RetentionStore): Partial<RetentionStore> {
    const without = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      const parked = await this.inner.parked.list({ states: ['parked', 'redriving'] })
      const put = (events: readonly ParkedEvent[]): Promise<void> =>
        this.inner.transaction((tx) => tx.park(events))
      await put(parked.map((event) => ({ ...event, state: 'resolved' })))
      const result = await work()
      await put(parked)
      return result
    }
    return {
      due: (choice, page) => without(() => retention.due(choice, page)),
      remove: (choice, events) => without(() => retention.remove(choice, events)),
    }
  }
}

/** Looks at positions only, whatever stands there by now. */
class TrustingPositions extends ChangedRetention {
  protected changes(retention: RetentionStore): Partial<RetentionStore> {
    const refresh = async ({ position }: EventRef): Promise<EventRef[]> =>
      this.inner.readAll({ after: position - 1, limit: 1 }).toArray()
    return {
      remove: async (choice, events) =>
        retention.remove(choice, (await Promise.all(events.map(refresh))).flat()),
    }
  }
}

/** Counts the events of a stream to know its version. */
class RestartingVersions extends StoreWrapper {
  override async append(
    appends: readonly StreamAppend[],
    options?: AppendOptions,
  ): Promise<readonly AppendResult[]> {
    const looser = appends.map(async (append): Promise<StreamAppend> => {
      const { stream, expectedVersion } = append
      const isNew = expectedVersion === 0 || expectedVersion === 'no-stream'
      const [first] = await this.inner.readStream(stream, { limit: 1 }).toArray()
      return isNew && first === undefined ? { ...append, expectedVersion: 'any' } : append
    })
    return this.inner.append(await Promise.all(looser), options)
  }
}

/** Erases the log, and what else holds the payload stays. */
class ErasingTheLogOnly extends ChangedRetention {
  protected changes(retention: RetentionStore): Partial<RetentionStore> {
    return {
      erase: async (request) => {
        const parked = await this.inner.parked.list({})
        const record = await retention.erase(request)
        await this.inner.transaction((tx) => tx.park(parked))
        return record
      },
    }
  }
}

/** Deletes what it is to erase. */
class DeletingInstead extends ChangedRetention {
  protected changes(retention: RetentionStore): Partial<RetentionStore> {
    return {
      erase: async (request) => {
        const record = await retention.erase(request)
        const choice = { before: '2100-01-01T00:00:00.000Z', streams: request.streams ?? [] }
        await retention.remove(choice, await retention.due(choice, { limit: 1000 }))
        return record
      },
    }
  }
}

/** What a store can do wrong when it deletes. */
export const retentionFaults: readonly (readonly [
  fault: string,
  caughtBy: readonly [string, ...string[]],
  make: (inner: Store) => Store,
])[] = [
  [
    'deletes what a subscription has still to read',
    ['B81', 'B87'],
    (inner) => new ChoosingOtherwise(inner, ignoreAll),
  ],
  ['deletes what is parked', ['B82'], (inner) => new ForgettingLetters(inner)],
  [
    'deletes what has still to be sent',
    ['B84'],
    (inner) => new ChoosingOtherwise(inner, (choice) => ({ ...choice, unsent: true })),
  ],
  ['deletes facts too', ['B80'], (inner) => new ChoosingOtherwise(inner, takeFacts)],
  ['deletes whatever is at a position', ['B86'], (inner) => new TrustingPositions(inner)],
  [
    'takes a stream for a new one when all its events were deleted',
    ['B80', 'B87'],
    (inner) => new RestartingVersions(inner),
  ],
  ['erases payloads in the log only', ['B94'], (inner) => new ErasingTheLogOnly(inner)],
  ['deletes events where it is to erase them', ['B93'], (inner) => new DeletingInstead(inner)],
]
