import type { CommitListener, EventReader, Store, StoreTransaction, CommitOptions } from 'tidings'

/** A process's way to a log, and what can befall it. */
export interface SeverableStore {
  readonly store: Store
  readonly isSevered: boolean
  /** Calls that the store has not answered yet; neither those that wait for more, nor open transactions. */
  readonly underWay: number
  /**
   * The process is dead: nothing more goes through in either direction; what was not committed is
   * rolled back.
   */
  sever(): void
  /** The process stands still, as one that is stopped by a signal: what it asks for is asked when it goes on. */
  freeze(): void
  thaw(): void
  /** What everything that is asked for fails with; undefined: it does not. */
  trouble: Error | undefined
}

export interface SeverableOptions {
  /** Steps (calls, begins and ends of transactions) after which it is severed. */
  readonly diesAfter?: number | undefined
  readonly onDeath?: () => void
  readonly onAsk?: ((method: string) => void) | undefined
}

/** @param store stays open when the process closes it: the log outlives its processes */
export function severable(store: Store, options: SeverableOptions = {}): SeverableStore {
  const link = new Link(options)
  const view = guard(store, link, {
    close: async () => undefined,
    onCommitted: (listener: CommitListener) =>
      store.onCommitted((committed) => {
        if (link.hears) listener(committed)
      }),
    transaction: (work: (tx: StoreTransaction) => Promise<unknown>, txOptions?: CommitOptions) =>
      link.through(() =>
        store.transaction(async (tx) => {
          link.step()
          link.underWay--
          try {
            const result = await Promise.race([work(tx), link.severed])
            link.step()
            return await Promise.race([result, link.severed])
          } finally {
            link.underWay++
          }
        }, txOptions),
      ),
  })
  return Object.defineProperty(link, 'store', { value: view }) as Link & { readonly store: Store }
}

/** open ⇄ frozen → severed */
class Link {
  trouble: Error | undefined
  isSevered = false
  underWay = 0
  readonly severed: Promise<never>
  readonly #die: (error: Error) => void
  readonly #options: SeverableOptions
  #thawed: PromiseWithResolvers<void> | undefined
  #steps = 0

  constructor(options: SeverableOptions) {
    const { promise, reject } = Promise.withResolvers<never>()
    this.severed = promise
    this.#die = reject
    this.#options = options
    // Told to whoever waits for it.
    promise.catch(() => undefined)
  }

  sever(): void {
    if (this.isSevered) return
    this.isSevered = true
    this.#die(new Error('The process is dead'))
    this.#options.onDeath?.()
  }

  freeze(): void {
    this.#thawed ??= Promise.withResolvers()
  }

  thaw(): void {
    this.#thawed?.resolve()
    this.#thawed = undefined
  }

  /** Whether what is said to the process just now is heard by it. */
  get hears(): boolean {
    return !this.isSevered && this.#thawed === undefined
  }

  asked(method: string): void {
    this.#options.onAsk?.(method)
  }

  step(): void {
    if (++this.#steps === this.#options.diesAfter) this.sever()
  }

  /** Asks, and hears the answer, as far as the process still can. */
  async through(ask: () => unknown, isCounted = true): Promise<unknown> {
    await this.#thawed?.promise
    this.step()
    if (this.isSevered) return never()
    try {
      if (this.trouble !== undefined) throw this.trouble
      const answer = await (isCounted ? this.#counted(ask) : ask())
      return await this.#hear(answer)
    } catch (error) {
      await this.#hear(undefined)
      throw error
    }
  }

  async #counted(ask: () => unknown): Promise<unknown> {
    this.underWay++
    try {
      return await ask()
    } finally {
      this.underWay--
    }
  }

  /** What was asked while the process lived is answered to nobody when it is dead by then. */
  async #hear<Answer>(answer: Answer): Promise<Answer> {
    await this.#thawed?.promise
    return this.isSevered ? never() : answer
  }
}

/** Everything that is called on a whole, or on what it consists of, goes through the link. */
function guard<Whole extends object>(
  whole: Whole,
  link: Link,
  own: Readonly<Record<string, unknown>> = {},
): Whole {
  return new Proxy(whole, {
    get(target, name) {
      if (typeof name === 'string' && name in own) return own[name]
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value === 'object' && value !== null) return guard(value, link)
      if (typeof value !== 'function') return value
      const call = (args: readonly unknown[]): unknown => {
        link.asked(String(name))
        return Reflect.apply(value, target, args) as unknown
      }
      // It waits for as long as nothing comes: nobody waits for it.
      if (name === 'waitBeyond')
        return (...args: readonly unknown[]) => link.through(() => call(args), false)
      if (!READERS.has(String(name)))
        return (...args: readonly unknown[]) => link.through(() => call(args))
      return (...args: readonly unknown[]) => guardReader(call(args) as EventReader, link)
    },
  })
}

const READERS: ReadonlySet<string> = new Set(['readAll', 'readStream', 'query'])

function guardReader(reader: EventReader, link: Link): EventReader {
  const ask = <Answer>(what: () => Promise<Answer>): Promise<Answer> =>
    link.through(what) as Promise<Answer>
  async function* pages(): ReturnType<EventReader['pages']> {
    const iterator = reader.pages()[Symbol.asyncIterator]()
    for (;;) {
      const page = await ask(() => iterator.next())
      if (page.done === true) return
      yield page.value
    }
  }
  async function* each(): ReturnType<EventReader[typeof Symbol.asyncIterator]> {
    for await (const page of pages()) yield* page
  }
  return { pages, [Symbol.asyncIterator]: each, toArray: () => ask(() => reader.toArray()) }
}

/** What nobody will ever hear of. */
function never(): Promise<never> {
  return new Promise(() => undefined)
}
