import type { Publisher, SqlTransaction, Store } from 'tidings'
import type { Point } from './plan-life.ts'
import type { Trap } from './trap.ts'

/** An object of which some methods are replaced. */
function override<Whole extends object>(whole: Whole, changes: Partial<NoInfer<Whole>>): Whole {
  return new Proxy(whole, {
    get(target, name) {
      const own: unknown = Reflect.get(changes, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** A store in which a process can be killed where the runtime writes, and where that has just been committed. */
export function trappedStore(store: Store<SqlTransaction>, trap: Trap): Store<SqlTransaction> {
  const { subscriptions, operations } = store
  return override<Store<SqlTransaction>>(store, {
    async transaction(work, options) {
      const committed = new Set<Point>()
      const result = await store.transaction(
        (tx) => work(trappedTransaction(tx, trap, committed)),
        options,
      )
      for (const point of committed) trap.pass(point)
      return result
    },
    subscriptions: override(subscriptions, {
      claim: passing(trap, 'claimed', (claim) => subscriptions.claim(claim)),
      begin: passing(trap, 'begun', (fence, position) => subscriptions.begin(fence, position)),
    }),
    operations: override(operations, {
      request: passing(trap, 'operation-requested', (operation) => operations.request(operation)),
    }),
  })
}

function passing<Args extends readonly unknown[], Result>(
  trap: Trap,
  point: Point,
  call: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const result = await call(...args)
    trap.pass(point)
    return result
  }
}

function trappedTransaction(tx: SqlTransaction, trap: Trap, committed: Set<Point>): SqlTransaction {
  const writing =
    <Args extends readonly unknown[], Result>(
      within: Point,
      after: Point | undefined,
      call: (...args: Args) => Promise<Result>,
    ) =>
    async (...args: Args): Promise<Result> => {
      const result = await call(...args)
      trap.pass(within)
      if (after !== undefined) committed.add(after)
      return result
    }
  return override(tx, {
    progress: writing('progress-written', undefined, (change) => tx.progress(change)),
    park: writing('parking', 'parked', (events) => tx.park(events)),
    putOperations: writing('operation-written', 'operation-committed', (operations) =>
      tx.putOperations(operations),
    ),
    setTimers: writing('timers-set', undefined, (timers) => tx.setTimers(timers)),
    fireTimer: writing('timer-firing', 'timer-fired', (timerId, fired) =>
      tx.fireTimer(timerId, fired),
    ),
  })
}

/** A publisher that can die before, in the middle of, and after a batch. */
export function trappedPublisher(publisher: Publisher, trap: Trap): Publisher {
  return {
    async publish(records, options) {
      trap.pass('publishing')
      const half = Math.ceil(records.length / 2)
      const first = await publisher.publish(records.slice(0, half), options)
      trap.pass('half-published')
      const second = await publisher.publish(records.slice(half), options)
      trap.pass('published')
      return [...first, ...second]
    },
    close: () => publisher.close(),
  }
}
