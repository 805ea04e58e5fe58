import type { EventReader, Store, StoreTransaction } from 'tidings'

/** A process's view of a log. With the process dead, nothing that it still does reaches the log. */
export interface SeverableStore {
  readonly store: Store
  /** Nothing more goes through in either direction; what was not committed is rolled back. */
  sever(): void
}

/** @param store stays open when the process closes it: the log outlives its processes */
export function severable(store: Store): SeverableStore {
  const severed = Promise.withResolvers<never>()
  // Told to whoever waits for it.
  severed.promise.catch(() => undefined)
  let isDead = false
  const isSevered = (): boolean => isDead
  const view = guard(store, isSevered, {
    close: async () => undefined,
    transaction: async (
      work: (tx: StoreTransaction) => Promise<unknown>,
      options?: { readonly signal?: AbortSignal },
    ) => {
      if (isDead) return never()
      try {
        const result = await store.transaction(
          (tx) => Promise.race([work(tx), severed.promise]),
          options,
        )
        return isSevered() ? await never() : result
      } catch (error) {
        if (isSevered()) return never()
        throw error
      }
    },
  })
  return {
    store: view,
    sever() {
      isDead = true
      severed.reject(new Error('The process is dead'))
    },
  }
}

/** Everything that is called on a whole, or on what it consists of, goes through while the process lives. */
function guard<Whole extends object>(
  whole: Whole,
  isSevered: () => boolean,
  own: Readonly<Record<string, unknown>> = {},
): Whole {
  return new Proxy(whole, {
    get(target, name) {
      if (typeof name === 'string' && name in own) return own[name]
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value === 'object' && value !== null) return guard(value, isSevered)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]): unknown => {
        if (isSevered()) return READERS.has(String(name)) ? deadReader : never()
        const answer: unknown = Reflect.apply(value, target, args)
        return answer instanceof Promise ? hear(answer, isSevered) : answer
      }
    },
  })
}

const READERS: ReadonlySet<string> = new Set(['readAll', 'readStream', 'query'])

/** What was asked while the process lived is answered to nobody when it is dead by then. */
async function hear(answer: Promise<unknown>, isSevered: () => boolean): Promise<unknown> {
  try {
    const result = await answer
    return isSevered() ? await never() : result
  } catch (error) {
    if (isSevered()) return never()
    throw error
  }
}

async function* neverAny(): AsyncGenerator<never, void, undefined> {
  yield await never()
}

const deadReader: EventReader = {
  pages: neverAny,
  [Symbol.asyncIterator]: neverAny,
  toArray: never,
}

/** What nobody will ever hear of. */
function never(): Promise<never> {
  return new Promise(() => undefined)
}
