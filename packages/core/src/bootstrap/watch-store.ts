import { isTidingsError } from '../errors/tidings-error.ts'
import type {
  AppendResult,
  CommandStore,
  CommitOptions,
  ContractStore,
  EventReader,
  InboxStore,
  LogCatalog,
  SnapshotStore,
  Store,
  StoreTransaction,
} from '../store/store.ts'
import type { LeaseStore } from '../store/lease-store.ts'
import type { OperationStore } from '../store/operation-store.ts'
import type { ParkedStore } from '../store/parked-store.ts'
import type { RetentionStore } from '../store/retention-store.ts'
import type { SubscriptionStore } from '../store/subscription-store.ts'
import type { TimerStore } from '../store/timer-store.ts'
import type { Asked, Asker, StoreHealth } from './store-health.ts'

type Method =
  | keyof Store
  | keyof (CommandStore & ContractStore & InboxStore & LogCatalog & SnapshotStore)
  | keyof (LeaseStore & OperationStore & ParkedStore & RetentionStore)
  | keyof (SubscriptionStore & TimerStore)

/** Of the store and its parts. What is not among them writes. */
const READS: ReadonlySet<PropertyKey> = new Set<Method>([
  ...(['readStream', 'readAll', 'query', 'findEvent', 'head', 'waitBeyond'] as const),
  ...(['find', 'list', 'byCorrelation', 'consumers', 'load', 'types', 'streams', 'stats'] as const),
  ...(['count', 'countAhead', 'groups', 'keys', 'due', 'next'] as const),
  ...(['removed', 'deleted', 'planErasure', 'erasures'] as const),
])

/** Whether a method of a transaction wrote, by its answer. Whatever else is called may have written nothing. */
const WROTE: ReadonlyMap<PropertyKey, (answer: unknown) => boolean> = new Map<
  keyof StoreTransaction,
  (answer: unknown) => boolean
>([
  ['append', (answer) => isNew(answer as readonly AppendResult[])],
  ['progress', () => true],
  ['park', () => true],
  ['putOperations', () => true],
  ['setTimers', () => true],
  ['cancelTimer', (wasWaiting) => wasWaiting === true],
  ['fireTimer', (wasWaiting) => wasWaiting === true],
  ['once', (isFirst) => isFirst === true],
])

/** A repeat of what is there already writes nothing; an append without events records its command. */
function isNew(results: readonly AppendResult[]): boolean {
  return results.length === 0 || results.some(({ repeated }) => !repeated)
}

/** How calls end is noted here. */
interface Witness {
  readonly location: string
  readonly health: StoreHealth
  readonly asker: Asker
}

/** The same store; how whatever is asked of it ends is noted in `health`. */
export function watchStore<Tx extends StoreTransaction>(
  store: Store<Tx>,
  health: StoreHealth,
  asker: Asker,
): Store<Tx> {
  const witness: Witness = { location: store.location, health, asker }
  const own: Partial<Store<Tx>> = {
    append: (...args) => {
      const answer = store.append(...args)
      note(witness, 'append', answer, isNew)
      return answer
    },
    transaction:
      asker === 'caller'
        ? (work, options) => transactFor(store, witness, work, options)
        : (work, options) => deliver(store, witness, work, options),
  }
  return watchPart(store, witness, own)
}

function watchPart<Part extends object>(
  part: Part,
  witness: Witness,
  own: Partial<Part> = {},
): Part {
  // Each is asked for again and again, with every event.
  const known = new Map<PropertyKey, { readonly value: unknown; readonly watched: unknown }>()
  // Not around the part itself: of a frozen one nothing could be given out but what it has.
  return new Proxy({} as Part, {
    has: (_target, key) => key in part,
    get(_target, key) {
      if (Object.hasOwn(own, key)) return Reflect.get(own, key)
      const value: unknown = Reflect.get(part, key, part)
      const last = known.get(key)
      if (last !== undefined && last.value === value) return last.watched
      const watched = watchMember(part, key, { value, witness })
      known.set(key, { value, watched })
      return watched
    },
  })
}

function watchMember(
  part: object,
  key: PropertyKey,
  { value, witness }: { readonly value: unknown; readonly witness: Witness },
): unknown {
  if (typeof value === 'object' && value !== null) return watchPart(value, witness)
  if (typeof value !== 'function') return value
  const asked: Asked = READS.has(key) ? 'read' : 'change'
  return (...args: readonly unknown[]): unknown => {
    const answer: unknown = Reflect.apply(value, part, args)
    if (answer instanceof Promise) note(witness, asked, answer)
    return isReader(answer) ? watchReader(answer, witness) : answer
  }
}

/** Notes how it ends, at no further turn of the microtask queue for whoever waits for it. */
function note<Answer>(
  { health, asker }: Witness,
  asked: Asked,
  answer: Promise<Answer>,
  shows: (answer: Answer) => boolean = () => true,
): void {
  answer.then(
    (value) => {
      if (shows(value)) health.succeeded(asked)
    },
    (error: unknown) => health.failed(asked, error, asker),
  )
}

function isReader(answer: unknown): answer is EventReader {
  return typeof (answer as Partial<EventReader> | undefined)?.pages === 'function'
}

function watchReader(reader: EventReader, witness: Witness): EventReader {
  return {
    pages: () => watchIterable(reader.pages(), witness),
    toArray: () => {
      const all = reader.toArray()
      note(witness, 'read', all)
      return all
    },
    [Symbol.asyncIterator]: () => watchIterable(reader, witness)[Symbol.asyncIterator](),
  }
}

function watchIterable<Item>(iterable: AsyncIterable<Item>, witness: Witness): AsyncIterable<Item> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = iterable[Symbol.asyncIterator]()
      return {
        next() {
          const step = iterator.next()
          note(witness, 'read', step)
          return step
        },
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      }
    },
  }
}

type Work<Tx, Result> = (tx: Tx) => Promise<Result>

/** A transaction that somebody waits for. One that wrote nothing does not show that others can. */
function transactFor<Tx extends StoreTransaction, Result>(
  store: Store<Tx>,
  witness: Witness,
  work: Work<Tx, Result>,
  options: CommitOptions | undefined,
): Promise<Result> {
  let hasWritten = false
  const onWritten = (): void => {
    hasWritten = true
  }
  const answer = store.transaction((tx) => {
    hasWritten = false
    return work(watchTransaction(tx, onWritten))
  }, options)
  note(witness, 'append', answer, () => hasWritten)
  return answer
}

function watchTransaction<Tx extends StoreTransaction>(tx: Tx, onWritten: () => void): Tx {
  return new Proxy({} as Tx, {
    has: (_target, key) => key in tx,
    get(_target, key) {
      const value: unknown = Reflect.get(tx, key, tx)
      if (typeof value !== 'function') return value
      const wrote = WROTE.get(key)
      if (wrote === undefined) return value.bind(tx) as unknown
      return (...args: readonly unknown[]): unknown => {
        const answer = Reflect.apply(value, tx, args) as Promise<unknown>
        // Whoever called hears of its failure.
        answer.then((said) => wrote(said) && onWritten(), ignore)
        return answer
      }
    },
  })
}

function ignore(): void {}

/** A transaction of the runtime: it writes, if nothing else, how far a subscription has come. */
function deliver<Tx extends StoreTransaction, Result>(
  store: Store<Tx>,
  { health, asker, location }: Witness,
  work: Work<Tx, Result>,
  options: CommitOptions | undefined,
): Promise<Result> {
  let hasBegun = false
  const answer = store.transaction((tx) => {
    hasBegun = true
    return work(tx)
  }, options)
  answer.then(
    () => health.succeeded('delivery'),
    (error: unknown) => {
      if (hasBegun && mayBeOfHandler(error, location)) return
      health.failed('delivery', error, asker)
    },
  )
  return answer
}

/**
 * Whether a handler alone may be to blame for what became of its transaction: rows that it waits for in vain, a
 * statement that the database does not take, another log. Where the store is to blame, so it is said to
 * everything else that the runtime asks of it.
 */
function mayBeOfHandler(error: unknown, location: string): boolean {
  if (!isTidingsError(error)) return true
  if (error.code === 'TIDINGS_STORE_BUSY' || error.code === 'TIDINGS_STORE_FAILED') return true
  return (error as { readonly location?: unknown }).location !== location
}
