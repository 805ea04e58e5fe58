import type { StoredEnvelope } from '../contract/envelope.ts'
import { UsageError } from '../errors/usage-errors.ts'
import type { EventReader } from './store.ts'

/** Events that a reader fetches at once, and so holds in memory, unless it is told otherwise. */
export const DEFAULT_PAGE_SIZE = 1000

/** Some events in order, and whether there may be more behind them. */
export interface EventPage {
  readonly events: readonly StoredEnvelope[]
  readonly more: boolean
}

/**
 * Fetches the next events of a reading.
 *
 * @param last the event handed out last; undefined at the beginning
 * @param size how many at the most; fewer are fine, also with `more`
 */
export type FetchPage = (
  last: StoredEnvelope | undefined,
  size: number,
) => EventPage | Promise<EventPage>

export interface ReaderOptions {
  readonly limit?: number | undefined
  readonly pageSize?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * A reader over pages: it fetches only when the page before is used up, and keeps none that it has
 * handed out.
 *
 * @throws {UsageError} a limit or page size that is none
 */
export function makeEventReader(fetchPage: FetchPage, options: ReaderOptions = {}): EventReader {
  const limit = options.limit ?? Number.POSITIVE_INFINITY
  const pageSize = options.pageSize ?? DEFAULT_PAGE_SIZE
  if (limit !== Number.POSITIVE_INFINITY) requireWhole('limit', limit, 0)
  requireWhole('pageSize', pageSize, 1)
  return new PagedReader(
    () => readPages(fetchPage, { limit, pageSize, signal: options.signal }),
    options.signal,
  )
}

/**
 * The events of a reader, each as `map` makes it, at no further turn of the microtask queue.
 *
 * @param signal the one that the reader was given: it is looked at before each event
 */
export function mapReader(
  reader: EventReader,
  map: (event: StoredEnvelope) => StoredEnvelope,
  signal?: AbortSignal,
): EventReader {
  return new PagedReader(() => mapPages(reader, map), signal)
}

async function* mapPages(
  reader: EventReader,
  map: (event: StoredEnvelope) => StoredEnvelope,
): Pages {
  for await (const page of reader.pages()) yield page.map(map)
}

/** @throws {UsageError} when the value is no whole number from `least` up */
export function requireWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new UsageError(
    'TIDINGS_ARGUMENT_INVALID',
    `'${name}' is a whole number from ${least} up; got ${value}. Nothing was read. Correct the call.`,
  )
}

interface Bounds {
  readonly limit: number
  readonly pageSize: number
  readonly signal: AbortSignal | undefined
}

type Pages = AsyncGenerator<readonly StoredEnvelope[], undefined, undefined>

async function* readPages(fetchPage: FetchPage, { limit, pageSize, signal }: Bounds): Pages {
  let left = limit
  let last: StoredEnvelope | undefined
  for (let more = left > 0; more;) {
    signal?.throwIfAborted()
    const page = await fetchPage(last, Math.min(pageSize, left))
    signal?.throwIfAborted()
    last = page.events.at(-1) ?? last
    left -= page.events.length
    more = page.more && left > 0
    if (page.events.length > 0) yield page.events
  }
}

/** fresh → taken (by the first iteration, in whichever form). */
class PagedReader implements EventReader {
  readonly #start: () => Pages
  readonly #signal: AbortSignal | undefined
  #taken = false

  constructor(start: () => Pages, signal: AbortSignal | undefined) {
    this.#start = start
    this.#signal = signal
  }

  pages(): Pages {
    if (this.#taken) {
      throw new UsageError(
        'TIDINGS_ARGUMENT_INVALID',
        'A reader is iterated once, and this one was before. Read again with a new one.',
      )
    }
    this.#taken = true
    return this.#start()
  }

  [Symbol.asyncIterator](): AsyncIterator<StoredEnvelope, undefined, undefined> {
    return new EventIterator(this.pages(), this.#signal)
  }

  async toArray(): Promise<StoredEnvelope[]> {
    let all: StoredEnvelope[] = []
    for await (const page of this.pages()) {
      // Mostly there is one, and to copy it event by event would be felt.
      if (all.length === 0) all = [...page]
      else for (const event of page) all.push(event)
    }
    return all
  }
}

const END: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })

/**
 * Events out of pages. Written by hand, because a generator within a generator costs three more
 * turns of the microtask queue for each event.
 *
 * reading ⇄ fetching (a page is on its way; calls wait for it in order) → ended
 */
class EventIterator implements AsyncIterator<StoredEnvelope, undefined, undefined> {
  readonly #pages: Pages
  readonly #signal: AbortSignal | undefined
  #page: readonly StoredEnvelope[] = []
  #index = 0
  #fetching: Promise<unknown> | undefined
  #queued = 0
  #ended = false

  constructor(pages: Pages, signal: AbortSignal | undefined) {
    this.#pages = pages
    this.#signal = signal
  }

  next(): Promise<IteratorResult<StoredEnvelope, undefined>> {
    const value = this.#page[this.#index]
    if (value !== undefined && this.#fetching === undefined && this.#signal?.aborted !== true) {
      this.#index++
      return Promise.resolve({ done: false, value })
    }
    const turn = this.#queue(this.#fetching)
    this.#fetching = turn
    return turn
  }

  async #queue(
    before: Promise<unknown> | undefined,
  ): Promise<IteratorResult<StoredEnvelope, undefined>> {
    this.#queued++
    try {
      // A failure was the caller's before; whoever waits behind it only has to know that it is over.
      await before?.catch(ignore)
      return await this.#advance()
    } finally {
      // Before the caller goes on, so that its next call finds the short way again.
      if (--this.#queued === 0) this.#fetching = undefined
    }
  }

  async #advance(): Promise<IteratorResult<StoredEnvelope, undefined>> {
    if (this.#ended) return END
    if (this.#signal?.aborted === true) {
      await this.return()
      throw this.#signal.reason
    }
    const value = this.#page[this.#index++]
    if (value !== undefined) return { done: false, value }
    return this.#turnPage()
  }

  async #turnPage(): Promise<IteratorResult<StoredEnvelope, undefined>> {
    // Let go before the next page comes, so that one page is held and never two.
    this.#page = []
    try {
      const { done, value: page } = await this.#pages.next()
      const value = page?.[0]
      if (done === true || page === undefined || value === undefined) return await this.return()
      this.#page = page
      this.#index = 1
      return { done: false, value }
    } catch (error) {
      this.#ended = true
      throw error
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#ended = true
    this.#page = []
    await this.#pages.return(undefined)
    return END
  }
}

function ignore(): undefined {
  return undefined
}
