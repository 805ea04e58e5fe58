import type { StoredEnvelope } from '../contract/envelope.ts'
import type { Committed } from '../store/commits.ts'
import type { Store } from '../store/store.ts'
import type { SubscriptionPlan } from './define-subscription.ts'
import type { Selection } from './selection.ts'

/** A piece of the log. */
export interface LogPage {
  /** In order of position; possibly none. */
  readonly events: readonly StoredEnvelope[]
  /** Everything up to here was looked at. */
  readonly upTo: number
}

/** Events that are read, and so handed out, at a time, where nobody asks for more. */
export const PAGE = 512
/** Events of a page that is read for one reader, at the most: some 10 ms in which nothing else runs. */
const LARGEST_PAGE = 1000
/** From one wanted event in so many on, walking the log is quicker than an index that leads to each. */
const DENSE = 4
/** Events kept: what subscriptions may differ by and still share one reading. About 2 MB of usual ones. */
const KEPT = 2048

/** What a reader asks for at a time: a batch that is waited for no longer would begin with half of what is there. */
export function pageSizeFor({
  handleBatch,
  batchSize,
}: Pick<SubscriptionPlan, 'handleBatch' | 'batchSize'>): number {
  if (handleBatch === undefined) return PAGE
  return Math.min(Math.max(PAGE, batchSize), LARGEST_PAGE)
}
/** Made once: an abort without a reason makes an error with a stack. */
const ENDED = new Error('The log is followed no more')

/** A subscription that waits for the log to go on. */
interface Waiter {
  readonly after: number
  readonly signal: AbortSignal
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * The one tail reader of a process: subscriptions that are near the end of the log share what it reads,
 * and its one wait for more. One that is far behind reads pages of its own, through the indexes.
 *
 * What this process commits itself, while a subscription waits at the end of the log, is handed over
 * and not read back. While all of them are busy it is left to the next reading, which takes all that
 * came meanwhile at once: so what is kept does not grow with what is written.
 */
export class LogTail {
  readonly #store: Store
  #pages: LogPage[] = []
  #keptCount = 0
  /** The kept pages begin behind this position; undefined before the first reading. */
  #start: number | undefined
  #extending: Promise<void> | undefined
  readonly #waiters = new Set<Waiter>()
  /** Listened to once each, and not anew for every wait: that was a part of how long an event takes. */
  readonly #heeded = new WeakSet<AbortSignal>()
  /** The position that the store is asked to go beyond; undefined: it is not asked. */
  #watchedFrom: number | undefined
  /** The end of the log as the last commit that was handed over left it; others may have moved it since. */
  #handedUpTo: number | undefined
  readonly #ending = new AbortController()
  readonly #unfollow: () => void
  /** Choices whose last page of its own was full of wanted events. */
  readonly #dense = new WeakSet<Selection>()

  constructor(store: Store) {
    this.#store = store
    this.#unfollow = store.onCommitted((committed) => this.#take(committed))
  }

  /** Follows the log no more. */
  end(): void {
    this.#unfollow()
    this.#ending.abort(ENDED)
  }

  /** What is known behind a position without asking the store; undefined: nothing is. */
  known(after: number): LogPage | undefined {
    return this.#start === undefined || after < this.#start ? undefined : this.#kept(after)
  }

  /**
   * @param selection what the reader wants: a page may hold other events too
   * @param size events of a page that is read for this reader alone; one that is shared may hold fewer
   */
  async read(after: number, selection: Selection, size: number = PAGE): Promise<LogPage> {
    this.#start ??= await this.#store.head()
    if (after < this.#start) return this.#readOwn(after, selection, size)
    const kept = this.#kept(after)
    if (kept !== undefined) return kept
    if (after === this.#handedUpTo) return { events: [], upTo: after }
    // Many ask for the same next page, and share one reading.
    // Cleared behind the assignment, also where the store throws at once: or it would fail for ever.
    this.#extending ??= this.#extend().finally(() => {
      this.#extending = undefined
    })
    await this.#extending
    return this.#kept(after) ?? { events: [], upTo: after }
  }

  /**
   * Resolves when the log goes on behind a position, or may have.
   *
   * @throws the signal's reason; what the store throws
   */
  wait(after: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const isKnown = this.#end !== undefined && this.#end > after
    if (isKnown || after < (this.#watchedFrom ?? after)) {
      this.#hasMoved(after)
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      this.#waiters.add({ after, signal, resolve, reject })
      this.#heed(signal)
      this.#watch()
    })
  }

  #heed(signal: AbortSignal): void {
    if (this.#heeded.has(signal)) return
    this.#heeded.add(signal)
    const onAbort = (): void => {
      for (const waiter of this.#waiters) {
        if (waiter.signal !== signal) continue
        this.#waiters.delete(waiter)
        waiter.reject(signal.reason as Error)
      }
    }
    signal.addEventListener('abort', onAbort, { once: true })
  }

  /**
   * Takes a commit as if it had been read, where it follows what is kept: the store says that nothing
   * lies between. Anything else is read in its turn.
   */
  #take(committed: Committed): void {
    const { after, count, upTo } = committed
    if (this.#waiters.size === 0 || after !== this.#end || count > PAGE) return
    this.#keep({ events: committed.events(), upTo })
    this.#handedUpTo = upTo
    this.#wake(upTo - 1)
  }

  /** Lets those go on who wait for what is behind a position, or for something before it. */
  #wake(upTo: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.after > upTo) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  /** The log goes on behind this position. Where nothing of that was handed over, it has to be read. */
  #hasMoved(from: number): void {
    if (this.#handedUpTo === from) this.#handedUpTo = undefined
  }

  #watch(): void {
    if (this.#watchedFrom !== undefined) return
    void this.#follow()
      .catch((error: unknown) => {
        // Whoever does not wait now asks again, and hears it then.
        for (const { reject } of this.#waiters) reject(error as Error)
        this.#waiters.clear()
      })
      .finally(() => {
        this.#watchedFrom = undefined
        // Some may have come since the last look.
        if (this.#waiters.size > 0) this.#watch()
      })
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending
    while (this.#waiters.size > 0) {
      const from = Math.min(...Array.from(this.#waiters, ({ after }) => after))
      this.#watchedFrom = from
      await this.#store.waitBeyond(from, { signal })
      this.#hasMoved(from)
      this.#wake(from)
    }
  }

  async #readOwn(after: number, selection: Selection, size: number): Promise<LogPage> {
    const { types, passesOn } = selection
    const limits = { after, limit: size, pageSize: size }
    const walk = (): Promise<readonly StoredEnvelope[]> =>
      this.#store.readAll({ ...limits, payloadsAsText: passesOn }).toArray()
    if (types === undefined || this.#dense.has(selection)) {
      const events = await walk()
      // One that is full claims nothing beyond its last event, wherever the log ends.
      if (events.length === size) return this.#pageOf(selection, after, events)
    }
    // Asked before the reading: whatever comes later is beyond what this page claims to have looked at.
    const head = await this.#store.head()
    const events =
      types === undefined ? await walk() : await this.#store.query({ types }, limits).toArray()
    const page = this.#pageOf(selection, after, events)
    return events.length < size ? { events, upTo: Math.max(head, page.upTo) } : page
  }

  /** Events and the last of them, after a look at how many were wanted. */
  #pageOf(selection: Selection, after: number, events: LogPage['events']): LogPage {
    const upTo = events.at(-1)?.position ?? after
    if (selection.types !== undefined) this.#note(selection, events, upTo - after)
    return { events, upTo }
  }

  /** Whether the next page is to be read through the index, or with everything between. */
  #note(selection: Selection, events: LogPage['events'], span: number): void {
    let wanted = 0
    for (const { eventType } of events) if (selection.choose(eventType) !== 'other') wanted++
    if (wanted * DENSE > span) this.#dense.add(selection)
    else this.#dense.delete(selection)
  }

  #kept(after: number): LogPage | undefined {
    // From the newest: whoever is near the end asks, and where events come singly there are 2,000 pages.
    let index = this.#pages.length
    while (index > 0 && this.#pages[index - 1]!.upTo > after) index--
    const page = this.#pages[index]
    if (page === undefined) return undefined
    const [first] = page.events
    if (first === undefined || first.position > after) return page
    return { events: page.events.filter(({ position }) => position > after), upTo: page.upTo }
  }

  /** What is known ends here; undefined before the first reading. */
  get #end(): number | undefined {
    return this.#pages.at(-1)?.upTo ?? this.#start
  }

  #keep(page: LogPage): void {
    this.#pages.push(page)
    this.#keptCount += page.events.length
    while (this.#keptCount > KEPT) this.#dropOldest()
  }

  #dropOldest(): void {
    const page = this.#pages.shift()!
    this.#keptCount -= page.events.length
    this.#start = page.upTo
  }

  async #extend(): Promise<void> {
    const after = this.#end!
    const events = await this.#store.readAll({ after, limit: PAGE, pageSize: PAGE }).toArray()
    // What was handed over meanwhile may be in it again: whoever asks gets what is behind a position.
    const upTo = events.at(-1)?.position
    if (upTo !== undefined) this.#keep({ events, upTo })
  }
}
