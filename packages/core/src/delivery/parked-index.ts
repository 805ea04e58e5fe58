import type { ParkedEvent, ParkedKey } from '../store/parked-store.ts'

type Head = ParkedKey['head']

interface Entry {
  count: number
  head: Head
}

/** Whether the first parked event of a key may run now, by itself or because somebody asked for it. */
export function isRunnable(head: Head, nowMs: number): boolean {
  if (head.state === 'redriving' || head.reason === 'behind') return true
  return head.dueAt !== undefined && head.dueAt <= nowMs
}

/** Which keys of a subscription are parked, in memory: one entry a key. */
export class ParkedIndex {
  readonly #keys = new Map<string, Entry>()
  #total = 0

  constructor(keys: readonly ParkedKey[]) {
    for (const { key, count, head } of keys) {
      this.#keys.set(key, { count, head })
      this.#total += count
    }
  }

  get total(): number {
    return this.#total
  }

  has(key: string): boolean {
    // Mostly nothing is parked: no text is hashed then.
    return this.#keys.size > 0 && this.#keys.has(key)
  }

  keys(): Iterable<string> {
    return this.#keys.keys()
  }

  headOf(key: string): Head | undefined {
    return this.#keys.get(key)?.head
  }

  countOf(key: string): number {
    return this.#keys.get(key)?.count ?? 0
  }

  added(key: string, parked: ParkedEvent): void {
    this.#total++
    const entry = this.#keys.get(key)
    // Not the event itself: its bytes would be kept in memory for as long as it is parked.
    const { parkedId, sequence, state, dueAt, reason } = parked
    const head = { parkedId, sequence, state, dueAt, reason }
    if (entry === undefined) this.#keys.set(key, { count: 1, head })
    else entry.count++
  }

  /** The first one of a key has been looked up, or has changed. */
  headIs(key: string, head: Head): void {
    const entry = this.#keys.get(key)
    if (entry !== undefined) entry.head = head
  }

  /** The first one of a key is finished, and this is the next one. */
  finished(key: string, next: Head | undefined): void {
    const entry = this.#keys.get(key)
    if (entry === undefined) return
    this.#total--
    entry.count--
    if (next !== undefined) entry.head = next
    else this.forget(key)
  }

  /** A key as the store has it now; undefined: it has none any more. */
  set(key: string, now: ParkedKey | undefined): void {
    this.forget(key)
    if (now === undefined) return
    this.#keys.set(key, { count: now.count, head: now.head })
    this.#total += now.count
  }

  /** The key has none any more. */
  forget(key: string): void {
    this.#total -= Math.max(0, this.#keys.get(key)?.count ?? 0)
    this.#keys.delete(key)
  }

  /** The keys whose first one may run now. */
  runnable(nowMs: number): string[] {
    const keys: string[] = []
    for (const [key, { head }] of this.#keys) if (isRunnable(head, nowMs)) keys.push(key)
    return keys
  }

  /** When the next one is due by itself, milliseconds since the epoch. */
  nextDueMs(nowMs: number): number | undefined {
    let next: number | undefined
    for (const { head } of this.#keys.values()) {
      if (head.dueAt === undefined || head.dueAt <= nowMs) continue
      if (next === undefined || head.dueAt < next) next = head.dueAt
    }
    return next
  }
}
