import type { ParkedEvent } from 'tidings'
import type { SubscriptionShape } from './plan-types.ts'
import { Violation } from './violation.ts'

/** What became of an event in a generation; undefined: nothing yet. */
export type Fate = 'handled' | 'skipped' | 'parked' | 'discarded'

export interface Known {
  readonly n: number
  readonly key: string
  readonly position: number
}

/** What an oracle knows of a subscription in one generation. */
export class Generation {
  readonly number: number
  /** Events up to here are none of its. */
  readonly startAt: number
  mark: number
  readonly ahead = new Set<number>()
  readonly fates = new Map<number, Fate>()
  readonly effects = new Map<number, number>()
  /** By event, as they were written last. */
  readonly rows = new Map<number, ParkedEvent>()

  constructor(number: number, startAt: number) {
    this.number = number
    this.startAt = startAt
    this.mark = startAt
  }

  isSettled(n: number): boolean {
    const fate = this.fates.get(n)
    return fate !== undefined && fate !== 'parked'
  }
}

/** The events of a history in order, and what keeps the order among them. */
export class EventList {
  readonly all: Known[] = []
  readonly #order: SubscriptionShape['order']
  readonly #byNumber = new Map<number, Known>()
  readonly #byPosition = new Map<number, Known>()
  readonly #byKey = new Map<string, Known[]>()

  constructor(order: SubscriptionShape['order']) {
    this.#order = order
  }

  add(event: Known): void {
    this.all.push(event)
    this.#byNumber.set(event.n, event)
    this.#byPosition.set(event.position, event)
    const key = this.#orderOf(event)
    const others = this.#byKey.get(key)
    if (others === undefined) this.#byKey.set(key, [event])
    else others.push(event)
  }

  get(n: number): Known {
    const known = this.#byNumber.get(n)
    if (known === undefined) throw new Violation('shards', `event ${n} is none of this shard's`)
    return known
  }

  at(position: number): Known | undefined {
    return this.#byPosition.get(position)
  }

  between(after: number, upTo: number): Known[] {
    return this.all.filter(({ position }) => position > after && position <= upTo)
  }

  /** Those of the generation that have to come before an event. */
  before({ position, ...rest }: Known, { startAt }: Generation): Known[] {
    const others = this.#byKey.get(this.#orderOf({ position, ...rest })) ?? []
    return others.filter((other) => other.position > startAt && other.position < position)
  }

  isSameOrder(a: Known, b: Known): boolean {
    return this.#orderOf(a) === this.#orderOf(b)
  }

  #orderOf({ n, key }: Known): string {
    if (this.#order === 'all') return ''
    return this.#order === 'none' ? `event ${n}` : key
  }
}

/** What handlers of one process did: what it may say of an event rests on this. */
export class Doings {
  /** Runs that ended well, by generation and event. */
  readonly #right = new Map<string, number>()
  readonly #skips = new Set<number>()
  readonly #begun = new Map<number, number>()

  began(n: number): void {
    this.#begun.set(n, this.begunOf(n) + 1)
  }

  begunOf(n: number): number {
    return this.#begun.get(n) ?? 0
  }

  skipped(n: number): void {
    this.#skips.add(n)
  }

  hasSkipped(n: number): boolean {
    return this.#skips.has(n)
  }

  /** @returns how often now, in this generation and session */
  right(n: number, session: string): number {
    const key = `${session}/${n}`
    const times = (this.#right.get(key) ?? 0) + 1
    this.#right.set(key, times)
    return times
  }

  hasRight(n: number, session: string): boolean {
    return this.#right.has(`${session}/${n}`)
  }
}
