import type { StoredEnvelope } from '../contract/envelope.ts'
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

/**
 * The one tail reader of a process: subscriptions that are near the end of the log share what it reads,
 * and its one wait for more. One that is far behind reads pages of its own, through the indexes.
 */
export class LogTail {
  readonly #store: Store
  #pages: LogPage[] = []
  #keptCount = 0
  /** The kept pages begin behind this position; undefined before the first reading. */
  #start: number | undefined
  #extending: Promise<void> | undefined
  /** Choices whose last page of its own was full of wanted events. */
  readonly #dense = new WeakSet<Selection>()

  constructor(store: Store) {
    this.#store = store
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
    // Many ask for the same next page, and share one reading.
    // Cleared behind the assignment, also where the store throws at once: or it would fail for ever.
    this.#extending ??= this.#extend().finally(() => {
      this.#extending = undefined
    })
    await this.#extending
    return this.#kept(after) ?? { events: [], upTo: after }
  }

  /** Resolves when the log goes on behind a position. @throws the signal's reason */
  wait(after: number, signal: AbortSignal): Promise<void> {
    return this.#store.waitBeyond(after, { signal })
  }

  async #readOwn(after: number, selection: Selection, size: number): Promise<LogPage> {
    // Read first: whatever comes later is beyond what this page claims to have looked at.
    const head = await this.#store.head()
    const options = { after, limit: size, pageSize: size }
    const { types } = selection
    const walks = types === undefined || this.#dense.has(selection)
    const reader = walks ? this.#store.readAll(options) : this.#store.query({ types }, options)
    const events = await reader.toArray()
    const last = events.at(-1)?.position ?? after
    if (types !== undefined) this.#note(selection, events, last - after)
    return { events, upTo: events.length < size ? Math.max(head, last) : last }
  }

  /** Whether the next page is to be read through the index, or with everything between. */
  #note(selection: Selection, events: LogPage['events'], span: number): void {
    const wanted = events.filter(({ eventType }) => selection.choose(eventType) !== 'other')
    if (wanted.length * DENSE > span) this.#dense.add(selection)
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

  #dropOldest(): void {
    const page = this.#pages.shift()!
    this.#keptCount -= page.events.length
    this.#start = page.upTo
  }

  async #extend(): Promise<void> {
    const after = this.#pages.at(-1)?.upTo ?? this.#start!
    const events = await this.#store.readAll({ after, limit: PAGE, pageSize: PAGE }).toArray()
    const upTo = events.at(-1)?.position
    if (upTo === undefined) return
    this.#pages.push({ events, upTo })
    this.#keptCount += events.length
    while (this.#keptCount > KEPT) this.#dropOldest()
  }
}
