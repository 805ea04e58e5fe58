import type { ParkedEvent } from '../parked-store.ts'
import { compareText } from './compare-text.ts'

/** Parked events by id, and those that are unfinished by the key that they hold up. */
export class ParkedRows {
  readonly #byId = new Map<string, ParkedEvent>()
  /** By subscription and generation, then by key. */
  readonly #unfinished = new Map<string, Map<string, Map<string, ParkedEvent>>>()

  find(parkedId: string): ParkedEvent | undefined {
    return this.#byId.get(parkedId)
  }

  all(): Iterable<ParkedEvent> {
    return this.#byId.values()
  }

  put(event: ParkedEvent): void {
    this.remove(event.parkedId)
    this.#byId.set(event.parkedId, event)
    if (!isUnfinished(event)) return
    const place = placeOf(event.subscription, event.generation)
    const keys = getOrAdd(
      this.#unfinished,
      place,
      () => new Map<string, Map<string, ParkedEvent>>(),
    )
    getOrAdd(keys, event.key, () => new Map<string, ParkedEvent>()).set(event.parkedId, event)
  }

  remove(parkedId: string): void {
    const event = this.#byId.get(parkedId)
    if (event === undefined) return
    this.#byId.delete(parkedId)
    const place = placeOf(event.subscription, event.generation)
    const keys = this.#unfinished.get(place)
    const events = keys?.get(event.key)
    events?.delete(parkedId)
    if (events?.size === 0) keys?.delete(event.key)
    if (keys?.size === 0) this.#unfinished.delete(place)
  }

  /** The unfinished ones of a key, in order. */
  ofKey(subscription: string, generation: number, key: string): ParkedEvent[] {
    const events = this.#unfinished.get(placeOf(subscription, generation))?.get(key)
    return [...(events?.values() ?? [])].sort(byOrder)
  }

  /** The keys that have unfinished ones. */
  keys(subscription: string, generation: number): string[] {
    return [...(this.#unfinished.get(placeOf(subscription, generation))?.keys() ?? [])]
  }

  clear(): void {
    this.#byId.clear()
    this.#unfinished.clear()
  }
}

export function isUnfinished({ state }: Pick<ParkedEvent, 'state'>): boolean {
  return state === 'parked' || state === 'redriving'
}

/** Subscription, generation, sequence, id. */
export function byOrder(a: ParkedEvent, b: ParkedEvent): number {
  return (
    compareText(a.subscription, b.subscription) ||
    a.generation - b.generation ||
    a.sequence - b.sequence ||
    compareText(a.parkedId, b.parkedId)
  )
}

function placeOf(subscription: string, generation: number): string {
  return `${generation}/${subscription}`
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
