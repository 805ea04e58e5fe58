import { readFeed } from './feed-reader.ts'

/** An event as the feed brings it. */
export interface SeenEvent {
  readonly event_type: string
  readonly payload: Readonly<Record<string, unknown>>
}

type Wanted = (event: SeenEvent) => boolean

/** Remembers all that a feed brings, and tells when something has come. */
export class FeedWatch {
  readonly #events: SeenEvent[] = []
  readonly #looks = new Set<() => void>()

  /** Follows a feed from its beginning until the signal is aborted. @throws the feed broke off */
  async follow(url: string, signal: AbortSignal): Promise<void> {
    try {
      for await (const { data } of readFeed(`${url}/feed?after=0`, { signal })) {
        this.#events.push(JSON.parse(data) as SeenEvent)
        for (const look of this.#looks) look()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** What has come so far. */
  seen(wanted: Wanted): readonly SeenEvent[] {
    return this.#events.filter(wanted)
  }

  /** Resolves with the first `count` events that are wanted. @throws the signal's reason */
  until(wanted: Wanted, count: number, signal: AbortSignal): Promise<readonly SeenEvent[]> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const seen = this.seen(wanted)
        if (seen.length < count) return
        this.#looks.delete(look)
        resolve(seen.slice(0, count))
      }
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      this.#looks.add(look)
      look()
    })
  }
}
