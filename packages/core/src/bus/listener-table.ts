import type { Handler, HandledOutcome, HandlerContext } from './handler.ts'
import type { CompiledSelector } from './selector.ts'

/** One listener, as the dispatch sees it. */
export interface ListenerEntry {
  readonly id: string
  readonly name: string
  readonly selector: CompiledSelector
  readonly handler: Handler
  readonly context: HandlerContext
  /** Higher ones are called first; 0 by default. */
  readonly priority: number
  /** Declared `async`: known before it is called. */
  readonly isAsync: boolean
  /** The outcome of each success without a timing: one object for all of them. */
  readonly handled: HandledOutcome
  /** False once it is unsubscribed: a delivery under way passes over it from then on. */
  active: boolean
}

/** The listeners of a type, in the order in which they are called. */
export interface ListenerList {
  readonly entries: readonly ListenerEntry[]
  /** The outcomes when each of them handles it: one array for all such deliveries. */
  readonly handled: readonly HandledOutcome[]
}

const NOBODY: ListenerList = listOf([])

/** Types whose list is kept. Names made up without end would fill the memory; contracts are never so many. */
const REMEMBERED = 10_000

/**
 * Who hears an event of which type. The list of a type is put together once, when the first event of
 * it comes, and kept in step: so delivering costs the same however many listeners do not match.
 *
 * Lists are replaced, never changed: a delivery goes on with the one it began with.
 */
export class ListenerTable {
  readonly #entries = new Map<string, ListenerEntry>()
  readonly #byType = new Map<string, ListenerList>()
  // Events come in bursts of a type: for all but the first of one no map is searched (a twentieth of a publish).
  #lastType: string | undefined
  #lastList = NOBODY

  get size(): number {
    return this.#entries.size
  }

  get(id: string): ListenerEntry | undefined {
    return this.#entries.get(id)
  }

  all(): readonly ListenerEntry[] {
    return [...this.#entries.values()]
  }

  add(entry: ListenerEntry): void {
    this.#entries.set(entry.id, entry)
    this.#forListsOf(entry, (type, { entries }) =>
      this.#byType.set(type, listOf(insert(entries, entry))),
    )
  }

  remove(entry: ListenerEntry): boolean {
    if (!this.#entries.delete(entry.id)) return false
    this.#forListsOf(entry, (type, { entries }) =>
      this.#byType.set(type, listOf(entries.filter((other) => other !== entry))),
    )
    return true
  }

  of(type: string): ListenerList {
    if (type !== this.#lastType) {
      this.#lastList = this.#byType.get(type) ?? this.#resolve(type)
      this.#lastType = type
    }
    return this.#lastList
  }

  #resolve(type: string): ListenerList {
    let list = NOBODY
    const matching: ListenerEntry[] = []
    for (const entry of this.#entries.values())
      if (entry.selector.matches(type)) matching.push(entry)
    if (matching.length > 0) list = listOf(matching.sort((a, b) => b.priority - a.priority))
    if (this.#byType.size < REMEMBERED) this.#byType.set(type, list)
    return list
  }

  #forListsOf(entry: ListenerEntry, update: (type: string, list: ListenerList) => void): void {
    this.#lastType = undefined
    if (entry.selector.types !== undefined) {
      for (const type of entry.selector.types) {
        const list = this.#byType.get(type)
        if (list !== undefined) update(type, list)
      }
      return
    }
    for (const [type, list] of this.#byType) if (entry.selector.matches(type)) update(type, list)
  }
}

function listOf(entries: readonly ListenerEntry[]): ListenerList {
  return { entries, handled: Object.freeze(entries.map((entry) => entry.handled)) }
}

/** Behind those of the same priority: they are called in the order in which they subscribed. */
function insert(list: readonly ListenerEntry[], entry: ListenerEntry): readonly ListenerEntry[] {
  const at = list.findIndex((other) => other.priority < entry.priority)
  return at === -1 ? [...list, entry] : list.toSpliced(at, 0, entry)
}
